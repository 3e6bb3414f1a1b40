"""Whether a device holds a value: compared with what it reads back after each write."""

from __future__ import annotations

import math
from typing import Final

from drivers.modbus.point_map import PointMap
from drivers.points import Point, Quality
from drivers.trouble import Trouble, trouble
from drivers.write_gate.records import Outcome

_NEARLY: Final = 1e-6
_ROUNDING: Final = 1.000001
"""A value one tolerance away must count as inside, although binary fractions are not exact."""


def same_step(point: PointMap, one: float, other: float) -> bool:
    """Whether two values are the same in the device's register."""
    steps = [round((value - point.offset) / point.resolution) for value in (one, other)]
    return steps[0] == steps[1]


def is_held(point: PointMap, wanted: float, read: float) -> bool:
    """Whether a value that was read is the wanted one, within the tolerance of its point."""
    return abs(read - wanted) <= point.tolerance * _ROUNDING


def judge(point: PointMap, wanted: float, found: Point) -> tuple[Outcome, Trouble | None]:
    """The outcome of a write that the device confirmed, with the detail of its record."""
    if found.quality is Quality.UNREACHABLE:
        return "failed", trouble("not-read-back")
    if found.value is None:
        return "mismatch", trouble("reads-as-quality", quality=str(found.quality))
    if not is_held(point, wanted, found.value):
        return "mismatch", trouble("reads-as", value=found.value)
    return "written", None


OWN_STEPS: Final = (2, 5, 10, 20, 50, 100)
"""Steps that devices keep, in steps of their register: whole amperes, or 5 A where it has 0.1 A."""


def own_step(point: PointMap, wanted: float, read: float) -> float | None:
    """The smallest step by which a device that was sent `wanted` may have come to hold `read`; None
    where there is none, or where the point has values that are not to be rounded.
    """
    if point.codes or point.means_none:
        return None
    wanted_raw, read_raw = (
        round((value - point.offset) / point.resolution) for value in (wanted, read)
    )
    if read_raw == 0:  # a multiple of any step proves none
        return None
    for step in OWN_STEPS:
        if read_raw % step == 0 and wanted_raw % step and abs(wanted_raw - read_raw) < step:
            return step * point.resolution
    return None


def on_step(point: PointMap, step: float | None, value: float) -> float:
    """The value rounded down to the device's own step, if it has one: less power from the grid, or
    a lower limit. Never below the point's `min`.
    """
    if step is None or not point.min <= value <= point.max:
        return value
    rounded = round(math.floor(value / step + _NEARLY) * step, 6)
    return rounded if rounded >= point.min else value
