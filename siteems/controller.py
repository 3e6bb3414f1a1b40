"""The one controller: image, plan, decision, record. The daemon and the replay are its two shells
and nothing more.

Clock, devices, solver and historian are handed in; nothing here knows Modbus, a process or a file.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta

import structlog

from optimisation.problem.site_problem import ProblemError
from siteems.control.cycle import ControlState, Limits, cycle
from siteems.control.decision import Drive
from siteems.control.intent import Intent, choose_intent
from siteems.control.step import Step
from siteems.control.timing import Timing
from siteems.demand_response.event import DrEvent, import_cap_kw
from siteems.estimation.image_builder import ImageBuilder
from siteems.estimation.site_state import FULL_SOC, StateEstimator
from siteems.forecast.forecast import Forecaster
from siteems.forecast.learning_forecaster import LEARNING_WINDOW, LearningForecaster
from siteems.history.records import AlarmRecord, RecordError, Sample
from siteems.operations.alarms import PLAN_ALARMS
from siteems.operations.control_alarms import ControlAlarms
from siteems.operations.message_text import ENGLISH
from siteems.planning.problem import ProblemBuilder
from siteems.planning.published import PublishedPlan, publish
from siteems.ports import Ports
from siteems.site.assets import rectifier_curve
from siteems.site.model import Site
from siteems.site.ratings import plausible_ranges
from siteems.site.reserve import reserve_soc
from siteems.tariff.schedule import TariffGap, TariffSchedule

log = structlog.get_logger()

REPLAN_SOC = 0.04
"""A measured state of charge this far from the plan's asks for a new plan."""
REPLAN_PAUSE = timedelta(minutes=5)
"""At least this long between two plans that a deviation asked for."""
USABLE = ("optimal", "feasible")
LOG_LEVELS = {"info": 20, "warning": 30, "alarm": 40}
"""`logging`'s numbers for the levels of alarms."""


class Controller:
    """Controls one site. `step()` is the fast loop's body, `make_plan()` the slow loop's."""

    def __init__(
        self,
        site: Site,
        ports: Ports,
        timing: Timing,
        forecaster: Forecaster | None = None,
        *,
        drives: bool = True,
    ) -> None:
        """`forecaster` is the site's own unless another is given; without `drives` the devices are
        only watched.
        """
        self.site = site
        self._clock, self._devices, self._solver = ports.clock, ports.devices, ports.solver
        self._history, self._events = ports.record, ports.events
        self._curve = rectifier_curve(site)
        self._tariff = TariffSchedule(site.tariffs, site.site.zone)
        self._forecaster = forecaster or LearningForecaster(site)
        self._estimator = StateEstimator(site, self._tariff)
        self._problems = ProblemBuilder(site, self._tariff)
        self._lead = 2 * timedelta(
            seconds=timing.cycle_s
        )  # a cap holds from the first second of its call
        self._image_builder = ImageBuilder(self._curve, timing.max_age, plausible_ranges(site))
        self.image = self._image_builder.first(self._clock.now())
        self.plan: PublishedPlan | None = None
        self.events: tuple[DrEvent, ...] = ()
        self.replan = asyncio.Event()
        """Set when a new plan is wanted before the next quarter hour; `replan_trigger` says why."""
        self.replan_trigger = "start"
        self._state = ControlState()
        self._alarms = ControlAlarms(self._report, drives=drives)
        self._sampled: int | None = None
        self._deviation_asked: datetime | None = None

    def resume(self) -> None:
        """Take up the record: learn from recent samples, and keep the last plan while it fits."""
        now = self._clock.now()
        past = self._history.samples(now - LEARNING_WINDOW, now)
        for sample in past:
            self._learn(sample.time, sample.values)
        self.plan = PublishedPlan.from_record(self._history.last_plan(USABLE))
        peak_kw = None if self.plan is None else self.plan.month_peak_kw
        self._estimator.recall(
            last_full=self._history.last_time_at("soc", FULL_SOC),
            month_peak=None
            if self.plan is None or peak_kw is None
            else (self.plan.issued, peak_kw),
        )
        self.refresh_events()
        log.info(
            "resumed",
            samples=len(past),
            plan=None if self.plan is None else self.plan.issued.isoformat(),
        )

    # -- the fast loop -----------------------------------------------------------------------------

    async def observe(self) -> None:
        """Read all devices and freeze what was read into the image."""
        readings = await self._devices.read()
        self.image = self._image_builder.next(self.image, readings, self._clock.now())

    async def step(self) -> Step:
        """One control cycle: read, freeze the image, decide, drive, record."""
        await self.observe()
        return await self.act()

    async def act(self) -> Step:
        """The cycle on the image that there is: decide, drive, record."""
        now = self.image.time
        limits = self._limits(now)
        intent = self._intent(now)
        decision, self._state = cycle(
            self.image, intent, limits, self.site, self._curve, self._state
        )
        await self._devices.drive(decision)
        step = Step(self.image, decision, intent, limits)
        self._replan_for(step, now)
        self._alarms.update(step, now)
        self._record(step, now)
        return step

    def _limits(self, now: datetime) -> Limits:
        hours = self.site.backup.hours
        load_kw = self._forecaster.peak_load_kw(now, hours)
        reserve = reserve_soc(
            self.site.battery, self.site.backup, load_kw, self.image.value("battery_c")
        )
        dr_cap_kw = import_cap_kw(self.events, now, self._lead)
        return Limits(min(1.0, reserve), self.site.grid.import_limit_kw, dr_cap_kw)

    def _intent(self, now: datetime) -> Intent:
        prices, price_now = self._prices_today(now)
        load_kw, pv_kw = (self.image.value(name) or 0.0 for name in ("dc_load_kw", "pv_kw"))
        return choose_intent(
            self.plan,
            self.image.value("soc"),
            now,
            prices,
            price_now,
            self.site.battery.max_charge_kw,
            load_kw,
            pv_kw,
        )

    def _prices_today(self, now: datetime) -> tuple[Sequence[float], float]:
        try:
            price = self._tariff.price_at(now).per_kwh
            local_day = now.astimezone(self.site.site.zone).date()
            return [slot.price for slot in self._tariff.day(local_day)], price
        except TariffGap:
            return (
                0.0,
            ), 0.0  # no tariff holds: the rules see a flat price and hold; planning reports the gap

    def _replan_for(self, step: Step, now: datetime) -> None:
        """Ask for a new plan where what is seen asks for one."""
        if step.image.mains_ok and self._alarms.mains_failed:
            self.ask_for_plan("mains returned")
        if not isinstance(step.decision, Drive):
            return
        soc, foreseen = step.image.value("soc"), None if self.plan is None else self.plan.soc(now)
        deviates = soc is not None and foreseen is not None and abs(soc - foreseen) > REPLAN_SOC
        if deviates or step.intent.level == "rules":
            self._ask_now_and_then("deviation from plan" if deviates else "no plan holds", now)

    def _ask_now_and_then(self, trigger: str, now: datetime) -> None:
        if self._deviation_asked is None or abs(now - self._deviation_asked) >= REPLAN_PAUSE:
            self._deviation_asked = now
            self.ask_for_plan(trigger)

    def _record(self, step: Step, now: datetime) -> None:
        """Record the first sample of each `sample_s` on the clock, so that quarter hours begin with
        one, and learn from it.
        """
        interval = int(now.timestamp() // self.site.recording.sample_s)
        if interval == self._sampled:
            return
        self._sampled = interval
        values = dict(self.image.values)
        decision = step.decision
        values["target_kw"] = decision.battery_kw if isinstance(decision, Drive) else None
        values["reserve_soc"] = step.limits.reserve_soc
        values["import_cap_kw"] = (
            None if math.isinf(step.limits.dr_cap_kw) else step.limits.dr_cap_kw
        )
        try:
            values["price_per_kwh"] = self._tariff.price_at(now).per_kwh
        except TariffGap:
            values["price_per_kwh"] = None
        source = step.intent.level if isinstance(decision, Drive) else "release"
        self._learn(now, values)
        with self._recording():
            self._history.add_samples([Sample(now, values, source, decision.reason)])

    def _learn(self, time: datetime, values: Mapping[str, float | None]) -> None:
        """Learn from a sample: live from each one that is recorded, after a restart from the same
        ones in the record.
        """
        self._forecaster.learn(time, values)
        self._estimator.learn(time, values)

    @contextmanager
    def _recording(self) -> Iterator[None]:
        """A record that cannot be written, on a full disk perhaps, is a line in the log; control
        goes on.
        """
        try:
            yield
        except RecordError as error:
            log.error("record-failed", error=str(error))

    # -- demand response ---------------------------------------------------------------------------

    def refresh_events(self) -> None:
        """Look for new, changed and cancelled calls in the record; a change asks for a new plan at
        once.
        """
        with self._recording():
            self._take(self._events.open(self._clock.now()))

    def _take(self, events: tuple[DrEvent, ...]) -> None:
        changed = [e for e in events if e not in self.events]
        gone = [e for e in self.events if e not in events and e.end > self._clock.now()]
        self.events = events
        for event in changed:
            log.info(
                "event",
                id=event.id,
                revision=event.revision,
                limit_kw=event.limit_kw,
                start=event.start.isoformat(),
            )
        if changed or gone:
            self.ask_for_plan("demand response")

    def ask_for_plan(self, trigger: str) -> None:
        """Ask the slow loop for a plan now."""
        self.replan_trigger = trigger
        self.replan.set()

    # -- the slow loop -----------------------------------------------------------------------------

    async def make_plan(self, trigger: str) -> None:
        """One planning run. Whatever comes is recorded with status and reason; the last plan stays
        until a new one.
        """
        now = self._clock.now()
        if self.image.mains_ok is False:
            return  # backup mode: the return of the mains asks for the next plan
        state = self._estimator.state(self.image, now)
        if state is None:
            self._failed(now, trigger, "error", "no fresh state of charge to plan from")
            return
        try:
            inputs = self._problems.build(state, self._forecaster, self.events)
        except (TariffGap, ProblemError) as error:
            self._failed(now, trigger, "error", str(error))
            return
        plan = await self._solver.solve(inputs.problem, self.site.planning.solve_limit_s)
        if not plan.usable:
            self._failed(now, trigger, str(plan.status), plan.reason)
            return
        self.plan = publish(plan, inputs, trigger)
        with self._recording():
            self._history.add_plan(now, str(plan.status), trigger, self.plan.to_dict)
        log.info(
            "planned",
            trigger=trigger,
            status=str(plan.status),
            solve_ms=round(plan.solve_s * 1000, 1),
            soc=round(state.soc, 3),
        )

    def _failed(self, now: datetime, trigger: str, status: str, reason: str) -> None:
        with self._recording():
            self._history.add_plan(now, status, trigger, lambda: {"reason": reason})
        self._report(PLAN_ALARMS[status].at(now, reason=reason))

    def _report(self, alarm: AlarmRecord) -> None:
        with self._recording():
            self._history.add_alarm(alarm)
        log.log(LOG_LEVELS[alarm.level], alarm.code, text=ENGLISH.text(alarm.message))
