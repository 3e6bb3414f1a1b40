"""A DL/T 645 meter as data: which identifier stands behind which point of the vocabulary, and how
it is packed.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from typing import Annotated, Literal

from pydantic import Field, ValidationError

from drivers.dlt645.numbers import Decimal645
from drivers.errors import MapError
from drivers.modbus.device_map import Evidence, validation_sentence
from drivers.modbus.point_map import Closed, Finite
from drivers.points import POINTS
from drivers.roles import Role, lacking

SCALED_UNITS = ("kW", "kWh")
"""What a meter behind current transformers shows too small: its reading times the transformers'
ratio is the value.
"""


class MeterPoint(Closed):
    """Where one point of the vocabulary stands, and what it may be. `min`, `max` are in the unit of
    its name.
    """

    item: Annotated[int, Field(ge=0, le=0xFFFFFFFF)]
    """Data identifier, DI3 first: 0x02030000 is the total active power."""
    size: Annotated[int, Field(ge=1, le=8)]
    """Bytes of the number."""
    decimals: Annotated[int, Field(ge=0, le=8)]
    signed: bool = False
    min: Finite
    max: Finite

    @property
    def writable(self) -> bool:
        """Never: a utility meter is read."""
        return False

    @property
    def form(self) -> Decimal645:
        """How the number is packed."""
        return Decimal645(self.size, self.decimals, self.signed)


class MeterMap(Closed):
    """One meter model. Utility meters are read, never written: no setpoint, no lease."""

    schema_version: Literal[1]
    protocol: Literal["dlt645"]
    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$", max_length=64)]
    title: Annotated[str, Field(min_length=1)]
    roles: Annotated[tuple[Role, ...], Field(min_length=1)]
    source: Annotated[str, Field(min_length=1)]
    """Where the facts come from."""
    evidence: Evidence
    points: Annotated[Mapping[str, MeterPoint], Field(min_length=1)]

    @property
    def setpoints(self) -> tuple[str, ...]:
        """None: nothing is written to a utility meter."""
        return ()

    def faults(self) -> Iterable[str]:
        """Everything that types and ranges cannot see, as "key = value: what is wrong; what is
        allowed".
        """
        for name, point in self.points.items():
            if name not in POINTS:
                yield f"points.{name}: unknown point; allowed are the names in drivers/points.py"
            if point.min >= point.max:
                yield f"points.{name}.min = {point.min:g}: must be below max = {point.max:g}"
            largest = point.form.largest
            if point.max > largest or point.min < (-largest if point.signed else 0.0):
                yield f"points.{name}: {point.min:g}..{point.max:g} does not fit {point.size} bytes"
        for role in self.roles:
            if missing := lacking(role, self.points):
                yield f"roles = {role!r}: this role needs the points {', '.join(missing)}"


def parse_meter_map(text: str, file: str) -> MeterMap:
    """The map in a TOML text; `file` is named in errors. Raises MapError for the first thing that
    is wrong.
    """
    try:
        meter_map = MeterMap.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as exc:
        raise MapError(f"{file}: not a TOML file: {exc}") from None
    except ValidationError as exc:
        raise MapError(
            f"{file}: {validation_sentence(exc, {'points': MeterPoint}, MeterMap)}"
        ) from None
    for fault in meter_map.faults():
        raise MapError(f"{file}: {fault}")
    return meter_map
