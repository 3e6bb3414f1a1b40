"""A DL/T 645 meter model as data: the identifier of each point, and how its number is packed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Literal

from pydantic import Field

from drivers.dlt645.numbers import Decimal645
from drivers.errors import MapError
from drivers.map_schema import Evidence, Finite, MapName, MapPart, Text, parse_toml, role_faults
from drivers.points import POINTS
from drivers.roles import Role


class MeterPoint(MapPart):
    """How one point of the vocabulary (`drivers/points.py`) is read from a meter."""

    item: Annotated[int, Field(ge=0, le=0xFFFFFFFF)]
    """Data identifier, DI3 first (DL/T 645-2007, annex A): 0x02030000 is the total active power."""
    size: Annotated[int, Field(ge=1, le=8)]
    """Bytes of the number."""
    decimals: Annotated[int, Field(ge=0, le=8)]
    signed: bool = False
    min: Finite
    max: Finite
    """What the meter can plausibly show, in the unit of the point's name, before any ratio."""

    @property
    def writable(self) -> bool:
        """Never: a utility meter is only read."""
        return False

    @property
    def form(self) -> Decimal645:
        """How the number is packed."""
        return Decimal645(self.size, self.decimals, self.signed)


class MeterMap(MapPart):
    """One meter model. Utility meters are only read: they have no setpoint and no lease."""

    schema_version: Literal[1]
    protocol: Literal["dlt645"]
    name: MapName
    title: Text
    roles: Annotated[tuple[Role, ...], Field(min_length=1)]
    source: Text
    """Where the facts come from."""
    evidence: Evidence
    points: Annotated[Mapping[str, MeterPoint], Field(min_length=1)]

    @property
    def setpoints(self) -> tuple[str, ...]:
        """None: nothing is written to a utility meter."""
        return ()


def parse_meter_map(text: str, file: str) -> MeterMap:
    """The map in a TOML text; `file` is named in errors. Raises MapError for the first error."""
    meter_map = parse_toml(text, file, MeterMap, {"points": MeterPoint})
    for fault in _faults(meter_map):
        raise MapError(f"{file}: {fault}")
    return meter_map


def _faults(meter_map: MeterMap) -> Iterable[str]:
    """All errors that types and ranges cannot see, each as "key = value: what is wrong"."""
    for name, point in meter_map.points.items():
        if name not in POINTS:
            yield f"points.{name}: unknown point; allowed are the names in drivers/points.py"
        if point.min >= point.max:
            yield f"points.{name}.min = {point.min:g}: must be below max = {point.max:g}"
        largest = point.form.largest
        if point.max > largest or point.min < (-largest if point.signed else 0.0):
            yield f"points.{name}: {point.min:g}..{point.max:g} does not fit {point.size} bytes"
    yield from role_faults(meter_map.roles, meter_map.points)
