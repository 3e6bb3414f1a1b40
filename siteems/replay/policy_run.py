"""One policy over the replay window: the controller drives the simulated site."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import partial

import numpy as np
import numpy.typing as npt

from siteems.accounting.span import demand_cost, span_balance
from siteems.accounting.wear import wear_by_cycles
from siteems.clock import ManualClock
from siteems.control.decision import Drive
from siteems.control.intent import Intent, self_consumption, standby
from siteems.control.step import Step
from siteems.control.timing import Timing
from siteems.controller import Controller
from siteems.estimation.process_image import Image
from siteems.forecast.forecast import Forecaster
from siteems.forecast.learning_forecaster import LearningForecaster
from siteems.planning import reasons
from siteems.ports import Events, Ports
from siteems.recordings.profile import Profile
from siteems.replay.measurement import Measurement
from siteems.replay.outcome import PLANNING, Policy, PolicyOutcome
from siteems.replay.perfect_foresight import PerfectForecaster, with_longer_horizon
from siteems.replay.record import MemoryRecord, NoEvents
from siteems.replay.stopwatch import Stopwatch
from siteems.replay.timed_ports import TimedDevices, TimedForecaster, TimedSolver
from siteems.replay.window import INTERVAL, INTERVALS_PER_DAY, ReplayWindow
from siteems.simulation.plant import Plant, make_plant
from siteems.site.model import Site
from siteems.tariff.schedule import TariffSchedule

Array = npt.NDArray[np.float64]

CYCLE = timedelta(minutes=5)
"""The daemon decides every second. Between two plans little changes that a bill by quarter hours
would show, and a year takes a three-hundredth of the cycles.
"""
SHORTEST_CYCLE = timedelta(seconds=10)
"""Near the reserve and discharging, the next cycle comes at half the time that it takes to get
there, but not sooner than this.
"""
TIMING = Timing(
    cycle_s=CYCLE.total_seconds(),
    lease_s=1000.0,
    max_age=timedelta(seconds=1000),
    lead_cycles=0,  # here a decision holds at once, and events begin at quarter hours
)
FORESIGHT_EVERY = 2
"""Intervals between two plans of perfect foresight; with more, the site drifts from its plan."""

Progress = Callable[[Policy, int, int], None]
"""Called with a policy, the number of intervals that are done, and the number of all."""


class PolicyRun:
    """One policy, from the first interval to the last."""

    def __init__(
        self,
        site: Site,
        profile: Profile,
        policy: Policy,
        window: ReplayWindow,
        start_soc: float,
        idle: PolicyOutcome | None,
        progress: Progress,
    ) -> None:
        """`idle` is the outcome without control; perfect foresight needs it."""
        self._site, self._profile, self._policy, self._window = site, profile, policy, window
        self._start_soc, self._idle, self._progress = start_soc, idle, progress
        self._stopwatch = Stopwatch("record")
        self._clock, self._record = ManualClock(window.start), MemoryRecord()
        self._plant = make_plant(site, profile.at, window.start, start_soc)
        self._plant.max_step = CYCLE
        self._devices = TimedDevices(self._stopwatch, site, self._plant, self._clock, TIMING)
        self._solver = TimedSolver(self._stopwatch)
        self._measurement = Measurement(self._plant, window.count)
        self._events: Events = NoEvents()

    @property
    def import_kw_so_far(self) -> Array:
        """Mean grid import of the intervals that are over."""
        return self._measurement.import_kw_so_far

    def outcome(self, events: Events | None = None) -> PolicyOutcome:
        """Run the policy, with DR events where they are given. Raises `TariffGap` when no tariff is
        valid in the window.
        """
        self._events = events or NoEvents()
        begin_s = time.perf_counter()
        asyncio.run(self._run())
        return self._outcome(time.perf_counter() - begin_s)

    async def _run(self) -> None:
        drive = await self._driver()
        for index in range(self._window.count):
            with self._stopwatch("control"):
                await drive(index)
            self._measurement.end_interval(index)
            done = index + 1
            if done % INTERVALS_PER_DAY == 0 or done == self._window.count:
                self._progress(self._policy, done, self._window.count)

    async def _driver(self) -> Callable[[int], Awaitable[None]]:
        """What brings the site to the end of an interval, by its index."""
        if self._policy == "idle":
            return self._uncontrolled
        controller = await self._controller()
        return lambda index: self._interval(index, controller)

    async def _uncontrolled(self, index: int) -> None:
        with self._stopwatch("simulate"):
            self._plant.advance_to(self._window.start_of(index + 1))

    async def _controller(self) -> Controller:
        site, forecaster = self._site, self._forecaster()
        if self._policy == "foresight":
            site = with_longer_horizon(site)
        timed = TimedForecaster(self._stopwatch, forecaster)
        ports = Ports(self._clock, self._devices, self._solver, self._record, self._events)
        choose: Callable[[Image], Intent] | None = None
        if self._policy == "self-consumption":
            choose = _self_consumption
        elif self._policy == "standby":
            charge_kw = site.battery.max_charge_kw
            choose = partial(_standby, charge_kw=charge_kw)
        controller = Controller(site, ports, TIMING, timed, choose=choose)
        await controller.observe()
        return controller

    def _forecaster(self) -> Forecaster:
        ordinary = LearningForecaster(self._site)
        if self._policy != "foresight":
            return ordinary
        assert self._idle is not None
        ac_load_kw = self._idle.series.ac_load_kw
        return PerfectForecaster(self._site, self._profile, self._window, ac_load_kw, ordinary)

    async def _interval(self, index: int, controller: Controller) -> None:
        """Control the site to the end of an interval, as the daemon does on the wall clock."""
        end = self._window.start_of(index + 1)
        controller.refresh_events()
        foresight = self._policy == "foresight" and index % FORESIGHT_EVERY == 0
        if self._policy == "optimal" or foresight:
            controller.replan.ask(reasons.SCHEDULE)
        while self._clock.now() < end:
            if controller.replan.is_set() and self._policy in PLANNING:
                controller.replan.clear()
                with self._stopwatch("plan"):
                    await controller.make_plan(controller.replan.trigger)
            step = await controller.act()
            self._clock.advance(min(end - self._clock.now(), self._next_cycle(step, self._plant)))
            await controller.observe()
            self._measurement.end_cycle(step.limits.reserve_soc)

    def _next_cycle(self, step: Step, plant: Plant) -> timedelta:
        """The time to the next control cycle."""
        above_kwh = max(0.0, plant.soc - step.limits.reserve_soc) * self._site.battery.capacity_kwh
        decision = step.decision
        if isinstance(decision, Drive) and decision.probing:
            return SHORTEST_CYCLE
        twice_kw = -2.0 * decision.battery_kw if isinstance(decision, Drive) else 0.0
        if above_kwh >= twice_kw * (CYCLE / timedelta(hours=1)):  # also whenever it charges
            return CYCLE
        return max(SHORTEST_CYCLE, timedelta(hours=above_kwh / twice_kw))

    def _outcome(self, wall_s: float) -> PolicyOutcome:
        site, measured, record = self._site, self._measurement, self._record
        schedule = TariffSchedule(site.tariffs, site.site.zone)
        prices, _ = schedule.price_series(self._window.starts(), INTERVAL)
        series = measured.series(prices)
        import_kw = np.maximum(series.grid_import_kw, 0.0)
        balance = span_balance(
            site,
            import_kwh=measured.import_kwh,
            price_per_kwh=prices,
            start_soc=self._start_soc,
            end_soc=float(series.soc[-1]),
            wear=wear_by_cycles(
                site.battery,
                np.concatenate(([self._start_soc], series.soc)),
                float(measured.discharged_kwh.sum()),
            ),
            demand_cost=demand_cost(site, schedule, self._window.start, INTERVAL, import_kw),
        )
        solve_s = self._solver.solve_s
        days = self._window.days
        return PolicyOutcome(
            policy=self._policy,
            balance=balance,
            pv_used_kwh=float(measured.pv_kwh.sum()),
            pv_available_kwh=float(measured.pv_available_kwh.sum()),
            unserved_kwh=self._plant.meters.unserved_kwh,
            reserve_violations=measured.reserve_violations,
            lowest_margin_soc=measured.lowest_margin_soc,
            plans=sum(record.plans.values()),
            failed_plans=record.failed_plans,
            travel_kw=float(np.abs(np.diff(series.battery_kw)).sum()),
            writes_per_day={
                name: count / days for name, count in self._devices.writes.items() if count
            },
            plan_p95_s=float(np.percentile(solve_s, 95)) if solve_s else 0.0,
            wall_s=wall_s,
            cpu_s=sum(self._stopwatch.spans_s.values()),
            breakdown_s=self._stopwatch.spans_s,
            alarms=dict(record.alarm_counts),
            series=series,
        )


def _self_consumption(image: Image) -> Intent:
    return self_consumption(image.value("dc_load_kw") or 0.0, image.value("pv_kw") or 0.0)


def _standby(image: Image, charge_kw: float) -> Intent:
    return standby(image.value("soc"), charge_kw)
