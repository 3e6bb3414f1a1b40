"""Whether a device holds a value: compared with what it reads back after each write."""

from __future__ import annotations

from drivers.modbus.point_map import PointMap
from drivers.points import Point, Quality
from drivers.write_gate.records import Outcome

_ROUNDING = 1.000001
"""A value one tolerance away must count as inside, although binary fractions are not exact."""


def same_step(point: PointMap, one: float, other: float) -> bool:
    """Whether two values are the same in the device's register."""
    steps = [round((value - point.offset) / point.resolution) for value in (one, other)]
    return steps[0] == steps[1]


def is_held(point: PointMap, wanted: float, read: float) -> bool:
    """Whether a value that was read is the wanted one, within the tolerance of its point."""
    return abs(read - wanted) <= point.tolerance * _ROUNDING


def judge(point: PointMap, wanted: float, found: Point) -> tuple[Outcome, str]:
    """The outcome of a write that the device confirmed, with the detail of its record."""
    if found.quality is Quality.UNREACHABLE:
        return "failed", "written, but it could not be read back"
    if found.value is None:
        return "mismatch", f"reads back as {found.quality}"
    if not is_held(point, wanted, found.value):
        return "mismatch", f"reads back as {found.value:g}"
    return "written", ""
