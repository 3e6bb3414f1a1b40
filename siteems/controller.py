"""The one controller of a site: image, plan, decision, record.

The daemon and the replay are two shells around it. Clock, devices, solver, record and DR events are
handed in as ports, so nothing here knows Modbus, a process or a file.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta

import structlog

from optimisation.problem.site_problem import ProblemError
from siteems.clock import ClockSteps
from siteems.control.charging_permit import ChargingPermit, first_permit, next_permit
from siteems.control.cycle import ControlState, Limits, cycle
from siteems.control.decision import Drive
from siteems.control.hold import Holds
from siteems.control.intent import Intent, choose_intent
from siteems.control.step import Step
from siteems.control.stored_value import StoredEnergy, act_on_value
from siteems.control.timing import Timing
from siteems.demand_response.event import DrEvent
from siteems.demand_response.opt_out import OptOuts
from siteems.estimation.image_builder import ImageBuilder
from siteems.estimation.import_counter import CounterEvent
from siteems.estimation.process_image import Image
from siteems.estimation.site_state import StateEstimator
from siteems.forecast.forecast import Forecaster
from siteems.forecast.learning_forecaster import LearningForecaster
from siteems.history.records import RecordError, Sample
from siteems.messages.message import Message, MessageType
from siteems.operations.alarm_log import AlarmLog
from siteems.operations.battery_sign import BatterySign
from siteems.operations.control_alarms import ControlAlarms
from siteems.operations.daemon_alarms import CLOCK_SET
from siteems.operations.recall import Recalled
from siteems.operations.site_events import SiteEvents
from siteems.planning import reasons
from siteems.planning.problem import ProblemBuilder
from siteems.planning.published_plan import PublishedPlan, publish
from siteems.planning.remarks import messages_of
from siteems.planning.replan import ReplanRequest, known_futures
from siteems.ports import Ports
from siteems.site.assets import battery_command_of, is_drivable, rectifier_curve, wear_costs
from siteems.site.model import Site
from siteems.site.ratings import plausible_ranges
from siteems.site.reserve import reserve_soc
from siteems.tariff.gap import TariffGap
from siteems.tariff.schedule import TariffSchedule
from siteems.vpp.flexibility import Availability
from siteems.vpp.site_availability import site_availability

log = structlog.get_logger()


class Controller:
    """Controls one site. `step()` is the body of the fast loop, `make_plan()` of the slow one.

    The fast loop asks for a plan through `replan`, and the shell decides when to call `make_plan`.
    """

    def __init__(
        self,
        site: Site,
        ports: Ports,
        timing: Timing,
        forecaster: Forecaster | None = None,
        *,
        choose: Callable[[Image], Intent] | None = None,
        drives: bool = True,
    ) -> None:
        """Without a `forecaster` the site has its own, which learns. `choose` decides on the intent
        in place of plans and rules. Without `drives` the devices are not written to, and no alarm
        says that they do not follow.
        """
        self.site = site
        """With the battery as it is known now (`StateEstimator.battery`)."""
        self._stated_site, self._stated_health = site, site.battery.state_of_health
        self._clock, self._devices, self._solver = ports.clock, ports.devices, ports.solver
        self._record, self._event_log = ports.record, ports.events
        self._curve = rectifier_curve(site)
        self._on_bus = is_drivable(site) and battery_command_of(site) == "rectifier_current"
        self._wear = wear_costs(site.battery)
        self._tariff = TariffSchedule(site.tariffs, site.site.zone)
        self._given_forecaster, self._sky = forecaster, ports.clear_sky
        self.forecaster = forecaster or LearningForecaster(site, self._sky)
        self._estimator = StateEstimator(site, self._tariff)
        self._problems = ProblemBuilder(site, self._tariff)
        self._images = ImageBuilder(self._curve, timing.max_age, plausible_ranges(site))
        self._report_alarm = AlarmLog(ports.record).report
        self._drives = drives
        self._alarms = ControlAlarms(self._report_alarm, drives=drives, has_pv=site.pv is not None)
        self._sign = BatterySign(site, ports.devices.battery_name, ports.record, self._report_alarm)
        self._lead = timing.lead
        self._choose = choose or self._intent
        self._control_state = ControlState(charging=first_permit(site))
        self._sampled: int | None = None
        """The recording interval that has its sample already, counted from 1970."""
        self.clock_steps = ClockSteps(self._clock)
        self.clock_was_set = False
        """Since what is learned from samples was learned. The shell then calls `learn_again`."""
        self.image = self._images.first(self._clock.now())
        self.plan: PublishedPlan | None = None
        self.opt_outs = OptOuts()
        self._events = SiteEvents(self._report_alarm, self.opt_outs, site.demand_response)
        self.holds = Holds(self._clock)
        self.replan = ReplanRequest()

    def resume(self, recalled: Recalled) -> None:
        """Take up what the record holds: learn from recent samples again, and keep the last plan
        while it holds.
        """
        self.learn_again(recalled)
        self.plan = recalled.plan
        for hold in recalled.holds:
            self.holds.begin(hold)
        for opt_out in recalled.opt_outs:
            self.opt_outs.begin(opt_out)
        self._use_battery()
        self._sign.recall(recalled.battery_sign)
        issued = None if self.plan is None else self.plan.issued.isoformat()
        log.info("resumed", samples=len(recalled.samples), plan=issued)

    def learn_again(self, recalled: Recalled) -> None:
        """Learn all that is learned from samples anew: at a start, and when the clock was set,
        because then other rows of the record are the site's past. Control may go on meanwhile.
        """
        self.clock_was_set = False
        forecaster = self._given_forecaster or LearningForecaster(self._stated_site, self._sky)
        estimator = StateEstimator(self._stated_site, self._tariff)
        for sample in recalled.samples:
            forecaster.learn(sample.time, sample.values)
            estimator.learn(sample.time, sample.values)
        plan = recalled.plan
        estimator.recall(
            last_full=recalled.last_full,
            month_peak=None if plan is None else plan.month_peak,
            learned_health=None if plan is None else plan.learned_health,
        )
        self.forecaster, self._estimator = forecaster, estimator
        if (alarm := recalled.alarm_of_times_to_come(self._clock.now())) is not None:
            self._report_alarm(alarm)

    # -- the fast loop -----------------------------------------------------------------------------

    async def step(self) -> Step:
        """One control cycle: read, then decide, drive and record."""
        await self.observe()
        return await self.act()

    async def observe(self) -> None:
        """Read all devices and freeze what was read into the next image."""
        readings = await self._devices.read()
        now, steady = self._clock.now(), self._clock.steady()
        if (by := self.clock_steps.take()) is not None:
            self._report_alarm(CLOCK_SET.at(now, by_s=by.total_seconds()))
            self.clock_was_set = True
            self.replan.ask(reasons.CLOCK_CHANGE)
        self.image = self._images.next(self.image, readings, now, steady)

    @property
    def charging(self) -> ChargingPermit:
        """Whether the safe values may charge the battery, by the image."""
        image = self.image
        before = self._control_state.charging
        return next_permit(self.site, image.value("battery_c"), image.steady or image.time, before)

    async def act(self) -> Step:
        """Decide from the image, drive the devices, record."""
        now = self.image.time
        limits, intent = self._limits(now), self._choose(self.image)
        proving = self._sign.intent(intent, self.image, limits) if self._drives else intent
        decision, self._control_state = cycle(
            self.image,
            proving,
            limits,
            self.site,
            self._curve,
            self._control_state,
            on_bus=self._on_bus,
        )
        if self._drives:
            decision = self._sign.decided(decision, self.image)
            self._sign.update(self.image, decision)
        await self._devices.drive(decision)
        step = Step(self.image, decision, intent, limits)
        self._ask_for_plan(step, now)
        self._alarms.update(step, self.image.steady or now)
        self._record_sample(step, now)
        return step

    def _limits(self, now: datetime) -> Limits:
        site = self.site
        load_kw = self.forecaster.peak_load_kw(now, site.backup.hours)
        reserve = reserve_soc(site.battery, site.backup, load_kw, self.image.value("battery_c"))
        asked = self._events.requests(now, self._lead)
        return Limits(
            reserve_soc=min(1.0, reserve),
            grid_limit_kw=site.grid.import_limit_kw,
            dr_cap_kw=asked.import_cap_kw,
            peak_kw=self._peak_limit_kw(now),
            holds=self.holds.in_force(),
            dr_battery=asked.battery,
        )

    def _peak_limit_kw(self, now: datetime) -> float:
        """The billed import of this month so far, or what the plan makes of it where that is more.
        Only with a plan: without one it is not known which peak pays.
        """
        planned_kw = None if self.plan is None else self.plan.peak_at(now)
        if planned_kw is None:
            return math.inf
        return max(planned_kw, self._estimator.month_peak_kw(now) or 0.0)

    def _intent(self, image: Image) -> Intent:
        now = image.time
        prices_today, price_now = self._prices_today(now)
        soc = image.value("soc")
        load_kw, pv_kw = image.value("dc_load_kw") or 0.0, image.value("pv_kw") or 0.0
        intent = choose_intent(
            self.plan,
            soc,
            now,
            prices_today,
            price_now,
            self.site.battery.max_charge_kw,
            load_kw,
            pv_kw,
        )
        if self.plan is None or intent.level == "rules" or soc is None:
            return intent
        battery, values = self.site.battery, self.plan.values(now)
        if values is None or len(values) != len(self._wear):
            return intent  # a recorded plan, of another version or another site file
        stored = StoredEnergy(
            kwh=self._estimator.segment_kwh(soc),
            width_kwh=battery.capacity_kwh / len(values),
            value_per_kwh=values,
            wear_per_kwh=self._wear,
            charge_efficiency=battery.charge_efficiency,
            discharge_efficiency=battery.discharge_efficiency,
            max_charge_kw=battery.max_charge_kw,
        )
        return act_on_value(intent, stored, load_kw, pv_kw, price_now, self._curve)

    def _prices_today(self, now: datetime) -> tuple[Sequence[float], float]:
        """All prices of the local day, and the price now.

        Where no tariff is valid, a flat price of 0: then the rules hold the battery. Planning
        reports the gap.
        """
        asked = self._events.requests(now).price_per_kwh
        try:
            price = self._tariff.price_at(now).per_kwh if asked is None else asked
            local_day = now.astimezone(self.site.site.zone).date()
            return [slot.price for slot in self._tariff.day(local_day)], price
        except TariffGap:
            return [0.0], 0.0

    def _ask_for_plan(self, step: Step, now: datetime) -> None:
        """Ask for a new plan where this cycle needs one. Called before the alarms, which then note
        that the mains have returned.
        """
        if step.image.mains_ok and self._alarms.mains_failed:
            self.replan.ask(reasons.MAINS_RETURN)
        if isinstance(step.decision, Drive):
            by_rules = step.intent.level == "rules"
            self.replan.ask_on_deviation(now, step.image.value("soc"), self.plan, by_rules=by_rules)

    # -- record ------------------------------------------------------------------------------------

    def _record_sample(self, step: Step, now: datetime) -> None:
        """Record the first cycle of each recording interval, and learn from it. Intervals are
        counted on the clock, so that every quarter hour begins with a sample.
        """
        interval = int(now.timestamp() // self.site.recording.sample_s)
        if interval == self._sampled:
            return
        self._sampled = interval
        decision, cap_kw = step.decision, step.limits.dr_cap_kw
        values = dict(self.image.values)
        values["target_kw"] = decision.battery_kw if isinstance(decision, Drive) else None
        values["reserve_soc"] = step.limits.reserve_soc
        values["import_cap_kw"] = None if math.isinf(cap_kw) else cap_kw
        values["price_per_kwh"] = self._price_at(now)
        source = step.intent.level if isinstance(decision, Drive) else "release"
        counter = self._learn(now, values)
        if counter is not None:
            self._alarms.report_counter(counter, now)
        self._alarms.update_health(self._estimator.health, self._stated_health, self.image)
        with self._recording():
            self._record.add_samples([Sample(now, values, source, decision.reason)])

    def _price_at(self, now: datetime) -> float | None:
        try:
            return self._tariff.price_at(now).per_kwh
        except TariffGap:
            return None

    def _learn(self, time: datetime, values: Mapping[str, float | None]) -> CounterEvent | None:
        """Learn from one sample: live from each that is recorded, after a restart from the same
        samples in the record, whose alarms have been raised.
        """
        self.forecaster.learn(time, values)
        event = self._estimator.learn(time, values)
        self._use_battery()
        return event

    def _use_battery(self) -> None:
        """Plan and control with the battery as it is known now."""
        if self.site.battery is not self._estimator.battery:
            self.site = replace(self.site, battery=self._estimator.battery)
            self._problems = ProblemBuilder(self.site, self._tariff)
            log.info("battery", state_of_health=round(self.site.battery.state_of_health, 3))

    @contextmanager
    def _recording(self) -> Iterator[None]:
        """Control goes on where the record cannot be written or read, on a full disk perhaps."""
        try:
            yield
        except RecordError as error:
            log.error("record-failed", error=str(error))

    # -- DR events ---------------------------------------------------------------------------------

    @property
    def events(self) -> tuple[DrEvent, ...]:
        """DR events in force or to come that the site follows."""
        return self._events.followed

    def refresh_events(self) -> None:
        """Read the event log. A new, changed or cancelled DR event asks for a new plan at once."""
        with self._recording():
            events = self._event_log.open(self._clock.now() - self._events.looks_back)
            if self._events.take(events, self._clock.now(), self.image.value("ac_load_kw")):
                self.replan.ask(reasons.DR_EVENT_CHANGED)

    def availability(self, start: datetime, duration: timedelta) -> Availability:
        """What the site can give from then on. Raises `UserError` where no plan reaches so far."""
        now = self._clock.now()
        return site_availability(self.site, self.plan, self.forecaster, now, start, duration)

    # -- the slow loop -----------------------------------------------------------------------------

    async def make_plan(self, trigger: MessageType) -> None:
        """Make one plan. The run is recorded with its status, and reason where it failed; then the
        last plan stays.
        """
        now = self._clock.now()
        if self.image.mains_ok is False:
            return  # backup: the return of the mains asks for the next plan
        if not self._drives and "soc" not in self.image.measured:
            return  # read-only at a site that has no device to plan for
        state = self._estimator.state(self.image, now)
        if state is None:
            self._planning_failed(now, trigger, "error", reasons.SOC_UNKNOWN())
            return
        try:
            inputs = self._problems.build(state, self.forecaster, self.events)
        except TariffGap as gap:
            self._planning_failed(now, trigger, "error", reasons.INPUT_REFUSED(detail=gap.message))
            return
        except ProblemError as error:
            self._planning_failed(now, trigger, "error", reasons.INPUT_REFUSED(detail=str(error)))
            return
        earlier = known_futures(self.plan, trigger, now)
        futures = inputs.futures if earlier is None else ()
        plan = await self._solver.solve(inputs.problem, self.site.planning.solve_limit_s, futures)
        if not plan.usable:
            self._planning_failed(
                now, trigger, str(plan.status), reasons.NOT_SOLVED(detail=messages_of(plan.remarks))
            )
            return
        self.plan = publish(plan, inputs, trigger.code, earlier)
        self._alarms.planned(now)
        with self._recording():
            self._record.add_plan(now, str(plan.status), trigger.code, self.plan.to_dict)
        log.info(
            "planned",
            trigger=trigger.code,
            status=str(plan.status),
            solve_ms=round(plan.solve_s * 1000, 1),
            soc=round(state.soc, 3),
        )

    def _planning_failed(
        self, now: datetime, trigger: MessageType, status: str, reason: Message
    ) -> None:
        with self._recording():
            self._record.add_plan(now, status, trigger.code, lambda: {"reason": reason.as_dict()})
        self._alarms.planning_failed(now, status, reason)
