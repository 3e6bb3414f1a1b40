"""The deadband of a setpoint: the value sent last stays while the new one hardly differs.

The noise of a load moves the computed current limits by a few tenths of an ampere every second.
Each write takes time on the line and, on many devices, counts against a daily limit.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Final

from drivers.points import FORCED_DISCHARGE

DEADBAND: Final[Mapping[str, float]] = {"a": 0.5, "kw": 0.025}
"""By unit of the point. About 25 W, so less than the 0.05 kW of margin with which an import cap is
kept: a deadband in the wrong direction does not break a cap. A wider one would save writes and make
the battery follow the plan less closely.
"""


def steady(point: str, value: float, last: float | None, step: float | None, toward: int) -> float:
    """The value to send: `last` where the new value is within the deadband, else the new one.

    `step` is the smallest change that justifies a write to this device, from its map. It may be
    wider than the deadband, but no import cap is broken for it: within `step` the last value stays
    only where it takes less from the grid than the new one. `toward` is +1 where a larger value
    takes more from the grid, -1 where it takes less. Zero is always sent as zero.
    """
    if last is None or value == 0.0:
        return value
    fine = _fine(point)
    coarse = max(fine, step or 0.0)
    if abs(value - last) < fine or 0.0 <= toward * (value - last) < coarse:
        return last
    return value


@cache
def _fine(point: str) -> float:
    return DEADBAND.get(point.rsplit("_", 1)[-1], 0.0)


def toward_grid(point: str, asked: Mapping[str, float]) -> int:
    """+1 where a larger value of the setpoint takes more from the grid, -1 where it takes less."""
    discharges = point == "discharge_limit_kw" or (
        point == "forced_kw" and asked.get("forced_mode") == FORCED_DISCHARGE
    )
    return -1 if discharges else 1
