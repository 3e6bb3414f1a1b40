"""Everything that one planning run rests on, gathered the same way for the daemon, the replay and
`siteems plan`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import numpy.typing as npt

from optimisation.problem.site_problem import RectifierCurve, SiteProblem
from siteems.demand_response.event import DrEvent
from siteems.estimation.peak_meter import PeakMeter
from siteems.forecast.forecast import Forecast, Forecasts
from siteems.planning.demand_charge import demand_charge
from siteems.planning.problem import reserve_series_kwh, site_problem
from siteems.planning.time_grid import TimeGrid, step_counts, time_grid
from siteems.site.model import Site
from siteems.tariff.lookup import Price, TariffGap, TariffSchedule


@dataclass(frozen=True, eq=False)
class Prepared:
    """The numbers of a planning run and where they come from. Arrays have one entry per step of the
    grid.
    """

    grid: TimeGrid
    forecast: Forecast
    """Reaches the backup hours beyond the grid."""
    prices: tuple[Price, ...]
    reserve_kwh: npt.NDArray[np.float64]
    problem: SiteProblem


def prepare(
    site: Site,
    curve: RectifierCurve,
    schedule: TariffSchedule,
    forecaster: Forecasts,
    events: Sequence[DrEvent],
    *,
    now: datetime,
    soc: float,
    battery_c: float | None,
    last_full: datetime | None = None,
    peak: PeakMeter | None = None,
    segment_kwh: tuple[float, ...] = (),
) -> Prepared:
    """Gather the next horizon. Where the tariff ends sooner, so does the plan: no price is ever
    made up.

    `peak` knows this month's peak; without one no demand charge is planned for. `segment_kwh` is
    the battery's energy by wear segment; empty = as after one discharge from full.

    Raises `TariffGap` when no tariff holds now, `ProblemError` for numbers that no plan can be made
    from.
    """
    planning = site.planning
    longer = time_grid(
        now,
        planning.step_min,
        planning.horizon_h + math.ceil(site.backup.hours) + 1,
        planning.fine_h,
    )
    grid = longer.first(sum(step_counts(planning.step_min, planning.horizon_h, planning.fine_h)))
    prices = _known_prices(schedule, grid)
    grid = grid.first(len(prices))
    forecast = forecaster.forecast(now, longer.starts, longer.step_h)
    reserve_kwh = reserve_series_kwh(site, grid, longer, forecast.dc_load_p95_kw, battery_c)
    problem = site_problem(
        site,
        curve,
        grid,
        soc=soc,
        battery_c=battery_c,
        forecast=forecast,
        reserve_kwh=reserve_kwh,
        prices=np.array([p.per_kwh for p in prices]),
        events=events,
        last_full=last_full,
        demand=None if peak is None else demand_charge(peak, now, grid),
        segment_kwh=segment_kwh,
    )
    return Prepared(grid, forecast, prices, reserve_kwh, problem)


def _known_prices(schedule: TariffSchedule, grid: TimeGrid) -> tuple[Price, ...]:
    step_h = grid.step_h.tolist()
    prices = [schedule.mean_price(grid.starts[0], step_h[0])]
    for start, hours in zip(grid.starts[1:], step_h[1:], strict=True):
        try:
            prices.append(schedule.mean_price(start, hours))
        except TariffGap:
            break
    return tuple(prices)
