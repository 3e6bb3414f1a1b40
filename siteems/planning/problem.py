"""From a site, its state and a horizon to the numbers of the linear program, a `SiteProblem`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from optimisation.problem.battery import OVERFULL
from optimisation.problem.future import Future
from optimisation.problem.site_problem import (
    BatteryModel,
    DemandCharge,
    FullCharge,
    RectifierCurve,
    SiteProblem,
)
from siteems.demand_response.event import DrEvent
from siteems.estimation.site_state import SiteState
from siteems.forecast.forecast import Forecaster
from siteems.planning.demand_charge import demand_charge
from siteems.planning.full_charge import full_charge_due
from siteems.planning.futures import futures
from siteems.planning.horizon import Horizon, make_horizon
from siteems.site.assets import rectifier_curve, wear_costs
from siteems.site.model import Battery, Site
from siteems.tariff.schedule import TariffSchedule

Array = npt.NDArray[np.float64]

# The LP must have a solution for any measured state, so the load, the reserve and DR caps are soft
# limits with a price. The prices are multiples of the highest price of the horizon, so that no
# difference between two tariff prices outweighs one of them. For one kWh over a quarter hour they
# are: load 1000, reserve 25 (100 per kWh and hour, `planning.reserve_penalty_factor` in the site
# file), DR cap 10, full charge 2, energy itself 1. Where two limits cannot both be kept, the one
# with the lower price is broken.
UNSERVED_PENALTY_FACTOR = 1000.0
"""Price of a kWh of telecom load that is not served: the last thing that is given up."""
CAP_PENALTY_FACTOR = 10.0
"""Price of a kWh imported above a DR cap. Lower than the reserve's, because backup comes first;
much higher would only make the numbers of the LP spread further.
"""
LOWEST_TOP_PRICE = 0.01
"""Currency per kWh. With prices near zero all over the horizon the penalties must still count."""
TERMINAL_SHARE = 0.98
"""Value of a kWh left at the end of the horizon, as a share of the cheapest refill. At 0 the plan
would empty the battery towards the end; at 1 or above it might buy energy only to keep it.
"""


@dataclass(frozen=True, eq=False)
class PlanningInputs:
    """Everything that one plan rests on."""

    state: SiteState
    horizon: Horizon
    problem: SiteProblem
    futures: tuple[Future, ...] = ()
    """What else may come, see `siteems/planning/futures.py`."""


class ProblemBuilder:
    """Builds the planning problems of one site, the same way for the daemon, the replay and
    `siteems plan`.
    """

    def __init__(self, site: Site, schedule: TariffSchedule) -> None:
        self._site, self._schedule = site, schedule
        self._curve = rectifier_curve(site)

    def build(
        self, state: SiteState, forecaster: Forecaster, events: Sequence[DrEvent]
    ) -> PlanningInputs:
        """The problem of the horizon that begins at `state.time`.

        Raises `TariffGap` when no tariff is valid now, `ProblemError` for numbers that no plan can
        be made from.
        """
        horizon = make_horizon(self._site, self._schedule, state, forecaster, events)
        demand = demand_charge(self._schedule, self._site.grid, state, horizon.grid)
        problem = self.problem(state, horizon, demand)
        return PlanningInputs(state, horizon, problem, futures(horizon.forecast, problem.n_steps))

    def problem(
        self, state: SiteState, horizon: Horizon, demand: DemandCharge | None = None
    ) -> SiteProblem:
        """The numbers of the linear program for a state and a horizon."""
        site, prices, n = self._site, horizon.price_per_kwh, len(horizon.grid.starts)
        top_price = max(float(np.abs(prices).max()), LOWEST_TOP_PRICE)
        load_kw, pv_kw = horizon.forecast.dc_load_kw[:n], horizon.forecast.pv_kw[:n]
        full_charge = full_charge_due(
            site.battery,
            horizon.grid,
            state.last_full,
            prices,
            pv_kw > load_kw,
            known_since=state.known_since or state.time,
            soc=min(1.0, state.soc),
        )
        return SiteProblem(
            step_h=horizon.grid.step_h,
            price_per_kwh=prices,
            dc_load_kw=load_kw,
            ac_load_kw=horizon.forecast.ac_load_kw[:n],
            pv_kw=pv_kw,
            import_limit_kw=np.full(n, site.grid.import_limit_kw),
            import_cap_kw=horizon.import_cap_kw,
            # The reserve's price holds for what an event asks for as well.
            reserve_kwh=np.maximum(horizon.reserve_kwh, horizon.charge_kwh),
            terminal_value_per_kwh=terminal_value(site.battery, self._curve, prices),
            reserve_penalty_per_kwh_h=site.planning.reserve_penalty_factor * top_price,
            cap_penalty_per_kwh=CAP_PENALTY_FACTOR * top_price,
            unserved_penalty_per_kwh=UNSERVED_PENALTY_FACTOR * top_price,
            rectifier=self._curve,
            rectifier_max_dc_kw=site.rectifier.rated_kw,
            batteries=(battery_model(site.battery, state, full_charge),),
            demand=demand,
        )


def terminal_value(battery: Battery, curve: RectifierCurve, prices: Array) -> float:
    """Value of a kWh left at the end of the horizon, currency.

    Just below the cheapest refill; without a full charge to come, no more than what it can save.
    """
    per_dc = curve.ac_per_dc[0]
    refill = TERMINAL_SHARE * max(0.0, float(prices.min())) * per_dc / battery.charge_efficiency
    if battery.full_charge_days is not None:
        return refill
    saved = float(prices.max()) * per_dc - wear_costs(battery)[0]
    return min(refill, max(0.0, battery.discharge_efficiency * saved))


def battery_model(
    battery: Battery, state: SiteState, full_charge: FullCharge | None = None
) -> BatteryModel:
    """The battery of the LP. Too cold, it does not charge; too hot, it rests."""
    temp_c = state.battery_c
    hot = temp_c is not None and temp_c > battery.max_temp_c
    cold = temp_c is not None and temp_c < battery.min_charge_temp_c
    return BatteryModel(
        capacity_kwh=battery.capacity_kwh,
        stored_kwh=min(OVERFULL, max(0.0, state.soc)) * battery.capacity_kwh,
        charge_efficiency=battery.charge_efficiency,
        discharge_efficiency=battery.discharge_efficiency,
        max_charge_kw=0.0 if cold or hot else battery.max_charge_kw,
        max_discharge_kw=0.0 if hot else battery.max_discharge_kw,
        wear_per_kwh=wear_costs(battery),
        acceptance=battery.acceptance,
        full_charge=full_charge,
        segment_kwh=state.segment_kwh,
    )
