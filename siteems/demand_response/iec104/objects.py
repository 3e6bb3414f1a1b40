"""The information objects of the station: what has which address, in which unit. Data, not code."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import pydantic
from pydantic import Field, TypeAdapter, model_validator
from pydantic.dataclasses import dataclass

from drivers.toml_text import TomlError, read_toml
from siteems.config.fields import CLOSED, NonNegative
from siteems.config.schema_messages import validation_errors
from siteems.config.seeds import seeds_folder
from siteems.errors import UserError

Address = Annotated[int, Field(ge=1, le=16_777_215)]
Value = Literal[
    "grid_kw", "battery_kw", "soc", "pv_kw", "dc_load_kw", "ac_load_kw", "import_cap_kw",
    "reduction_kw", "increase_kw",
]  # fmt: skip
Does = Literal[
    "import-cap", "battery-power", "charge-state", "reduction", "duration", "emergency", "release"
]
SINGLE: Final = ("emergency", "release")
"""On or off; all others are numbers."""


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class MeasuredObject:
    """A measured value."""

    address: Address
    value: Value
    unit: Literal["kW", "1"]
    deadband: NonNegative
    """A change that is smaller is not sent by itself."""


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class CommandObject:
    """Something that may be commanded."""

    address: Address
    does: Does
    unit: Literal["kW", "1", "min", "on/off"]
    select: bool
    """Whether it has to be selected before it is executed."""


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class Objects:
    """The whole table."""

    measured: Annotated[tuple[MeasuredObject, ...], Field(min_length=1)]
    command: tuple[CommandObject, ...] = ()

    @model_validator(mode="after")
    def _addresses_once(self) -> Objects:
        addresses = [each.address for each in self.measured]
        addresses += [each.address for each in self.command]
        twice = [address for address in addresses if addresses.count(address) > 1]
        if twice:
            raise ValueError(f"two objects have the address {twice[0]}")
        return self


def read_objects(file: str | None) -> Objects:
    """The table in a file; without one, that of siteems. Raises `UserError` with one line for each
    error.
    """
    path = seeds_folder() / "iec104" / "objects.toml" if file is None else Path(file)
    data = _read(path)
    try:
        return _adapter().validate_json(json.dumps(data, default=str), strict=True)
    except pydantic.ValidationError as error:
        found = validation_errors(error.errors(include_url=False), _adapter().json_schema())
        raise UserError(*(each.line(str(path), data) for each in found)) from error


@cache
def _adapter() -> TypeAdapter[Objects]:
    return TypeAdapter(Objects)


def _read(path: Path) -> dict[str, Any]:
    try:
        return read_toml(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror})") from error
    except (UnicodeDecodeError, TomlError) as error:
        raise UserError(f"{path}: is not TOML: {error}") from error
