"""The full-charge schedule: by when the plan should charge a lead battery fully again.

Lead batteries sulphate when they are never fully charged, so their maker asks for a full charge
every so many days (`full_charge_days` in the site file).
"""

from __future__ import annotations

from bisect import bisect_left
from datetime import datetime, timedelta

import numpy as np
import numpy.typing as npt

from optimisation.problem.site_problem import FullCharge
from siteems.planning.time_grid import TimeGrid
from siteems.site.model import Battery

FULL_CHARGE_PENALTY_FACTOR = 2.0
"""Price of a kWh missing from a full charge that is due, in multiples of the horizon's highest
price. Above 1, the plan buys that kWh at any price and accepts the losses; well below the penalties
for a DR cap and for the reserve, which therefore come first.
"""
LATE_BY = timedelta(hours=6)
"""A full charge may be so much later than due, so that a cheap period in which it falls due is used
to its end. The last tenth of a lead battery takes hours; it would be bought before, at a higher
price.
"""
EARLY_BY = timedelta(hours=1)
"""So much before the end of the cheap period the battery should be full: a charge that is a
percent short then has an hour left at the same price.
"""
OVERDUE_WITHIN = timedelta(hours=24)
"""An overdue full charge is planned within a day rather than at once: the day has a cheap period
in it, and one more day matters little to the battery. The day begins when the charge was due, so
that each plan has the same deadline.
"""


def full_charge_due(
    battery: Battery,
    grid: TimeGrid,
    last_full: datetime | None,
    prices: npt.NDArray[np.float64],
    surplus: npt.NDArray[np.bool_],
    *,
    known_since: datetime,
    soc: float,
) -> FullCharge | None:
    """The full charge that falls due within the grid, if any. `prices` has shape (n,), as has
    `surplus`: whether PV beyond the load is expected.

    If `last_full` is None, the charge was due when the site was first measured, `known_since`. Once
    the deadline is over, the battery is charged as fast as it can be.

    A linear program cannot choose the step, so it is chosen here: the end of the last cheapest
    period before the charge is due, when a full battery was charged at the lowest price and need
    not stay full for long. Under one price it is the end of the last hours with PV beyond the load.
    """
    if battery.full_charge_days is None:
        return None
    now = grid.starts[0]
    due = known_since
    if last_full is not None:
        due = last_full + timedelta(days=battery.full_charge_days) + LATE_BY
    if due <= now:
        due += OVERDUE_WITHIN
    missing_kwh = (1.0 - soc) * battery.capacity_kwh
    fastest_h = missing_kwh / (battery.max_charge_kw * battery.charge_efficiency)
    due = max(due, now + timedelta(hours=fastest_h))
    if due > grid.end:
        return None
    steps_before = max(1, bisect_left(grid.starts, due))
    cheapest = prices <= prices[:steps_before].min()
    by_step = _last_end(cheapest, steps_before)
    if by_step is not None:
        early = bisect_left(grid.starts, grid.starts[by_step] - EARLY_BY)
        if cheapest[early:by_step].all():
            by_step = early
    else:  # one price until then
        by_step = _last_end(surplus, steps_before)
    if by_step is None:
        by_step = steps_before - 1
    return FullCharge(by_step, FULL_CHARGE_PENALTY_FACTOR * float(np.abs(prices).max()))


def _last_end(steps: npt.NDArray[np.bool_], before: int) -> int | None:
    """The last of these steps that is followed by another one, before a step."""
    ends = np.flatnonzero(steps[:-1] & ~steps[1:])
    ends = ends[ends < before]
    return int(ends[-1]) if ends.size else None
