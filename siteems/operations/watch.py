"""What a person should be told of the control cycles: each thing once, and no passing one."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from siteems.control.cycle import Limits
from siteems.control.decision import Decision, Drive
from siteems.control.intent import Intent
from siteems.estimation.image import Image

FOLLOWS_KW = 0.5
LASTED = timedelta(minutes=2)
"""A fallback or an exceeded cap is reported when it has lasted this long."""


@dataclass(frozen=True)
class Step:
    """What one control cycle saw and decided."""

    image: Image
    decision: Decision
    intent: Intent
    limits: Limits


class Watch:
    """Looks at each cycle."""

    def __init__(
        self, tell: Callable[[datetime, str, str, str], None], *, drives: bool = True
    ) -> None:
        """`tell` is given time, level, code and sentence, as of an `Incident`.

        Without `drives` nobody tells the devices what was decided: no call is held, and nothing
        follows or is released.
        """
        self._tell, self._drives = tell, drives
        self.mains_out = False
        """Whether the mains had failed when they were last known."""
        self._mode: str | None = None
        self._level: str | None = None
        self._level_changed: datetime | None = None
        self._cap_exceeded: datetime | None = None
        self._cap_reported: float | None = None
        self._unfollowed: datetime | None = None
        self._unfollowed_reported = False

    def look(self, step: Step, now: datetime) -> None:
        """Take one cycle."""
        image, decision = step.image, step.decision
        if image.mains_ok is False and not self.mains_out:
            self.mains_out = True
            self._tell(
                now,
                "warning",
                "mains-failed",
                "the mains have failed; the battery carries the site",
            )
        if image.mains_ok and self.mains_out:  # also when nobody knew in between
            self.mains_out = False
            self._tell(now, "info", "mains-returned", "the mains are back")
        mode = "drive" if isinstance(decision, Drive) else "release"
        if mode != self._mode:
            if mode == "release" and image.mains_ok is not False:
                level, code = ("alarm", "released") if self._drives else ("warning", "not-measured")
                self._tell(now, level, code, decision.reason)
            elif mode == "drive" and self._mode is not None:
                text = "; the site is driven again" if self._drives else ""
                self._tell(
                    now,
                    "info",
                    "driving" if self._drives else "measured",
                    f"measurements are back{text}",
                )
            self._mode = mode
        if self._drives:
            self._cap(step, now)
        if isinstance(decision, Drive):
            self._level_of(step.intent, now)
            if self._drives:
                self._battery(image, decision, now)
        else:
            self._unfollowed = None

    def _battery(self, image: Image, decision: Drive, now: datetime) -> None:
        """Report a battery that does not follow: it takes clearly more, or gives clearly more, than
        was decided.

        Less charging than decided is the chemistry's right; less discharging is when the rectifiers
        rest, for then the sun carries the difference.
        """
        battery_kw, target_kw = image.value("battery_kw"), decision.battery_kw
        rectifier_kw = image.value("rectifier_dc_kw")
        resting = target_kw < 0 and rectifier_kw is not None and rectifier_kw <= FOLLOWS_KW
        follows = battery_kw is None or (
            (resting or battery_kw <= target_kw + FOLLOWS_KW)
            and (target_kw > 0 or battery_kw >= target_kw - FOLLOWS_KW)
        )
        if follows:
            self._unfollowed, self._unfollowed_reported = None, False
        elif self._unfollowed is None:
            self._unfollowed = now
        elif now - self._unfollowed >= LASTED and not self._unfollowed_reported:
            self._unfollowed_reported = True
            text = f"the battery is at {battery_kw:+.2f} kW, decided was {target_kw:+.2f} kW: {decision.reason}"
            self._tell(now, "alarm", "not-followed", text)

    def _level_of(self, intent: Intent, now: datetime) -> None:
        """Report a change on the ladder once it has lasted; a plan that is a moment late is worth
        nobody's time.
        """
        if intent.level == self._level:
            self._level_changed = None
            return
        self._level_changed = self._level_changed or now
        if now - self._level_changed < LASTED and intent.level != "plan":
            return
        if intent.level != "plan":
            self._tell(
                now,
                "warning" if intent.level == "last-plan" else "alarm",
                f"fallback-{intent.level}",
                intent.reason,
            )
        elif self._level is not None:
            self._tell(now, "info", "fallback-plan", "a fresh plan holds again")
        self._level, self._level_changed = intent.level, None

    def _cap(self, step: Step, now: datetime) -> None:
        """Report a call that cannot be held, once per call: what is left on the AC side may be more
        than the cap.
        """
        grid_kw, cap_kw = step.image.value("grid_kw"), step.limits.dr_cap_kw
        if grid_kw is None or grid_kw <= cap_kw * 1.01:
            self._cap_exceeded = None
            if math.isinf(cap_kw):
                self._cap_reported = None
            return
        if self._cap_exceeded is None:
            self._cap_exceeded = now
        elif self._cap_exceeded < now - LASTED and self._cap_reported != cap_kw:
            self._cap_reported = cap_kw
            text = f"grid import is {grid_kw:.2f} kW, the call allows {cap_kw:g} kW: {step.decision.reason}"
            self._tell(now, "alarm", "cap-exceeded", text)
