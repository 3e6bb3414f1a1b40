"""Column maps: from a file's own column names and units to those of siteems.

A map is a TOML file with `[time]`, optionally `[only]`, and one table in `[columns]` for each
column of siteems (docs/data.md has an example; `siteems inspect` proposes one).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import field, replace
from pathlib import Path

import pandas as pd
from pydantic import TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from drivers.toml_text import TomlError, read_toml
from siteems.config.fields import CLOSED
from siteems.config.schema_messages import validation_errors
from siteems.errors import UserError
from siteems.recordings.counted_power import counted_power
from siteems.recordings.number_cells import as_numbers, strange_note
from siteems.recordings.profile import COLUMNS
from siteems.recordings.sentinels import without_sentinels
from siteems.recordings.table import Table, require_columns
from siteems.recordings.time_source import TimeSource

TARGETS = (
    *COLUMNS,
    "grid_import_kw",
    "grid_export_kw",
    "ac_load_kw",
    "mains_available",
    "ghi_w_m2",
    "import_price_per_kwh",
    "carbon_kg_per_kwh",
)
"""The columns of siteems that a map may fill."""

POWER: Mapping[str, float] = {"W": 0.001, "kW": 1.0, "MW": 1000.0}
"""Factors to kW."""
ENERGY: Mapping[str, float] = {"Wh": 0.001, "kWh": 1.0, "MWh": 1000.0}
"""Factors to kWh; the energy of a step becomes its mean power."""
COUNTER: Mapping[str, float] = {f"{unit} counter": factor for unit, factor in ENERGY.items()}
"""Factors to kWh; the energy between two readings of a counter becomes its mean power."""
OTHER: Mapping[str, Callable[[pd.Series], pd.Series]] = {
    "degC": lambda values: values,
    "degF": lambda values: (values - 32.0) / 1.8,
    "K": lambda values: values - 273.15,
    "per kWh": lambda values: values,
    "per MWh": lambda values: values / 1000.0,
    "W/m2": lambda values: values,
    "0/1": lambda values: values,
}
NAMED_UNITS: Mapping[str, str] = {
    **{unit.lower(): unit for unit in (*POWER, *ENERGY)},
    "watt": "W",
    "watts": "W",
    "degf": "degF",
    "°f": "degF",
    "fahrenheit": "degF",
    "kelvin": "K",
}
"""As the last part of a column's name."""
UNITS_OF: Mapping[str, tuple[str, ...]] = {
    "kw": (*POWER, *ENERGY, *COUNTER),
    "c": ("degC", "degF", "K"),
    "kwh": ("per kWh", "per MWh"),
    "m2": ("W/m2",),
    "available": ("0/1",),
}
"""Units allowed for a target column, by the last part of its name."""
UNSTATED: Mapping[str, str] = {
    "kw": "kW",
    "c": "degC",
    "kwh": "per kWh",
    "m2": "W/m2",
    "available": "0/1",
}
"""The unit that counts where none is stated."""


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class ColumnSource:
    """Where one column of siteems comes from: a column of the file, or one value for all rows."""

    column: str | None = None
    value: float | None = None
    unit: str | None = None
    scale: float = 1.0
    """Factor on the converted values, such as 5 / 110,000 to scale a 110 MW station to 5 kWp."""


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class ColumnMap:
    """A map file."""

    columns: dict[str, ColumnSource] = field(default_factory=dict)
    time: TimeSource = field(default_factory=TimeSource)
    only: dict[str, int | float | str] = field(default_factory=dict)
    """Rows to use, by column and value, where a file holds several sites: `building = 3`."""

    @property
    def counters(self) -> tuple[str, ...]:
        """The columns that come from a counter."""
        return tuple(name for name, source in self.columns.items() if source.unit in COUNTER)


def read_column_map(path: Path) -> ColumnMap:
    """The map in a TOML file. Raises `UserError` with one line for each error."""
    try:
        data = read_toml(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror})") from error
    except (TomlError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: is not TOML: {error}") from error
    adapter = TypeAdapter(ColumnMap)
    try:
        column_map = adapter.validate_python(data)
    except ValidationError as error:
        errors = validation_errors(error.errors(include_url=False), adapter.json_schema())
        raise UserError(*(error.line(str(path), data) for error in errors)) from error
    for name, source in column_map.columns.items():
        _check_source(path, name, source)
    return column_map


def selected_rows(table: Table, column_map: ColumnMap) -> Table:
    """The rows of a table that a map uses. Raises `UserError` where there is none."""
    frame = table.frame
    for name, wanted in column_map.only.items():
        require_columns(frame, [name], table.path)
        frame = frame[_equals(frame[name], wanted)]
        if frame.empty:
            raise UserError(f"{table.path}: no row has {name} = {wanted}")
    return replace(table, frame=frame)


def _equals(cells: pd.Series, wanted: float | str) -> pd.Series:
    """Which cells have a value: as a number where both are numbers, so that 3 is 3.0."""
    if pd.api.types.is_numeric_dtype(cells) and not pd.api.types.is_bool_dtype(cells):
        try:
            return cells == float(wanted)
        except ValueError:
            pass
    return cells.astype(str) == str(wanted)


def map_columns(
    table: Table,
    column_map: ColumnMap,
    hours: pd.Series,
    times: pd.DatetimeIndex,
    *,
    end_of_step: bool,
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """The columns of a table in siteems' names and units, and a note for cells without number.

    `hours`, the length of each row's step, turns its energy into power; `times` are the starts of
    the steps, and `end_of_step` says whether the file has their ends. Raises `UserError` for a
    column that the file does not have.
    """
    columns, notes = {}, []
    for name, source in column_map.columns.items():
        if source.column is None:
            stated = pd.Series(source.value, index=table.frame.index)
            columns[name] = _converted(stated, source.unit, hours) * source.scale
            continue
        require_columns(table.frame, [source.column], table.path)
        values, strange = as_numbers(table.frame[source.column])
        if len(strange):
            notes.append(strange_note(name, strange))
        # Here, because a register's limit is no longer one after its conversion.
        values, of_sentinels = without_sentinels(name, values)
        notes += of_sentinels
        factor = COUNTER.get(source.unit or "")
        if factor is not None:
            values, repairs = counted_power(times, values * factor, end_of_step=end_of_step)
            notes += [f"{name}: {repair}" for repair in repairs]
        series = pd.Series(values, index=table.frame.index)
        columns[name] = _converted(series, source.unit, hours) * source.scale
    return pd.DataFrame(columns, index=table.frame.index), tuple(notes)


def _check_source(path: Path, name: str, source: ColumnSource) -> None:
    key = f"columns.{name}"
    if name not in TARGETS:
        raise UserError(f"{path}: {key}: no such column; allowed are {', '.join(TARGETS)}")
    if (source.column is None) == (source.value is None):
        raise UserError(f"{path}: {key}: needs either column or value")
    units = UNITS_OF[name.rsplit("_", 1)[-1]]
    if source.unit is not None and source.unit not in units:
        raise UserError(f"{path}: {key}.unit = {source.unit!r}: allowed are {', '.join(units)}")
    if source.value is not None and source.unit in (*ENERGY, *COUNTER):
        allowed = ", ".join(POWER)
        raise UserError(f"{path}: {key}.unit = {source.unit!r}: of a value, allowed are {allowed}")
    named = unit_in_name(source.column or "")
    taken = UNSTATED[name.rsplit("_", 1)[-1]]
    if source.unit is None and source.scale == 1.0 and named in units and named != taken:
        raise UserError(
            f"{path}: {key}: column {source.column!r} names {named}; say unit = {named!r}, or "
            f"unit = {taken!r} if its name is wrong"
        )


def unit_in_name(name: str) -> str | None:
    """The unit that the name of a column ends with, such as kWh of `energy_kwh` and degF of
    `Temp (°F)`; None where it ends with none.
    """
    apart = re.sub(r"(?<=[a-jl-z])(?=(?:k?W|MW|[kM]?Wh)$)", " ", name)
    parts = re.split(r"[^a-z0-9/°]+", apart.lower())
    last = next((part for part in reversed(parts) if part), "")
    return NAMED_UNITS.get(last) if len(parts) > 1 else None


def _converted(values: pd.Series, unit: str | None, hours: pd.Series) -> pd.Series:
    if unit is None or unit in COUNTER:
        return values
    if unit in ENERGY:
        return values * ENERGY[unit] / hours
    return values * POWER[unit] if unit in POWER else OTHER[unit](values)
