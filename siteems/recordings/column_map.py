"""Whatever a recording calls its columns and whatever units it has, in the words and units of a
profile.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import field
from pathlib import Path
from typing import Literal

import pandas as pd
from pydantic import TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from siteems.config.fields import CLOSED
from siteems.config.schema_messages import validation_errors
from siteems.errors import UserError
from siteems.recordings.findings import step_of
from siteems.recordings.profile import COLUMNS

OURS = (
    *COLUMNS,
    "grid_import_kw",
    "grid_export_kw",
    "ac_load_kw",
    "mains_available",
    "ghi_w_m2",
    "import_price_per_kwh",
    "carbon_kg_per_kwh",
)

POWER: Mapping[str, float] = {"W": 0.001, "kW": 1.0, "MW": 1000.0}
ENERGY: Mapping[str, float] = {"Wh": 0.001, "kWh": 1.0, "MWh": 1000.0}
OTHER: Mapping[str, Callable[[pd.Series], pd.Series]] = {
    "degC": lambda values: values,
    "degF": lambda values: (values - 32.0) / 1.8,
    "K": lambda values: values - 273.15,
    "per kWh": lambda values: values,
    "per MWh": lambda values: values / 1000.0,
    "W/m2": lambda values: values,
    "0/1": lambda values: values,
}
UNITS = (*POWER, *ENERGY, *OTHER)
UNITS_OF: Mapping[str, tuple[str, ...]] = {
    "kw": (*POWER, *ENERGY),
    "c": ("degC", "degF", "K"),
    "kwh": ("per kWh", "per MWh"),
    "m2": ("W/m2",),
    "available": ("0/1",),
}
"""By the end of our name."""


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class From:
    """Where one column of ours comes from: a column of the file, or one value for all of it."""

    column: str | None = None
    value: float | None = None
    unit: str | None = None
    scale: float = 1.0
    """Times this, such as 5 / 110,000 to bring a 110 MW station down to 5 kWp."""


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class TimeFrom:
    """The column of stamps, and whether they name the begin or the end of their step."""

    column: str = "time"
    stands_for: Literal["start", "end"] = "start"


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class DataMap:
    """A map file: `[time]`, and one table in `[columns]` for each column of ours."""

    columns: dict[str, From]
    time: TimeFrom = field(default_factory=TimeFrom)
    only: dict[str, int | float | str] = field(default_factory=dict)
    """Rows that are meant, by column, where a file holds several things: `building = 3`."""


def read_mapping(path: Path) -> DataMap:
    """The mapping in a TOML file. Raises `UserError` with one line for each error."""
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror})") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: is not TOML: {error}") from error
    adapter = TypeAdapter(DataMap)
    try:
        mapping = adapter.validate_python(data)
    except ValidationError as error:
        errors = validation_errors(error.errors(include_url=False), adapter.json_schema())
        raise UserError(*(error.line(str(path), data) for error in errors)) from error
    for name, source in mapping.columns.items():
        if name not in OURS:
            raise UserError(
                f"{path}: columns.{name}: no such column; allowed are {', '.join(OURS)}"
            )
        if (source.column is None) == (source.value is None):
            raise UserError(f"{path}: columns.{name}: needs either column or value")
        units = UNITS_OF[name.rsplit("_", 1)[-1]]
        if source.unit is not None and source.unit not in units:
            raise UserError(
                f"{path}: columns.{name}.unit = {source.unit!r}: allowed are {', '.join(units)}"
            )
    return mapping


def mapped(frame: pd.DataFrame, mapping: DataMap, path: Path) -> pd.DataFrame:
    """The table in our columns and units. Raises `UserError` for a column that the file does not
    have.
    """

    def column(name: str) -> pd.Series:
        if name not in frame:
            raise UserError(
                f"{path}: no column {name}; there are {', '.join(map(str, frame.columns))}"
            )
        return frame[name]

    for name, wanted in mapping.only.items():
        frame = frame[column(name).astype(str) == str(wanted)]
        if frame.empty:
            raise UserError(f"{path}: no row has {name} = {wanted}")
    stamps = pd.to_datetime(column(mapping.time.column), format=None)
    step = step_of(pd.DatetimeIndex(stamps))
    if mapping.time.stands_for == "end":
        stamps = stamps - step
    hours = step / pd.Timedelta(hours=1)
    ours = {"time": stamps.map(pd.Timestamp.isoformat)}
    for name, source in mapping.columns.items():
        if source.column is None:
            ours[name] = pd.Series(source.value, index=frame.index)
            continue
        values = pd.to_numeric(column(source.column), errors="coerce")
        ours[name] = _converted(values, source.unit, hours) * source.scale
    return pd.DataFrame(ours)


def _converted(values: pd.Series, unit: str | None, hours: float) -> pd.Series:
    if unit is None:
        return values
    if unit in ENERGY:
        return (
            values * ENERGY[unit] / hours
        )  # the energy of a step is its mean power times its length
    return values * POWER[unit] if unit in POWER else OTHER[unit](values)
