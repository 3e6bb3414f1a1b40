"""What is expected over the steps of one plan: forecast, prices, reserve, DR caps."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import numpy.typing as npt

from siteems.demand_response.event import DrEvent
from siteems.demand_response.timeline import import_cap_kw
from siteems.estimation.site_state import SiteState
from siteems.forecast.forecast import Forecast, Forecaster
from siteems.planning.reserve_series import reserve_series_kwh
from siteems.planning.time_grid import TimeGrid, step_counts, time_grid
from siteems.site.model import Site
from siteems.tariff.gap import TariffGap
from siteems.tariff.schedule import Price, TariffSchedule

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Horizon:
    """Arrays and tuples have one entry per step of `grid`, n in all."""

    grid: TimeGrid
    forecast: Forecast
    """Reaches beyond the grid by the backup hours, so its arrays are longer."""
    prices: tuple[Price, ...]
    reserve_kwh: Array
    import_cap_kw: Array
    """From DR events, AC side; infinite = none."""

    @property
    def price_per_kwh(self) -> Array:
        """Currency per kWh, shape (n,)."""
        return np.array([price.per_kwh for price in self.prices])


def make_horizon(
    site: Site,
    schedule: TariffSchedule,
    state: SiteState,
    forecaster: Forecaster,
    events: Sequence[DrEvent],
) -> Horizon:
    """Gather the next horizon from `state.time` on.

    Where the known prices end sooner than the configured horizon, so does the plan: no price is
    ever made up. Raises `TariffGap` when there is no price even for the first step.
    """
    planning = site.planning
    n_steps = sum(step_counts(planning.step_min, planning.horizon_h, planning.fine_h))
    longer_h = planning.horizon_h + math.ceil(site.backup.hours) + 1
    longer = time_grid(state.time, planning.step_min, longer_h, planning.fine_h)
    prices = _known_prices(schedule, longer.first(n_steps))
    grid = longer.first(len(prices))
    forecast = forecaster.forecast(state.time, longer.starts, longer.step_h)
    return Horizon(
        grid=grid,
        forecast=forecast,
        prices=prices,
        reserve_kwh=reserve_series_kwh(
            site, grid, longer, forecast.dc_load_p95_kw, state.battery_c
        ),
        import_cap_kw=import_caps_kw(events, grid),
    )


def _known_prices(schedule: TariffSchedule, grid: TimeGrid) -> tuple[Price, ...]:
    """Mean price of each step, up to the first step without one. Raises `TariffGap` if that is the
    first of all.
    """
    prices: list[Price] = []
    try:
        for start_s, hours in zip(grid.starts_s.tolist(), grid.step_h.tolist(), strict=True):
            prices.append(schedule.mean_price(start_s, hours))
    except TariffGap:
        if not prices:
            raise
    return tuple(prices)


def import_caps_kw(events: Sequence[DrEvent], grid: TimeGrid) -> Array:
    """The tightest cap of each step; a cap that touches a step holds for all of it."""
    caps_kw = np.full(len(grid.starts), np.inf)
    if events:
        for i, (start, hours) in enumerate(zip(grid.starts, grid.step_h, strict=True)):
            caps_kw[i] = import_cap_kw(events, start, timedelta(hours=float(hours)))
    return caps_kw
