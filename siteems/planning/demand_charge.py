"""What a plan is to pay for raising the month's billed peak."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from optimisation.problem.site_problem import DemandCharge
from siteems.accounting.demand import counting
from siteems.estimation.peak_meter import PeakMeter
from siteems.planning.time_grid import TimeGrid


def demand_charge(peak: PeakMeter, now: datetime, grid: TimeGrid) -> DemandCharge | None:
    """The charge for a higher peak on `grid`, made now; None where no plan can change the charge.

    A kW more of peak is paid once and serves for the rest of the month, of which the plan sees a
    part. It is therefore charged that part of the price: what repeats day by day is then weighed as
    over the whole rest of the month. Steps of the next month do not count, its peak begins anew.
    """
    billed = peak.billed(now)
    if billed is None:
        return None
    interval_s = 60 * billed.term.interval_min
    begins_s = np.array(
        [int(start.timestamp()) // interval_s * interval_s for start in grid.starts],
        dtype=np.int64,
    )
    turn = _end_of_month(now, peak.schedule.zone)
    in_month = begins_s < turn.timestamp()
    seen_h = float(grid.step_h[in_month].sum())
    left_h = max(seen_h, (turn - now) / timedelta(hours=1))
    return DemandCharge(
        price_per_kw=billed.price_per_kw * seen_h / left_h,
        peak_so_far_kw=max(billed.free_kw, peak.peak_kw(now)),
        interval_of_step=np.cumsum(np.diff(begins_s, prepend=begins_s[0]) > 0),
        counts=counting(billed.term, billed.version, peak.schedule, begins_s) & in_month,
    )


def _end_of_month(now: datetime, zone: ZoneInfo) -> datetime:
    local = now.astimezone(zone)
    after = local.replace(day=1, hour=0, minute=0, second=0, microsecond=0) + timedelta(days=32)
    return after.replace(day=1).astimezone(UTC)
