"""The bound carried out: its plan drives the simulated site, without forecast and without a new
plan on the way. What it costs there shows that the plan can be done.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace

import numpy as np

from siteems.accounting.span import SpanBalance, demand_cost, span_balance
from siteems.accounting.wear import wear_by_cycles
from siteems.control import reasons
from siteems.control.decision import Decision, Drive, Release
from siteems.recordings.profile import Profile
from siteems.replay.bound_plan import BoundPlan, plan_bound
from siteems.replay.outcome import PolicyOutcome
from siteems.replay.policy_run import CYCLE, PolicyRun, Progress
from siteems.replay.window import INTERVAL, INTERVAL_H, ReplayWindow
from siteems.site.assets import rectifier_curve
from siteems.site.model import Site
from siteems.tariff.schedule import TariffSchedule

RESTING_KW = 1e-6
"""Rectifier power of a plan below this is rounding of the solver."""


class BoundRun(PolicyRun):
    """Follows the stored energy of the plan, interval by interval. Load, PV and AC load of the
    moment are those of the simulated site, as the bound knows everything.
    """

    def __init__(
        self,
        site: Site,
        profile: Profile,
        window: ReplayWindow,
        start_soc: float,
        known: PolicyOutcome,
        progress: Progress,
    ) -> None:
        """`known` is the outcome of a policy that keeps the reserve, in the same window."""
        super().__init__(site, profile, "bound", window, start_soc, None, progress)
        self._known = known.series
        self._curve = rectifier_curve(site)

    async def _driver(self) -> Callable[[int], Awaitable[None]]:
        schedule = TariffSchedule(self._site.tariffs, self._site.site.zone)
        with self._stopwatch("solve"):
            plan = plan_bound(self._site, schedule, self._window, self._start_soc, self._known)
        self._planned = plan

        async def drive(index: int) -> None:
            end = self._window.start_of(index + 1)
            reserve_soc = float(self._known.reserve_soc[index])
            while self._clock.now() < end:
                left_h = (end - self._clock.now()) / INTERVAL * INTERVAL_H
                self._plant.advance_to(self._clock.now())
                self._devices.without_deadband()
                await self._devices.drive(self._decide(plan, index, left_h, reserve_soc))
                self._clock.advance(min(end - self._clock.now(), CYCLE))
                self._plant.advance_to(self._clock.now())
                self._measurement.end_cycle(reserve_soc)

        return drive

    def _decide(self, plan: BoundPlan, index: int, left_h: float, reserve_soc: float) -> Decision:
        """The decision with which the plan's stored energy is reached at the end of the interval,
        in `left_h` hours.
        """
        site, plant = self._site, self._plant
        battery, flows = site.battery, plant.flows
        if not flows.mains_ok:
            return Release(reasons.RELEASE_MAINS_FAILED())
        held = plant.soc <= reserve_soc
        load_kw, pv_kw = flows.dc_load_kw + flows.unserved_kw, flows.pv_available_kw
        limit_kw = site.grid.import_limit_kw
        if not held:
            limit_kw = min(limit_kw, float(plan.peak_kw[index]))
        cap_kw = min(site.rectifier.rated_kw, self._curve.dc_kw(limit_kw - flows.ac_load_kw))
        rests = plan.rectifier_dc_kw[index] <= RESTING_KW and not held
        if rests:
            battery_kw = pv_kw - load_kw
        else:
            rate_kw = (float(plan.stored_kwh[index]) - plant.stored_kwh) / left_h
            battery_kw = (
                rate_kw / battery.charge_efficiency
                if rate_kw > 0.0
                else rate_kw * battery.discharge_efficiency
            )
            battery_kw = min(battery_kw, cap_kw + pv_kw - load_kw)
        battery_kw = max(0.0 if held else -battery.max_discharge_kw, battery_kw)
        return Drive(
            battery_kw=min(battery_kw, battery.max_charge_kw),
            rectifier_cap_kw=cap_kw,
            bus_v=flows.bus_v,
            dc_load_kw=load_kw,
            pv_kw=pv_kw,
            reason=reasons.FOLLOW_PLAN(),
            measured_kw=flows.battery_kw,
            grid_kw=flows.grid_import_kw,
            balance_kw=battery.max_charge_kw if rests else None,
        )

    def _outcome(self, cpu_s: float) -> PolicyOutcome:
        outcome = super()._outcome(cpu_s)
        return replace(outcome, planned_cost=self._planned_balance(outcome).cost)

    def _planned_balance(self, outcome: PolicyOutcome) -> SpanBalance:
        """What the plan would cost if the site followed it to the letter."""
        site, plan = self._site, self._planned
        soc = plan.stored_kwh / site.battery.capacity_kwh
        schedule = TariffSchedule(site.tariffs, site.site.zone)
        return span_balance(
            site,
            import_kwh=plan.grid_import_kw * INTERVAL_H,
            price_per_kwh=outcome.series.price_per_kwh,
            start_soc=self._start_soc,
            end_soc=float(soc[-1]),
            wear=wear_by_cycles(
                site.battery,
                np.concatenate(([self._start_soc], soc)),
                float(plan.discharge_kw.sum()) * INTERVAL_H,
            ),
            demand_cost=demand_cost(
                site, schedule, self._window.start, INTERVAL, np.maximum(plan.grid_import_kw, 0.0)
            ),
        )
