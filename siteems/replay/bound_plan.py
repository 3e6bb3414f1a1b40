"""The bound: the cheapest course of a whole window with everything known, by the program of the
site.

The window is planned in pieces of one billing month, each seen some days beyond its end. A month
later the battery holds nothing that was decided now, and a whole year at once would take minutes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, timedelta
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from optimisation.plan.plan import Plan
from optimisation.problem.battery import after_one_discharge, follow
from optimisation.problem.site_problem import (
    DemandCharge,
    SiteProblem,
)
from optimisation.solving.solver import PlanSolver
from siteems.accounting.demand import counting
from siteems.accounting.span import refill_kwh
from siteems.errors import UserError
from siteems.estimation.billed_demand import billed_demand
from siteems.estimation.site_state import FULL_SOC
from siteems.planning.problem import LOWEST_TOP_PRICE, UNSERVED_PENALTY_FACTOR
from siteems.planning.remarks import remarks_text
from siteems.replay.bound_ac_load import BoundAcLoad
from siteems.replay.bound_battery import bound_battery, wear_by_segment
from siteems.replay.bound_reserve import kept_soc, known_reserve_soc, lowest_soc
from siteems.replay.full_charges import full_charge_intervals, full_charge_kwh
from siteems.replay.outcome import Series
from siteems.replay.window import INTERVAL, INTERVAL_H, INTERVALS_PER_DAY, ReplayWindow
from siteems.site.assets import rectifier_curve
from siteems.site.model import Site
from siteems.tariff.local_clock import billing_interval_s
from siteems.tariff.schedule import TariffSchedule

Array = npt.NDArray[np.float64]

BEYOND = 5 * INTERVALS_PER_DAY
"""Intervals beyond its end that a piece sees. With 10 days, or with the whole window in view, two
months of us_home_1 cost the same to the cent.
"""
SOLVE_LIMIT_S = 600.0


@dataclass(frozen=True, eq=False)
class BoundPlan:
    """What the bound does in each interval of a window, arrays of shape (n,)."""

    stored_kwh: Array
    """At the end of the interval."""
    rectifier_dc_kw: Array
    grid_import_kw: Array
    discharge_kw: Array
    peak_kw: Array
    """Highest billed import of the interval's month; infinite without a demand charge."""


def plan_bound(
    site: Site, schedule: TariffSchedule, window: ReplayWindow, start_soc: float, known: Series
) -> BoundPlan:
    """Plan a window whose load, PV, mains and reserve are known: the series of a policy that was
    run in it. The AC load is that of the same run. Raises `UserError` where there is no plan.
    """
    return _BoundPlanner(site, schedule, window, start_soc, known).plan()


class _BoundPlanner:
    def __init__(
        self,
        site: Site,
        schedule: TariffSchedule,
        window: ReplayWindow,
        start_soc: float,
        known: Series,
    ) -> None:
        self._site, self._schedule, self._window, self._known = site, schedule, window, known
        self._start_soc = start_soc
        self._curve = rectifier_curve(site)
        self._wear = wear_by_segment(site.battery)
        self._reserve_soc = known_reserve_soc(known)
        self._ac_load = BoundAcLoad(site, known)
        self._solver = PlanSolver()

    def plan(self) -> BoundPlan:
        """Plan the window piece by piece, each from where the one before has left the battery."""
        battery, n = self._site.battery, self._window.count
        segment_kwh = after_one_discharge(
            self._start_soc * battery.capacity_kwh, battery.capacity_kwh, len(self._wear)
        )
        last_full, parts = 0, []
        for first, end in pairwise(self._edges()):
            seen = slice(first, min(n, end + BEYOND))
            problem = self._problem(seen, end - first, segment_kwh)
            plan = self._solve(problem)
            plan = self._solve(self._corrected(problem, plan, seen, last_full - first))
            part = _part(plan, end - first)
            for kwh in part.stored_kwh:
                segment_kwh = follow(segment_kwh, float(kwh), battery.capacity_kwh)
            full = np.flatnonzero(part.stored_kwh >= FULL_SOC * battery.capacity_kwh)
            last_full = first + int(full[-1]) if len(full) else last_full
            parts.append(part)
        return BoundPlan(
            **{
                name: np.concatenate([getattr(part, name) for part in parts])
                for name in BoundPlan.__annotations__
            }
        )

    def _corrected(
        self, problem: SiteProblem, plan: Plan, seen: slice, last_full: int
    ) -> SiteProblem:
        """The same piece with what follows from its plan: the AC load, where the reserve stops a
        discharge, and when the battery has to be charged fully. `last_full` counts from its first
        interval.
        """
        battery, stored_kwh = self._site.battery, plan.stored_kwh
        self._ac_load.plan(seen, plan.rectifier_dc_kw)
        start_soc = problem.stored_kwh / battery.capacity_kwh
        reserve_kwh = battery.capacity_kwh * kept_soc(
            self._reserve_soc[seen], stored_kwh / battery.capacity_kwh, start_soc
        )
        full_at = full_charge_intervals(battery, stored_kwh, self._known.mains_ok[seen], last_full)
        reserve_kwh[list(full_at)] = full_charge_kwh(battery)
        return replace(problem, ac_load_kw=self._ac_load.powers_kw(seen), reserve_kwh=reserve_kwh)

    def _solve(self, problem: SiteProblem) -> Plan:
        plan = self._solver.solve(problem, SOLVE_LIMIT_S)
        if not plan.usable:
            raise UserError(
                f"the bound cannot be planned: {plan.status}, {remarks_text(plan.remarks)}"
            )
        return plan

    def _edges(self) -> Iterator[int]:
        """The first interval of each local month in the window, and the window's ends."""
        zone, window = self._site.site.zone, self._window
        yield 0
        month = window.start.astimezone(zone).replace(
            day=1, hour=0, minute=0, second=0, microsecond=0
        )
        while True:
            month = (month + timedelta(days=32)).replace(day=1)
            index = -((window.start - month.astimezone(UTC)) // INTERVAL)
            if index >= window.count:
                break
            yield index
        yield window.count

    def _problem(self, seen: slice, committed: int, segment_kwh: tuple[float, ...]) -> SiteProblem:
        """The program of a piece, of which the first `committed` intervals will be carried out."""
        site, known = self._site, self._known
        prices = known.price_per_kwh[seen]
        n = len(prices)
        top_price = max(float(np.abs(prices).max()), LOWEST_TOP_PRICE)
        return SiteProblem(
            step_h=np.full(n, INTERVAL_H),
            price_per_kwh=prices,
            dc_load_kw=known.dc_load_kw[seen],
            ac_load_kw=self._ac_load.powers_kw(seen),
            pv_kw=known.pv_available_kw[seen],
            import_limit_kw=site.grid.import_limit_kw * known.mains_ok[seen],
            import_cap_kw=np.full(n, np.inf),
            reserve_kwh=lowest_soc(self._reserve_soc[seen]) * site.battery.capacity_kwh,
            terminal_value_per_kwh=max(
                0.0, refill_kwh(site, 1.0) * float(known.price_per_kwh.min())
            ),
            reserve_penalty_per_kwh_h=site.planning.reserve_penalty_factor * top_price,
            cap_penalty_per_kwh=0.0,
            unserved_penalty_per_kwh=UNSERVED_PENALTY_FACTOR * top_price,
            rectifier=self._curve,
            rectifier_max_dc_kw=site.rectifier.rated_kw,
            batteries=(bound_battery(site.battery, self._wear, segment_kwh),),
            demand=self._demand(seen, committed),
        )

    def _demand(self, seen: slice, committed: int) -> DemandCharge | None:
        """The charge of the piece's month, as the bill will have it for the part that is in the
        window; what lies beyond the month is free.
        """
        begin = self._window.start_of(seen.start)
        billed = billed_demand(self._schedule, self._site.grid, begin)
        if billed is None:
            return None
        local = begin.astimezone(self._schedule.zone).replace(
            day=1, hour=0, minute=0, second=0, microsecond=0
        )
        following = (local + timedelta(days=32)).replace(day=1)
        month = following.astimezone(UTC) - local.astimezone(UTC)
        n = seen.stop - seen.start
        epoch_s = round(begin.timestamp()) + round(INTERVAL.total_seconds()) * np.arange(n)
        begins_s = billing_interval_s(epoch_s, 60 * billed.term.interval_min, self._schedule.zone)
        return DemandCharge(
            price_per_kw=billed.price_per_kw * (committed * INTERVAL / month),
            peak_so_far_kw=billed.free_kw,
            interval_of_step=np.cumsum(np.diff(begins_s, prepend=begins_s[0]) > 0),
            counts=counting(billed.term, billed.version, self._schedule, begins_s)
            & (np.arange(n) < committed),
        )


def _part(plan: Plan, count: int) -> BoundPlan:
    """The first `count` intervals of the plan of a piece."""
    peak_kw = np.inf if plan.demand_peak_kw is None else plan.demand_peak_kw
    return BoundPlan(
        stored_kwh=plan.stored_kwh[:count],
        rectifier_dc_kw=plan.rectifier_dc_kw[:count],
        grid_import_kw=plan.grid_import_kw[:count],
        discharge_kw=plan.discharge_kw[:count],
        peak_kw=np.full(count, peak_kw),
    )
