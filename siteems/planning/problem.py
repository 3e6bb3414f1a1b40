"""From what is known to numbers: site, state of charge, forecast, tariff and calls become a
`SiteProblem`.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from datetime import datetime, timedelta

import numpy as np
import numpy.typing as npt

from optimisation.problem.battery import OVERFULL
from optimisation.problem.site_problem import (
    BatteryModel,
    DemandCharge,
    FullCharge,
    RectifierCurve,
    SiteProblem,
)
from siteems.demand_response.event import DrEvent, import_cap_kw
from siteems.forecast.forecast import Forecast
from siteems.planning.time_grid import TimeGrid
from siteems.site.assets import wear_costs
from siteems.site.model import Battery, Site
from siteems.site.reserve import reserve_kwh

Array = npt.NDArray[np.float64]

CAP_PENALTY_FACTOR = 10.0
"""Price of a kWh above a demand-response cap, in multiples of the highest price; the reserve's is
higher.
"""
UNSERVED_PENALTY_FACTOR = 1000.0
FULL_CHARGE_PENALTY_FACTOR = 2.0
"""Price of a kWh missing from a full charge that is due, in multiples of the highest price."""
OVERDUE_WITHIN = timedelta(hours=24)
ROOM_FOR_SUN = 0.7
"""Of the way from the expected sun to the high one. All of it empties a large battery too often;
docs/forecast.md.
"""
TERMINAL_SHARE = 0.98
"""Of the cheapest refill: energy left at the end is worth a little less than buying it, so that
none is bought.
"""


def battery_model(
    site: Site,
    battery_c: float | None,
    soc: float,
    full_charge: FullCharge | None = None,
    segment_kwh: tuple[float, ...] = (),
) -> BatteryModel:
    """The site's battery as the plan sees it; too cold to charge or too hot to cycle means limits
    of zero.
    """
    battery = site.battery
    hot = battery_c is not None and battery_c > battery.max_temp_c
    cold = battery_c is not None and battery_c < battery.min_charge_temp_c
    return BatteryModel(
        capacity_kwh=battery.capacity_kwh,
        stored_kwh=min(OVERFULL, max(0.0, soc)) * battery.capacity_kwh,
        charge_efficiency=battery.charge_efficiency,
        discharge_efficiency=battery.discharge_efficiency,
        max_charge_kw=0.0 if cold or hot else battery.max_charge_kw,
        max_discharge_kw=0.0 if hot else battery.max_discharge_kw,
        wear_per_kwh=wear_costs(battery),
        acceptance=battery.acceptance,
        full_charge=full_charge,
        segment_kwh=segment_kwh,
    )


def full_charge_due(
    battery: Battery, grid: TimeGrid, last_full: datetime | None, prices: Array
) -> FullCharge | None:
    """The full charge that falls due within the grid; an overdue one is asked for within a day.

    A linear program cannot choose the moment, so it is put where being full costs least: at the end
    of the last cheap hours before it is due. Unknown since when = overdue: no benefit of the doubt.
    """
    if battery.full_charge_days is None:
        return None
    soonest = grid.starts[0] + OVERDUE_WITHIN
    due = (
        soonest
        if last_full is None
        else max(soonest, last_full + timedelta(days=battery.full_charge_days))
    )
    if due > grid.end:
        return None
    before = max(1, bisect_left(grid.starts, due))
    cheap_ends = np.flatnonzero((prices[:-1] <= prices[:before].min()) & (prices[1:] > prices[:-1]))
    cheap_ends = cheap_ends[cheap_ends < before]
    by_step = int(cheap_ends[-1]) if cheap_ends.size else before - 1
    return FullCharge(by_step, FULL_CHARGE_PENALTY_FACTOR * float(np.abs(prices).max()))


def reserve_series_kwh(
    site: Site, grid: TimeGrid, longer: TimeGrid, load_p95_kw: Array, battery_c: float | None
) -> Array:
    """The reserve wanted through each step, kWh: the coming backup hours at P95 of the load,
    without photovoltaics.

    Of the wants at the start and at the end of a step the larger counts. `load_p95_kw` is foreseen
    on `longer`, which is the grid and at least the backup hours beyond it.
    """
    energy_kwh = np.concatenate(([0.0], np.cumsum(load_p95_kw * longer.step_h)))
    edges_h, edges, hours = longer.edges_h, len(grid.starts) + 1, site.backup.hours
    mean_kw = (np.interp(edges_h[:edges] + hours, edges_h, energy_kwh) - energy_kwh[:edges]) / hours
    mean_kw = np.maximum(mean_kw[:-1], mean_kw[1:])
    return np.minimum(
        reserve_kwh(site.battery, site.backup, mean_kw, battery_c), site.battery.capacity_kwh
    )


def site_problem(
    site: Site,
    curve: RectifierCurve,
    grid: TimeGrid,
    *,
    soc: float,
    battery_c: float | None,
    forecast: Forecast,
    reserve_kwh: Array,
    prices: Array,
    events: Sequence[DrEvent],
    last_full: datetime | None = None,
    demand: DemandCharge | None = None,
    segment_kwh: tuple[float, ...] = (),
) -> SiteProblem:
    """The LP's numbers. `forecast` must lie on the grid; a cap that touches a step binds all of it."""
    top_price = max(float(np.abs(prices).max()), 0.01)
    caps = np.full(len(grid.starts), np.inf)
    if events:
        caps = np.array([_cap(events, s, h) for s, h in zip(grid.starts, grid.step_h, strict=True)])
    cheapest_refill = (
        max(0.0, float(prices.min())) / site.battery.charge_efficiency * curve.ac_per_dc[0]
    )
    full_charge = full_charge_due(site.battery, grid, last_full, prices)
    n = len(grid.starts)
    return SiteProblem(
        step_h=grid.step_h,
        price_per_kwh=prices,
        dc_load_kw=forecast.dc_load_kw[:n],
        ac_load_kw=forecast.ac_load_kw[:n],
        pv_kw=_counted_sun_kw(forecast, caps),
        import_limit_kw=np.full(n, site.grid.import_limit_kw),
        import_cap_kw=caps,
        reserve_kwh=reserve_kwh,
        terminal_value_per_kwh=TERMINAL_SHARE * cheapest_refill,
        reserve_penalty_per_kwh_h=site.planning.reserve_penalty_factor * top_price,
        cap_penalty_per_kwh=CAP_PENALTY_FACTOR * top_price,
        unserved_penalty_per_kwh=UNSERVED_PENALTY_FACTOR * top_price,
        rectifier=curve,
        rectifier_max_dc_kw=site.rectifier.rated_kw,
        batteries=(battery_model(site, battery_c, soc, full_charge, segment_kwh),),
        demand=demand,
    )


def _counted_sun_kw(forecast: Forecast, caps: Array) -> Array:
    """The sun that a plan counts on: more than is expected, so that it finds room; under a cap no
    more than that.
    """
    expected, high = forecast.pv_kw[: len(caps)], forecast.pv_high_kw[: len(caps)]
    return np.where(np.isfinite(caps), expected, expected + ROOM_FOR_SUN * (high - expected))


def _cap(events: Sequence[DrEvent], start: datetime, hours: float) -> float:
    return import_cap_kw(events, start, timedelta(hours=float(hours)))
