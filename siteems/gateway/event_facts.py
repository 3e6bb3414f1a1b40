"""What the threads of grid operators' protocols need of the site and its record."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

import structlog

from siteems.clock import Clock
from siteems.demand_response.acceptance import refusal
from siteems.demand_response.baseline.compute import NoBaseline, baseline
from siteems.demand_response.baseline.recorded import recorded_days, recorded_facts
from siteems.demand_response.baseline.rules import rule_named
from siteems.demand_response.event import DrEvent
from siteems.demand_response.event_log import EventLog
from siteems.history.recorder import Recorder
from siteems.history.records import RecordError, Sample
from siteems.history.store import History
from siteems.operations.alarm_catalogue import MAINS_FAILED
from siteems.site.model import Site

log = structlog.get_logger(__name__)

KNOWN_FOR: Final = timedelta(days=2)
"""Events that ended so long ago are not recalled at a start. A server may list them for a while."""
RECALL_S: Final = 10.0
LIVE_FOR: Final = timedelta(minutes=3)
"""A sample counts as the present for so long; `recording.sample_s` is a minute by default."""


class EventFacts:
    """Reads that a thread may make at any time; each ends within `RECALL_S`."""

    def __init__(self, site: Site, clock: Clock, recorder: Recorder, rule: str) -> None:
        """`rule` names the baseline of reductions. Raises `UserError` for one that is unknown."""
        self._site, self._clock, self._recorder = site, clock, recorder
        self._rule = rule_named(rule)

    def known_events(self) -> tuple[DrEvent, ...]:
        """The newest revisions of the record, with those that were cancelled; the open ones where
        it cannot be read.
        """
        since = self._clock.now() - KNOWN_FOR

        def find(history: History) -> tuple[DrEvent, ...]:
            return EventLog(history).events_of(history.newest_event_rows(since))

        try:
            return self._recorder.read(find).result(RECALL_S)
        except (RecordError, TimeoutError) as error:
            log.error("events-not-recalled", error=str(error) or "it takes too long")
            return EventLog(self._recorder).open(self._clock.now())

    def fact(self, key: str) -> str | None:
        """A short text of the record; None where it cannot be read."""
        try:
            return self._recorder.read(lambda history: history.fact(key)).result(RECALL_S)
        except (RecordError, TimeoutError):
            return None

    def baseline_kw(self, start: datetime, end: datetime) -> float | None:
        """What the site would import without an event that it hears of now."""
        now, zone = self._clock.now(), self._site.site.zone

        def find(history: History) -> float:
            days = recorded_days(history, min(now, start), zone)
            facts = recorded_facts(history, min(now, start), zone, MAINS_FAILED.code)
            return baseline(self._rule, days, facts, start, end, now).mean_kw(start, end)

        try:
            return self._recorder.read(find).result(RECALL_S)
        except (RecordError, TimeoutError, NoBaseline, ValueError) as error:
            log.info("no-baseline", detail=str(error) or "it takes too long")
            return None

    def samples(self, since: datetime, until: datetime) -> Sequence[Sample]:
        """Recorded samples; none where the record cannot be read."""
        try:
            return self._recorder.read(lambda h: h.samples(since, until)).result(RECALL_S)
        except (RecordError, TimeoutError):
            return ()

    def live(self) -> Mapping[str, float | None]:
        """The newest sample; empty where it is too old to be the present."""
        now = self._clock.now()
        samples = self.samples(now - LIVE_FOR, now)
        return samples[-1].values if samples else {}

    def refuse(self, event: DrEvent, others: Iterable[DrEvent], now: datetime) -> str | None:
        """Why the site file does not allow an event; None where it does."""
        site = self._site
        return refusal(event, others, site.demand_response, site.battery, site.site.zone, now)
