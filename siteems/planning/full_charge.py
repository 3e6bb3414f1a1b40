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
OVERDUE_WITHIN = timedelta(hours=24)
"""An overdue full charge is planned within a day rather than at once: the day has a cheap period
in it, and one more day matters little to the battery.
"""


def full_charge_due(
    battery: Battery,
    grid: TimeGrid,
    last_full: datetime | None,
    prices: npt.NDArray[np.float64],
) -> FullCharge | None:
    """The full charge that falls due within the grid, if any. `prices` has shape (n,).

    A linear program cannot choose the step, so it is chosen here: the end of the last cheapest
    period before the charge is due, when a full battery was charged at the lowest price and need
    not stay full for long. If `last_full` is None the charge counts as overdue.
    """
    if battery.full_charge_days is None:
        return None
    due = grid.starts[0] + OVERDUE_WITHIN
    if last_full is not None:
        due = max(due, last_full + timedelta(days=battery.full_charge_days))
    if due > grid.end:
        return None
    steps_before = max(1, bisect_left(grid.starts, due))
    cheapest = prices[:-1] <= prices[:steps_before].min()
    price_rises = prices[1:] > prices[:-1]
    ends = np.flatnonzero(cheapest & price_rises)
    ends = ends[ends < steps_before]
    by_step = int(ends[-1]) if ends.size else steps_before - 1
    return FullCharge(by_step, FULL_CHARGE_PENALTY_FACTOR * float(np.abs(prices).max()))
