"""What is expected over the steps of one plan: forecast, prices, reserve, DR caps."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Final

import numpy as np
import numpy.typing as npt

from siteems.demand_response.event import DrEvent
from siteems.demand_response.timeline import import_cap_kw, requests_at, touching
from siteems.estimation.site_state import SiteState
from siteems.forecast.forecast import Forecast, Forecaster
from siteems.planning.reserve_series import reserve_series_kwh
from siteems.planning.time_grid import TimeGrid, step_counts, time_grid
from siteems.site.model import Site
from siteems.tariff.gap import TariffGap
from siteems.tariff.schedule import Price, TariffSchedule

Array = npt.NDArray[np.float64]

EVENT_PERIOD: Final = "event"
"""Name of the tariff period in which a DR event sets the price."""
NEAR_H: Final = 1e-6
"""An interval that ends where a step ends, but for rounding, ends in this step."""


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
    charge_kwh: Array
    """Stored energy that DR events ask for at the end of each step; 0 = none."""

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
    prices = event_prices(events, grid, prices)
    forecast = forecaster.forecast(state.time, longer.starts, longer.step_h)
    return Horizon(
        grid=grid,
        forecast=forecast,
        prices=prices,
        reserve_kwh=reserve_series_kwh(
            site, grid, longer, forecast.dc_load_p95_kw, state.battery_c
        ),
        import_cap_kw=import_caps_kw(events, grid),
        charge_kwh=site.battery.capacity_kwh * charge_states(events, grid),
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


def event_prices(
    events: Sequence[DrEvent], grid: TimeGrid, prices: tuple[Price, ...]
) -> tuple[Price, ...]:
    """The prices with those of price events in place of the tariff's; of a step that an event
    covers in part, the mean.
    """
    priced = [event for event in events if event.kind == "price" and not event.test]
    if not priced:
        return prices
    return tuple(
        _price_of_step(priced, start, timedelta(hours=float(hours)), price)
        for start, hours, price in zip(grid.starts, grid.step_h, prices, strict=True)
    )


def _price_of_step(
    priced: Sequence[DrEvent], start: datetime, length: timedelta, price: Price
) -> Price:
    end = start + length
    edges = {start, end}
    for event in priced:
        for interval in touching(event, start, length):
            edges |= {max(start, interval.start), min(end, interval.end)}
    if len(edges) == 2 and requests_at(priced, start).price_per_kwh is None:
        return price
    total = 0.0
    for begin, until in pairwise(sorted(edges)):
        asked = requests_at(priced, begin).price_per_kwh
        total += (price.per_kwh if asked is None else asked) * ((until - begin) / length)
    return Price(total, EVENT_PERIOD, price.version)


def charge_states(events: Sequence[DrEvent], grid: TimeGrid) -> Array:
    """The state of charge that the battery must have at the end of each step; 0 where no event asks
    for one. It is asked for at the end of the step in which its interval ends, and until then the
    plan is free.
    """
    states = np.zeros(len(grid.starts))
    for event in events:
        if event.kind != "charge-state" or event.test:
            continue
        for interval in event.intervals:
            end_h = (interval.end - grid.starts[0]) / timedelta(hours=1)
            index = int(np.searchsorted(grid.edges_h[1:], end_h - NEAR_H))
            if end_h > 0.0 and index < len(states):
                states[index] = max(states[index], interval.value)
    return states


def import_caps_kw(events: Sequence[DrEvent], grid: TimeGrid) -> Array:
    """The tightest cap of each step; a cap that touches a step holds for all of it."""
    caps_kw = np.full(len(grid.starts), np.inf)
    if events:
        for i, (start, hours) in enumerate(zip(grid.starts, grid.step_h, strict=True)):
            caps_kw[i] = import_cap_kw(events, start, timedelta(hours=float(hours)))
    return caps_kw
