"""What a plan has to pay for raising the month's billed peak."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from optimisation.problem.site_problem import DemandCharge
from siteems.accounting.demand import counting
from siteems.estimation.billed_demand import billed_demand
from siteems.estimation.site_state import SiteState
from siteems.planning.time_grid import TimeGrid
from siteems.site.model import GridConnection
from siteems.tariff.local_clock import billing_interval_s
from siteems.tariff.schedule import TariffSchedule


def demand_charge(
    schedule: TariffSchedule, connection: GridConnection, state: SiteState, grid: TimeGrid
) -> DemandCharge | None:
    """The charge for a higher peak on `grid`; None where no charge applies that a plan can
    influence, and where the month's peak is not tracked.

    A kW of peak is paid once, at its full price, also where most of the month is still to come and
    would use it: what a higher peak saves in a day and a half seldom repeats day by day, and a peak
    that the load makes anyway costs nothing more later. Scaled by the share of the month that the
    plan sees, or by half, the demand charges of a month were a fifth higher. Steps of the next
    month do not count, because the peak starts again there.
    """
    if state.month_peak_kw is None:
        return None
    billed = billed_demand(schedule, connection, state.time)
    if billed is None:
        return None
    interval_s = 60 * billed.term.interval_min
    begins_s = billing_interval_s(grid.starts_s, interval_s, schedule.zone)
    end_of_month = _end_of_month(state.time, schedule.zone)
    in_month = begins_s < end_of_month.timestamp()
    return DemandCharge(
        price_per_kw=billed.price_per_kw,
        peak_so_far_kw=max(billed.free_kw, state.month_peak_kw),
        interval_of_step=np.cumsum(np.diff(begins_s, prepend=begins_s[0]) > 0),
        counts=counting(billed.term, billed.version, schedule, begins_s) & in_month,
    )


def _end_of_month(now: datetime, zone: ZoneInfo) -> datetime:
    local = now.astimezone(zone)
    first = local.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return (first + timedelta(days=32)).replace(day=1).astimezone(UTC)
