"""The alarms that follow from the control cycles: mains, release, fallback level, import cap,
battery.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import datetime, timedelta

from siteems.control.cycle import NEEDED, missing_inputs
from siteems.control.decision import Drive, Release
from siteems.control.hold import Hold
from siteems.control.intent import FallbackLevel
from siteems.control.reasons import RELEASE_NOT_MEASURED
from siteems.control.step import Step
from siteems.estimation.battery_health import Health
from siteems.estimation.import_counter import CounterEvent
from siteems.estimation.process_image import Image
from siteems.history.records import AlarmRecord
from siteems.messages.message import Message
from siteems.operations import alarm_catalogue as alarms
from siteems.operations import meter_alarms
from siteems.operations.alarm_condition import Condition
from siteems.operations.balance_alarms import BalanceAlarms
from siteems.operations.daemon_alarms import BATTERY_HELD, HOLD_ENDED
from siteems.operations.event_alarm_types import FULLY_DELIVERED, PARTLY_DELIVERED

FOLLOWS_KW = 0.5
"""A battery this close to its setpoint follows it: several times the error of a shunt at a few
kilowatts, and far below a deviation that matters.
"""
CAP_TOLERANCE = 0.01
"""Share by which a cap may be exceeded before it counts: the error of a class 1 meter."""
DELIVERY_TOLERANCE = 0.1
"""Share of a requested power that may be missing before it counts: programmes pay from 80 or 90 %
of a bid on.
"""
LASTED = timedelta(minutes=2)
"""On-delay of everything that comes and goes by itself: longer than a late plan or a passing load
peak, short enough to act in the same DR event.
"""
AT_ONCE = timedelta(0)
HEALTH_TOLERANCE = 0.02
"""How far the state of health may lie below that of the site file: the age of the file."""


class ControlAlarms:
    """Looks at each control cycle and reports every alarm once when it is raised and cleared."""

    def __init__(
        self, report: Callable[[AlarmRecord], None], *, drives: bool = True, has_pv: bool = True
    ) -> None:
        """Without `drives` the decisions reach no device: no cap is held, and nothing follows a
        setpoint or is released.
        """
        self._report, self._drives = report, drives
        self._balance = BalanceAlarms(report, has_pv=has_pv)
        self._holds: tuple[Hold, ...] = ()
        self._mains_failed = Condition(AT_ONCE)
        self._released = Condition(AT_ONCE)
        self._level_changed = Condition(LASTED)
        self._level: FallbackLevel | None = None
        """The fallback level that was reported last."""
        self._cap_exceeded = Condition(LASTED)
        self._reported_cap_kw: float | None = None
        self._battery_not_following = Condition(LASTED, LASTED)
        self._partly_delivered = Condition(LASTED)
        self._battery_weaker = Condition(AT_ONCE)
        self._planning_fails = False

    @property
    def mains_failed(self) -> bool:
        """Whether the mains had failed when they were last measured."""
        return self._mains_failed.active

    def update(self, step: Step, steady: datetime) -> None:
        """Takes one cycle. Delays run on the steady time; an alarm has the time of the image."""
        self._update_holds(step)
        self._balance.update(step.image)
        self._update_mains(step, steady)
        self._update_release(step, steady)
        if self._drives:
            self._update_cap(step, steady)
            self._update_request(step, steady)
        if isinstance(step.decision, Drive):
            self._update_fallback(step, steady)
        if self._drives:
            self._update_battery(step, steady)

    def _update_holds(self, step: Step) -> None:
        now, before, self._holds = step.image.time, self._holds, step.limits.holds
        for hold in self._holds:
            if hold not in before:
                kw, until = hold.battery_kw, f"{hold.until:%m-%d %H:%M} UTC"
                self._report(BATTERY_HELD.at(now, battery_kw=kw, owner=hold.owner, until=until))
        if before and not self._holds:
            self._report(HOLD_ENDED.at(now))

    def update_health(self, health: Health, stated: float, image: Image) -> None:
        """Takes the state of health that counts, and the one in the site file."""
        now = image.time
        weaker = health.share <= stated - HEALTH_TOLERANCE
        if self._battery_weaker.update(weaker, image.steady or now) != "raised":
            return
        if health.source == "battery":
            self._report(alarms.BATTERY_REPORTS_WEAKER.at(now, health=health.share, stated=stated))
        else:
            self._report(alarms.BATTERY_MEASURED_WEAKER.at(now, health=health.share, stated=stated))

    def planning_failed(self, now: datetime, status: str, reason: Message) -> None:
        """Takes a planning run without a usable plan; each is reported, since each has a reason."""
        self._planning_fails = True
        self._report(alarms.PLAN_ALARMS[status].at(now, reason=reason))

    def planned(self, now: datetime) -> None:
        """Takes a planning run with a usable plan."""
        if self._planning_fails:
            self._planning_fails = False
            self._report(alarms.PLANNED.at(now))

    def report_counter(self, event: CounterEvent, now: datetime) -> None:
        """Reports what has happened to the grid meter's counter."""
        reading_kwh = round(event.reading_kwh, 2)
        if not event.repaired and event.kind == "still":
            self._report(meter_alarms.COUNTER_STILL.at(now, reading_kwh=reading_kwh))
        elif not event.repaired:
            self._report(meter_alarms.COUNTER_IMPLAUSIBLE.at(now, reading_kwh=reading_kwh))
        elif math.isnan(event.kwh):
            self._report(meter_alarms.COUNTER_ENERGY_UNKNOWN.at(now, kind=event.kind))
        else:
            kwh = round(event.kwh, 2)
            self._report(meter_alarms.COUNTER_REPAIRED.at(now, kind=event.kind, kwh=kwh))

    def _update_mains(self, step: Step, steady: datetime) -> None:
        mains_ok = step.image.mains_ok
        change = self._mains_failed.update(None if mains_ok is None else not mains_ok, steady)
        if change == "raised":
            self._report(alarms.MAINS_FAILED.at(step.image.time))
        elif change == "cleared":
            self._report(alarms.MAINS_RETURNED.at(step.image.time))

    def _update_release(self, step: Step, steady: datetime) -> None:
        """A release because the mains failed is no alarm of its own; nor is, in a read-only run,
        the lack of what no device of the site measures.
        """
        released, reason = isinstance(step.decision, Release), step.decision.reason
        if reason.code == RELEASE_NOT_MEASURED.code and not self._drives:
            measured = [name for name in NEEDED if name in step.image.measured]
            missing = missing_inputs(step.image, measured)
            released, reason = bool(missing), RELEASE_NOT_MEASURED(missing=missing)
        change = self._released.update(None if step.image.mains_ok is False else released, steady)
        if change == "raised":
            kind = alarms.RELEASED if self._drives else alarms.NOT_MEASURED
            self._report(kind.at(step.image.time, reason=reason))
        elif change == "cleared":
            self._report((alarms.DRIVING if self._drives else alarms.MEASURED).at(step.image.time))

    def _update_battery(self, step: Step, steady: datetime) -> None:
        """A battery that charges or discharges clearly more than its setpoint.

        Charging less than the setpoint is normal where the chemistry no longer accepts it.
        Discharging less is normal while the rectifiers are at rest: then PV carries the difference.
        A battery that balances load and PV has no setpoint to keep to while they are.
        """
        if isinstance(step.decision, Release):
            self._battery_not_following.update(None, steady)
            return
        battery_kw, target_kw = step.image.value("battery_kw"), step.decision.battery_kw
        rectifier_kw = step.image.value("rectifier_dc_kw")
        balances = step.decision.balance_kw is not None
        at_rest = rectifier_kw is not None and rectifier_kw <= FOLLOWS_KW
        may_exceed = at_rest and (balances or target_kw < 0)
        if battery_kw is None:
            deviates = False
        else:
            too_high = battery_kw > target_kw + FOLLOWS_KW and not may_exceed
            too_low = battery_kw < target_kw - FOLLOWS_KW and target_kw <= 0 and not balances
            deviates = too_high or too_low
        change = self._battery_not_following.update(deviates, steady)
        if change == "cleared":
            self._report(alarms.BATTERY_FOLLOWING.at(step.image.time))
        if change == "raised":
            self._report(
                alarms.BATTERY_NOT_FOLLOWING.at(
                    step.image.time,
                    battery_kw=battery_kw,
                    target_kw=target_kw,
                    reason=step.decision.reason,
                )
            )

    def _update_fallback(self, step: Step, steady: datetime) -> None:
        """A lower level is reported once it has lasted, the return to a fresh plan at once.

        So a plan that is only a moment late raises no alarm.
        """
        intent = step.intent
        level = intent.level
        lasted = self._level_changed.update(level != self._level, steady) == "raised"
        if level == self._level or not (lasted or level == "plan"):
            return
        if level == "last-plan":
            self._report(alarms.FALLBACK_LAST_PLAN.at(step.image.time, reason=intent.reason))
        elif level == "rules":
            self._report(alarms.FALLBACK_RULES.at(step.image.time, reason=intent.reason))
        elif self._level is not None:
            self._report(alarms.FALLBACK_PLAN.at(step.image.time))
        self._level = level
        self._level_changed.reset()

    def _update_request(self, step: Step, steady: datetime) -> None:
        """A power that a DR event asks for and that the battery does not have. With caps,
        `_update_cap` reports what is missing.
        """
        asked, battery_kw = step.limits.dr_battery, step.image.value("battery_kw")
        asked_kw = None if asked is None else asked.battery_kw
        missed = None
        if asked_kw is None:
            missed = False
        elif battery_kw is not None:
            tolerance_kw = max(FOLLOWS_KW, DELIVERY_TOLERANCE * abs(asked_kw))
            missed = abs(battery_kw - asked_kw) > tolerance_kw
        change = self._partly_delivered.update(missed, steady)
        now = step.image.time
        if change == "cleared":
            self._report(FULLY_DELIVERED.at(now))
        elif change == "raised" and asked is not None:
            reason = step.decision.reason
            self._report(
                PARTLY_DELIVERED.at(
                    now, event=asked.event, asked_kw=asked_kw, battery_kw=battery_kw, reason=reason
                )
            )

    def _update_cap(self, step: Step, steady: datetime) -> None:
        """A cap that cannot be held, for instance because the AC side alone draws more.

        Each cap is reported once, however often it is exceeded: an air conditioner that starts and
        stops would raise the alarm again and again.
        """
        grid_kw, cap_kw = step.image.value("grid_kw"), step.limits.dr_cap_kw
        if math.isinf(cap_kw) and self._reported_cap_kw is not None:
            self._reported_cap_kw = None
            self._report(alarms.CAP_OVER.at(step.image.time))
        exceeded = grid_kw is not None and grid_kw > cap_kw * (1.0 + CAP_TOLERANCE)
        self._cap_exceeded.update(exceeded, steady)
        # The delay runs on when a cap is revised, so that revisions cannot hide that it is missed.
        if self._cap_exceeded.active and cap_kw != self._reported_cap_kw:
            self._reported_cap_kw = cap_kw
            self._report(
                alarms.CAP_EXCEEDED.at(
                    step.image.time, grid_kw=grid_kw, cap_kw=cap_kw, reason=step.decision.reason
                )
            )
