"""The proof of the sign of the battery's power: one small step, made once for each battery.

Some devices change the sign of a power with their firmware, and control with a wrong one discharges
where it means to charge. So a battery that is not proved is held, and commanded one small step,
inside all bounds. What follows is compared (`siteems/control/sign_verdict.py`); the result is kept
by the caller. While a proved battery is driven, the same comparison goes on.

    waiting -> resting -> stepping -> proved         after a step that shows nothing: waiting
                                   -> contradicted   not driven until device or map have changed
    proved  -> doubted -> waiting                    in service: not driven for a while, then a step
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, Literal

from drivers.backoff import Backoff, growing_pauses
from siteems.control.cycle import Limits
from siteems.control.decision import Decision, Drive, Release
from siteems.control.intent import Intent
from siteems.control.reasons import RELEASE_BATTERY_SIGN, SIGN_NOT_PROVED, SIGN_STEP
from siteems.control.sign_verdict import WRONG, Powers, Verdict, mean, powers, verdict
from siteems.estimation.process_image import Image
from siteems.site.model import Site

Stage = Literal["waiting", "resting", "stepping", "proved", "doubted", "contradicted"]
Outcome = Literal["proved", "doubted", "contradicted", "undecided"]

STEP_SHARE: Final = 0.05
LEAST_STEP_KW: Final = 0.5
"""The step, as a share of the battery's weaker rating, and at least: 10 A, several times the error
and the resolution of the sensors. In a minute it moves less than 10 Wh.
"""
SHOWS_KW: Final = 0.5
"""Powers in service below this show nothing."""
UNCHANGED_SHARE: Final = 0.2
"""A step that a bound has changed by more than this share of it is given up."""
STEADY_FOR: Final = timedelta(seconds=5)
STEADY_SAMPLES: Final = 4
STEADY_SHARE: Final = 0.4
"""The power is steady when it stayed within this share of the step for so long, and samples."""
MOST_FOR: Final = timedelta(seconds=90)
MOST_SAMPLES: Final = 12
"""How long a battery may take to be steady, and to follow: the voltage of rectifiers is moved by
3 V a minute.
"""
DIVERGED_STEPS: Final = 2.0
"""A command that is a closed loop moves away from its setpoint where a sign is wrong. From so many
steps on the powers themselves count, and not their change; smaller ones may be flows that are not
measured.
"""
ABOVE_RESERVE_SOC: Final = 0.03
"""A step down is made only this far above the reserve, and of the minimum of the battery."""
NEARLY_FULL_SOC: Final = 0.95
"""From here a battery takes little, and a step up may show nothing."""
UNDECIDED_PAUSES_S: Final = growing_pauses(30.0, 3600.0)
"""Before another step after one that showed nothing: a load or a battery's own management may be in
the way for a while.
"""
WRONG_FOR: Final = timedelta(minutes=2)
"""How long powers in service must contradict to doubt a sign that was proved."""
UNPROVED_FOR: Final = timedelta(seconds=20)
"""The same for one that was not, and how long they must agree to prove it: where a bound moves the
battery before a step could be made, it moves with its full power.
"""
DOUBTED_PAUSES_S: Final = growing_pauses(600.0, 86400.0)
"""Before the step that decides about a doubted battery; a second controller may be stopped by then.
"""


@dataclass(frozen=True, slots=True)
class Found:
    """The end of a step, or of a comparison in service."""

    outcome: Outcome
    verdict: Verdict
    powers: Powers


def hold(intent: Intent) -> Intent:
    """The intent while the sign is not proved."""
    return replace(intent, battery_kw=0.0, reason=SIGN_NOT_PROVED())


class SignProof:
    """The proof of one battery, cycle by cycle: `intent`, then `decided`, then `update`. Delays run
    on the steady time.
    """

    def __init__(self, site: Site) -> None:
        battery = site.battery
        weaker_kw = min(battery.max_charge_kw, battery.max_discharge_kw)
        self._step_kw = min(max(STEP_SHARE * weaker_kw, LEAST_STEP_KW), weaker_kw)
        self._has_pv, self._min_soc = site.pv is not None, battery.min_soc
        self.start("waiting")

    def start(self, stage: Stage) -> None:
        """Begin anew, as for another battery, at what is known of it."""
        self._doubted = Backoff(DOUBTED_PAUSES_S)
        self._settle(stage)

    def _settle(self, stage: Stage) -> None:
        self._enter(stage)
        self._before: Powers | None = None
        self._direction = 0
        self._undecided = Backoff(UNDECIDED_PAUSES_S)
        self._wrong_since: datetime | None = None
        self._agrees_since: datetime | None = None

    @property
    def failures(self) -> int:
        """Steps in a row that showed nothing."""
        return self._undecided.failures

    # -- before the decision -----------------------------------------------------------------------

    def intent(self, intent: Intent, image: Image, limits: Limits) -> Intent:
        """The intent of this cycle: that of the plan for a proved battery, else hold or step."""
        if self.stage in ("proved", "contradicted", "doubted"):
            return intent
        now = image.steady or image.time
        if limits.dr_cap_kw < math.inf or limits.dr_battery is not None:
            self._interrupted(now)
        elif self.stage == "waiting" and not self._undecided.resting(now.timestamp()):
            self._direction = self._possible_direction(intent.battery_kw, image, limits)
            if self._direction:
                self._enter("resting")
        elif self.stage == "resting" and self._is_at_rest(now):
            self._before = mean(self._window(now))
            self._enter("stepping")
        if self.stage == "stepping":
            step_kw = self._direction * self._step_kw
            return replace(intent, battery_kw=step_kw, reason=SIGN_STEP())
        return hold(intent)

    def _possible_direction(self, wanted_kw: float, image: Image, limits: Limits) -> int:
        """+1 to charge, -1 to discharge, 0 while no step can be made: that of the plan first, and
        after a step that showed nothing the other one.
        """
        soc, load_kw = image.value("soc"), image.value("dc_load_kw")
        measured = image.value("battery_kw") is not None
        if soc is None or load_kw is None or not measured or not image.mains_ok:
            return 0
        lowest_soc = max(limits.reserve_soc, self._min_soc) + ABOVE_RESERVE_SOC
        carried_kw = load_kw - (image.value("pv_kw") or 0.0)
        possible = []
        if soc < NEARLY_FULL_SOC:
            possible.append(1)
        if soc > lowest_soc and carried_kw > 1.5 * self._step_kw:
            possible.append(-1)
        first = -self._direction if self._undecided.failures else (1 if wanted_kw > 0 else -1)
        return first if first in possible else (possible[0] if possible else 0)

    # -- the decision ------------------------------------------------------------------------------

    def decided(self, decision: Decision, image: Image) -> Decision:
        """The decision, or a release while the battery is not driven because of its sign."""
        now = image.steady or image.time
        if self.stage == "doubted" and not self._doubted.resting(now.timestamp()):
            self._enter("waiting")
        if self.stage in ("doubted", "contradicted") and isinstance(decision, Drive):
            return Release(RELEASE_BATTERY_SIGN(), decision.charging)
        return decision

    # -- after the decision ------------------------------------------------------------------------

    def update(self, image: Image, decision: Decision) -> Found | None:
        """Take what was measured and decided; the end of a step or comparison, if it is one."""
        now, seen = image.steady or image.time, None
        if isinstance(decision, Drive):
            seen = powers(image, decision.battery_kw, has_pv=self._has_pv)
        if seen is None:
            self._wrong_since = self._agrees_since = None
            self._interrupted(now)
            return None
        if self.stage in ("resting", "stepping"):
            wanted_kw = self._direction * self._step_kw if self.stage == "stepping" else 0.0
            if abs(seen.asked_kw - wanted_kw) <= UNCHANGED_SHARE * self._step_kw:
                return self._in_a_step(seen, now)
            self._interrupted(now)
        return self._in_service(seen, now)

    def _in_a_step(self, seen: Powers, now: datetime) -> Found | None:
        self._seen.append((now, seen))
        steady, late = self._is_steady(now), self._late(now)
        if not (steady or late):
            return None
        found = mean(self._window(now))
        what = verdict(found, DIVERGED_STEPS * self._step_kw)
        if what not in ("measurement", "both"):
            what = "unclear"
            if steady and self.stage == "resting":
                return None
            if steady and self._before is not None:
                found = found.less(self._before)
                what = verdict(found, 0.5 * self._step_kw)
        return self._end_of_step(what, found, now) if late or what != "unclear" else None

    def _end_of_step(self, what: Verdict, found: Powers, now: datetime) -> Found:
        if what == "unclear":
            self._enter("waiting")
            self._undecided.failed(now.timestamp())
            return Found("undecided", what, found)
        if what == "agrees":
            self._settle("proved")
            return Found("proved", what, found)
        self._settle("contradicted")
        return Found("contradicted", what, found)

    def _in_service(self, seen: Powers, now: datetime) -> Found | None:
        """Compare the powers of a battery that is driven, or that a bound moves."""
        what = verdict(seen, SHOWS_KW)
        self._wrong_since = (self._wrong_since or now) if what in WRONG else None
        agrees = what == "agrees" and seen.balance_kw is not None
        self._agrees_since = (self._agrees_since or now) if agrees else None
        proved = self.stage == "proved"
        if _lasts(self._wrong_since, now, WRONG_FOR if proved else UNPROVED_FOR):
            self._settle("doubted")
            self._doubted.failed(now.timestamp())
            return Found("doubted", what, seen)
        if not proved and _lasts(self._agrees_since, now, UNPROVED_FOR):
            self._settle("proved")
            return Found("proved", what, seen)
        return None

    def _interrupted(self, now: datetime) -> None:
        """A step that a bound or a release has changed shows nothing; it is made after a while."""
        if self.stage in ("resting", "stepping"):
            self._enter("waiting")
            self._undecided.rest(now.timestamp(), UNDECIDED_PAUSES_S[0])

    def _enter(self, stage: Stage) -> None:
        self.stage: Stage = stage
        self._seen: list[tuple[datetime, Powers]] = []

    def _is_at_rest(self, now: datetime) -> bool:
        """Whether a step can begin: from about 0, or after a while from what has become steady."""
        if not self._is_steady(now):
            return False
        measured_kw = mean(self._window(now)).measured_kw
        return abs(measured_kw) <= 0.5 * self._step_kw or self._late(now)

    def _late(self, now: datetime) -> bool:
        """Whether this stage has lasted long enough."""
        return len(self._seen) >= MOST_SAMPLES and now - self._seen[0][0] >= MOST_FOR

    def _window(self, now: datetime) -> list[Powers]:
        """The powers of the last seconds, and at least the last samples."""
        recent = sum(now - time <= STEADY_FOR for time, _ in self._seen)
        return [seen for _, seen in self._seen[-max(recent, STEADY_SAMPLES) :]]

    def _is_steady(self, now: datetime) -> bool:
        """Whether the battery's power has not moved for a while of this stage."""
        enough = len(self._seen) >= STEADY_SAMPLES and now - self._seen[0][0] >= STEADY_FOR
        measured = [each.measured_kw for each in self._window(now)]
        return enough and max(measured) - min(measured) <= STEADY_SHARE * self._step_kw


def _lasts(since: datetime | None, now: datetime, so_long: timedelta) -> bool:
    return since is not None and now - since >= so_long
