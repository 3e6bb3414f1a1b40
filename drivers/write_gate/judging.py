"""What a read-back says of the last write: taken, not shown yet, or taken as something else.

One read-back is not the truth. Some devices show a value seconds after they took it, and some keep
it at a coarser step than their register has; the step is learnt from two different values that they
come to show. One is no evidence: a limit, or a register that is stuck, looks the same.
"""

from __future__ import annotations

from collections.abc import Mapping

from drivers.modbus.point_map import PointMap
from drivers.points import Point, Reading
from drivers.trouble import Trouble
from drivers.write_gate.lease_refresh import SetpointState
from drivers.write_gate.read_back import is_held, judge, own_step
from drivers.write_gate.records import Outcome


def judged(
    point: PointMap, setpoint: SetpointState, found: Point, now_s: float, *, last: bool = False
) -> tuple[Outcome, Trouble | None]:
    """The outcome of the last write of a setpoint that reads like this now, with its detail.

    What is not shown may be shown later, unless this is the `last` look at it. The state of the
    setpoint is updated.
    """
    wanted = setpoint.value
    assert wanted is not None  # it was sent
    outcome, detail = judge(point, wanted, found)
    if outcome == "written":
        setpoint.taken()
        return outcome, detail
    if outcome == "mismatch" and not last:
        late = found.value is not None and any(
            is_held(point, value, found.value) for _, value in setpoint.recent[:-1]
        )
        if setpoint.not_shown(now_s, late=late):
            return "unconfirmed", detail
    setpoint.not_taken(now_s)
    if outcome == "mismatch" and found.value is not None and found.value != setpoint.seen:
        setpoint.shown(found.value, own_step(point, wanted, found.value))
    return outcome, detail


def unshown(
    points: Mapping[str, PointMap], values: Mapping[str, float], found: Reading
) -> list[str]:
    """The points that were read and show something else than these values."""
    return [
        name
        for name, value in values.items()
        if judge(points[name], value, found.points[name])[0] == "mismatch"
    ]
