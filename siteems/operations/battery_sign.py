"""The proof of the battery's sign over the life of a site: kept in the record, reported, and begun
anew when the battery, its firmware or its device map has changed.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final, Literal, Protocol, cast

import structlog

from siteems.control import reasons
from siteems.control.cycle import Limits
from siteems.control.decision import Decision
from siteems.control.intent import Intent
from siteems.control.sign_proof import SignProof, hold
from siteems.control.sign_verdict import Verdict
from siteems.estimation.process_image import Image
from siteems.history.records import AlarmRecord, RecordError
from siteems.messages.message import MessageType
from siteems.operations import alarm_catalogue as alarms
from siteems.site.model import Site

log = structlog.get_logger()

BATTERY_SIGN: Final = "battery_sign"
"""Key of the record under which the result is kept."""
UNKNOWN: Final = "?"
"""Part of a battery's name that could not be read; it counts as unchanged."""
TRIES: Final = 3
"""Steps that show nothing before it is reported; the first ones may meet a passing load."""
WHICH: Final[Mapping[Verdict, MessageType]] = {
    "measurement": reasons.MEASUREMENT_SIGN,
    "command": reasons.COMMAND_SIGN,
    "both": reasons.BOTH_SIGNS,
    "either": reasons.EITHER_SIGN,
}

Result = Literal["proved", "doubted", "contradicted"]


class Facts(Protocol):
    """The part of the record that keeps short texts."""

    def set_fact(self, key: str, value: str) -> None:
        """Keep a text under a key. May raise `RecordError`."""


def kept_text(battery: str, result: Result, now: datetime) -> str:
    """What the record keeps of a result."""
    return json.dumps({"battery": battery, "result": result, "time": now.isoformat()})


def kept_result(text: str | None, battery: str) -> Result | None:
    """The result that was kept of this battery; None where none was, or of another one."""
    try:
        kept = json.loads(text or "{}")
        parts, others = kept["battery"].split(), battery.split()
        result = kept["result"]
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
    same = len(parts) == len(others) and all(
        one == other or UNKNOWN in (one, other) for one, other in zip(parts, others, strict=True)
    )
    known = result in ("proved", "doubted", "contradicted")
    return cast("Result", result) if same and known else None


class BatterySign:
    """Keeps the proof of the battery that the site has now.

    `battery` names it, or is None while it is not known; an empty name has nothing to prove.
    """

    def __init__(
        self,
        site: Site,
        battery: Callable[[], str | None],
        facts: Facts,
        report: Callable[[AlarmRecord], None],
    ) -> None:
        self._battery, self._facts, self._report = battery, facts, report
        self._proof = SignProof(site)
        self._name: str | None = None
        self._kept: str | None = None

    def recall(self, kept: str | None) -> None:
        """Take up what the record holds of the last proof."""
        self._kept, self._name = kept, None

    def intent(self, intent: Intent, image: Image, limits: Limits) -> Intent:
        """The intent of this cycle; hold or a small step for a battery that is not proved."""
        name = self._battery()
        if name is not None and name != self._name:
            self._name = name
            kept = kept_result(self._kept, name)
            # A doubt is decided by the step, at once after a restart.
            self._proof.start(kept if kept in ("proved", "contradicted") else "waiting")
        if self._name is None:
            return hold(intent)
        return intent if self._name == "" else self._proof.intent(intent, image, limits)

    def decided(self, decision: Decision, image: Image) -> Decision:
        """The decision, or a release of a battery with a wrong sign."""
        return self._proof.decided(decision, image) if self._name else decision

    def update(self, image: Image, decision: Decision) -> None:
        """Take what was measured and decided in this cycle."""
        found = self._proof.update(image, decision) if self._name else None
        if found is None:
            return
        if found.outcome == "undecided":
            if self._proof.failures == TRIES:
                self._report(alarms.BATTERY_SIGN_UNDECIDED.at(image.time, tries=TRIES))
            return
        self._keep(found.outcome, image.time)
        if found.outcome == "proved":
            self._report(alarms.BATTERY_SIGN_PROVED.at(image.time))
            return
        wrong = found.outcome == "contradicted"
        kind = alarms.BATTERY_SIGN if wrong else alarms.BATTERY_SIGN_DOUBTED
        asked_kw, measured_kw = found.powers.asked_kw, found.powers.measured_kw
        which = WHICH[found.verdict]()
        self._report(kind.at(image.time, which=which, target_kw=asked_kw, battery_kw=measured_kw))

    def _keep(self, result: Result, now: datetime) -> None:
        assert self._name
        self._kept = kept_text(self._name, result, now)
        try:
            self._facts.set_fact(BATTERY_SIGN, self._kept)
        except RecordError as error:  # it is proved again after a restart
            log.error("record-failed", error=str(error))
