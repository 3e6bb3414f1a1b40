"""The replay: each policy drives the simulated site through the recorded data, under a virtual
clock.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import numpy as np
import numpy.typing as npt

from siteems.accounting.bill import make_bill
from siteems.accounting.wear import worn
from siteems.clock import ManualClock
from siteems.control.decision import Drive
from siteems.control.step import Step
from siteems.control.timing import Timing
from siteems.controller import Controller
from siteems.forecast.forecast import Forecaster
from siteems.forecast.learning_forecaster import LearningForecaster
from siteems.planning import reasons
from siteems.ports import Ports
from siteems.recordings.profile import Profile
from siteems.replay.outcome import POLICIES, Policy, PolicyOutcome, ReplayResult, Series
from siteems.replay.perfect_foresight import PerfectForecaster
from siteems.replay.record import MemoryRecord, ScenarioEvents
from siteems.replay.simulated_devices import SimulatedDevices
from siteems.replay.stopwatch import Stopwatch, TimedDevices, TimedForecaster, TimedSolver
from siteems.simulation.plant import Plant, make_plant
from siteems.site.model import Site
from siteems.tariff.schedule import TariffSchedule

INTERVAL = timedelta(minutes=15)
CYCLE = timedelta(minutes=5)
"""The daemon decides every second; between two plans little changes that a quarter hour's bill
would show.
"""
CLOSEST_CYCLE = timedelta(seconds=10)
"""Near the reserve and discharging, the control loop looks again at half the way down to it, but
not sooner.
"""
TIMING = Timing(cycle_s=CYCLE.total_seconds(), lease_s=1000.0, max_age=timedelta(seconds=1000))
FORESIGHT_EVERY = 2
"""Intervals between two plans with perfect knowledge; more seldom, the site strays from what was
planned.
"""
FORESIGHT_H, FORESIGHT_FINE_H = 48, 24
"""How far such a plan sees, and how much of it in quarter hours: more of either was tried and
brings nothing.
"""
METERS = 8
"""Meters of the simulated site that a result is made from."""
RESERVE_TOLERANCE_SOC = 0.005
DISCHARGING_KW = 0.1

Progress = Callable[[Policy, int, int], None]
"""Told the policy, and how many of how many intervals are done."""


def run_replay(
    site: Site,
    profile: Profile,
    policies: Sequence[Policy] = POLICIES,
    *,
    start: datetime | None = None,
    end: datetime | None = None,
    start_soc: float = 0.6,
    notes: tuple[str, ...] = (),
    progress: Progress = lambda policy, done, total: None,
) -> ReplayResult:
    """Replay a span of a profile without holes with each policy; the span is cut to whole quarter
    hours.

    The air conditioner is simulated where the site has one, else its recorded load is used. Raises
    `TariffGap` when no tariff holds in the span.
    """
    first = profile.start if start is None else start
    count = int(((profile.end if end is None else end) - first) / INTERVAL)
    outcomes: dict[Policy, PolicyOutcome] = {}
    idle: PolicyOutcome | None = None
    wanted = (
        {*policies, "idle"} if "foresight" in policies else set(policies)
    )  # it knows the AC side of a day at rest
    for policy in (each for each in POLICIES if each in wanted):
        run = _Run(site, profile, policy, first, count, start_soc, idle, progress)
        outcomes[policy] = asyncio.run(run.run())
        idle = outcomes.get("idle")
    kept = {policy: outcomes[policy] for policy in POLICIES if policy in policies}
    return ReplayResult(
        site.site.id, site.site.currency, profile.source, first, INTERVAL, notes, kept
    )


@dataclass
class _Run:
    """One policy over the span."""

    site: Site
    profile: Profile
    policy: Policy
    start: datetime
    count: int
    start_soc: float
    idle: PolicyOutcome | None
    progress: Progress
    violations: int = 0
    lowest_margin: float = np.inf
    reserve_soc: float = np.nan
    rows: npt.NDArray[np.float64] = field(init=False)
    """By interval: what the meters counted, state of charge and reserve at its end."""

    def __post_init__(self) -> None:
        self.rows = np.empty((self.count, METERS + 2))

    async def run(self) -> PolicyOutcome:
        watch, cpu = Stopwatch("record"), time.process_time()
        clock, record = ManualClock(self.start), MemoryRecord()
        plant = make_plant(self.site, self.profile.at, self.start, self.start_soc)
        plant.max_step = CYCLE
        devices, solver = TimedDevices(watch, self.site, plant, clock, TIMING), TimedSolver(watch)
        controller = None
        if self.policy != "idle":
            forecaster = TimedForecaster(watch, self._forecaster())
            ports = Ports(clock, devices, solver, record, ScenarioEvents())
            controller = Controller(self._site(), ports, TIMING, forecaster)
            controller.resume()
            await controller.observe()
        for i in range(self.count):
            before = _meters(plant)
            if controller is None:
                with watch("simulate"):
                    plant.advance_to(self.start + (i + 1) * INTERVAL)
            else:
                with watch("control"):
                    await self._interval(i, controller, clock, plant, watch)
            self.rows[i, :METERS] = _meters(plant) - before
            self.rows[i, METERS:] = plant.soc, self.reserve_soc
            if i % 96 == 95 or i + 1 == self.count:
                self.progress(self.policy, i + 1, self.count)
        return self._outcome(
            plant, record, devices, solver.spans_s, time.process_time() - cpu, watch.spans_s
        )

    def _site(self) -> Site:
        """The bound plans farther ahead."""
        if self.policy != "foresight":
            return self.site
        planning = replace(self.site.planning, horizon_h=FORESIGHT_H, fine_h=FORESIGHT_FINE_H)
        return replace(self.site, planning=planning)

    def _forecaster(self) -> Forecaster:
        ordinary = LearningForecaster(self.site)
        if self.policy != "foresight":
            return ordinary
        assert self.idle is not None
        end = self.start + self.count * INTERVAL
        return PerfectForecaster(self.site, self.profile, end, self._ac_load_kw(), ordinary)

    def _ac_load_kw(self) -> npt.NDArray[np.float64]:
        """The AC side without control, on the steps of the profile."""
        assert self.idle is not None
        steps = np.arange(len(self.profile.dc_load_kw))
        at = (self.profile.start + self.profile.step / 2 - self.start) / INTERVAL + steps * (
            self.profile.step / INTERVAL
        )
        series = self.idle.series.ac_load_kw
        return np.asarray(np.interp(at, np.arange(len(series)) + 0.5, series))

    async def _interval(
        self, i: int, controller: Controller, clock: ManualClock, plant: Plant, watch: Stopwatch
    ) -> None:
        end = self.start + (i + 1) * INTERVAL
        if self.policy == "optimal" or (self.policy == "foresight" and i % FORESIGHT_EVERY == 0):
            controller.replan.ask(reasons.SCHEDULE)
        while clock.now() < end:
            if controller.replan.is_set() and self.policy != "rules":
                controller.replan.clear()
                with watch("plan"):
                    await controller.make_plan(controller.replan.trigger)
            step = await controller.act()
            clock.advance(min(end - clock.now(), self._next_look(step, plant)))
            await controller.observe()
            self._judge(step, plant)

    def _next_look(self, step: Step, plant: Plant) -> timedelta:
        """In how long the control loop looks again."""
        above_kwh = max(0.0, plant.soc - step.limits.reserve_soc) * self.site.battery.capacity_kwh
        decision = step.decision
        twice_kw = -2.0 * decision.battery_kw if isinstance(decision, Drive) else 0.0
        if above_kwh >= twice_kw * (CYCLE / timedelta(hours=1)):  # charging is always far enough
            return CYCLE
        return max(CLOSEST_CYCLE, timedelta(hours=above_kwh / twice_kw))

    def _judge(self, step: Step, plant: Plant) -> None:
        """Whether economics took from the reserve that held when the control loop last looked.

        It counts where the battery gives power with the mains there.
        """
        self.reserve_soc = step.limits.reserve_soc
        if plant.flows.mains_ok and plant.flows.battery_kw < -DISCHARGING_KW:
            margin = plant.soc - self.reserve_soc
            self.lowest_margin = min(self.lowest_margin, margin)
            self.violations += int(margin < -RESERVE_TOLERANCE_SOC)

    def _outcome(
        self,
        plant: Plant,
        record: MemoryRecord,
        devices: SimulatedDevices,
        solved_s: Sequence[float],
        cpu_s: float,
        spans_s: dict[str, float],
    ) -> PolicyOutcome:
        hours = INTERVAL / timedelta(hours=1)
        imported, pv, available, charged, discharged, dc_load, ac_load, mains_h, soc, reserve = (
            self.rows.T
        )
        schedule = TariffSchedule(self.site.tariffs, self.site.site.zone)
        prices, _ = schedule.price_series([self.start + i * INTERVAL for i in range(self.count)])
        battery = self.site.battery
        wear = worn(battery, np.concatenate(([self.start_soc], soc)), float(discharged.sum()))
        change_kwh = (soc[-1] - self.start_soc) * battery.capacity_kwh
        refill = battery.charge_efficiency * max(
            efficiency for _, efficiency in self.site.rectifier.efficiency
        )
        battery_kw = (charged - discharged) / hours
        days = self.count * INTERVAL / timedelta(days=1)
        series = Series(
            price_per_kwh=prices,
            grid_import_kw=imported / hours,
            battery_kw=battery_kw,
            pv_kw=pv / hours,
            pv_available_kw=available / hours,
            dc_load_kw=dc_load / hours,
            ac_load_kw=ac_load / hours,
            soc=soc,
            reserve_soc=reserve,
            mains_ok=mains_h / hours,
        )
        return PolicyOutcome(
            policy=self.policy,
            energy_cost=float(prices @ imported),
            demand_cost=self._demand_cost(schedule, imported / hours),
            wear_cost=wear.cost,
            stored_credit=float(change_kwh / refill * prices.min()),
            import_kwh=float(imported.sum()),
            pv_used_kwh=float(pv.sum()),
            pv_available_kwh=float(available.sum()),
            unserved_kwh=plant.meters.unserved_kwh,
            full_cycles=wear.full_cycles,
            reserve_violations=self.violations,
            lowest_margin_soc=self.lowest_margin,
            co2_kg=float(imported.sum()) * self.site.carbon.kg_per_kwh,
            plans=sum(record.plans.values()),
            failed_plans=sum(
                n for status, n in record.plans.items() if status not in ("optimal", "feasible")
            ),
            travel_kw=float(np.abs(np.diff(battery_kw)).sum()),
            writes_per_day={name: count / days for name, count in devices.writes.items() if count},
            plan_p95_s=float(np.percentile(solved_s, 95)) if solved_s else 0.0,
            wall_s=sum(spans_s.values()),
            cpu_s=cpu_s,
            breakdown_s=spans_s,
            incidents=dict(record.alarm_counts),
            series=series,
        )

    def _demand_cost(self, schedule: TariffSchedule, import_kw: npt.NDArray[np.float64]) -> float:
        """Demand charges of the span, as they would be billed; a part of a month pays its part."""
        if not any(version.demand for version in self.site.tariffs):
            return 0.0
        currency = self.site.site.currency
        metered = np.maximum(import_kw, 0.0)
        return float(
            make_bill(
                schedule, self.site.grid, currency, self.start, INTERVAL, metered
            ).demand_amount
        )


def _meters(plant: Plant) -> npt.NDArray[np.float64]:
    m = plant.meters
    return np.array(
        (
            m.import_kwh,
            m.pv_kwh,
            m.pv_available_kwh,
            m.charged_kwh,
            m.discharged_kwh,
            m.dc_load_kwh,
            m.ac_load_kwh,
            m.mains_h,
        )
    )
