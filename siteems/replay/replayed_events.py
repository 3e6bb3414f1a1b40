"""The event log of a replay: events become known when they were announced, and a reduction gets its
baseline then, from what the replayed site has imported until that time.

So the baseline is that of the policy itself: where arbitrage has emptied the hours of the events,
there is nothing left to reduce, as on a real meter.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from siteems.demand_response.baseline.compute import Baseline, NoBaseline, baseline
from siteems.demand_response.baseline.days import DayFacts, metered_days
from siteems.demand_response.baseline.rules import MOST_DAYS_BACK, Rule
from siteems.demand_response.event import DrEvent, Interval
from siteems.replay.event_file import AnnouncedEvent
from siteems.replay.window import INTERVAL

Array = npt.NDArray[np.float64]
SOURCE = "replay"
WINDOW = timedelta(days=MOST_DAYS_BACK + 2)


class ReplayedEvents:
    """Of one policy's run."""

    def __init__(
        self,
        announced: Sequence[AnnouncedEvent],
        rule: Rule,
        zone: ZoneInfo,
        start: datetime,
        import_kw: Callable[[], Array],
    ) -> None:
        """`import_kw` are the quarter hours that have been metered, from `start` on."""
        self._waiting = sorted(announced, key=lambda event: event.announced)
        self._rule, self._zone, self._start, self._import_kw = rule, zone, start, import_kw
        self._open: list[DrEvent] = []
        self.baselines: dict[str, Baseline] = {}
        """Of the events that have one, by id."""
        self.not_followed: dict[str, str] = {}
        """Why events are not followed, by id."""

    def open(self, now: datetime) -> tuple[DrEvent, ...]:
        """The events that are known and not over, by start."""
        while self._waiting and self._waiting[0].announced <= now:
            self._announce(self._waiting.pop(0), now)
        self._open = [event for event in self._open if event.end > now]
        return tuple(sorted(self._open, key=lambda event: (event.start, event.id)))

    def _announce(self, event: AnnouncedEvent, now: datetime) -> None:
        try:
            base = self._baseline(event, now)
        except NoBaseline as error:
            self.not_followed[event.id] = str(error)
            return
        self.baselines[event.id] = base
        mean_kw = base.mean_kw(event.start, event.end) if event.kind == "reduction" else None
        interval = Interval(event.start, event.end, event.value, mean_kw)
        self._open.append(DrEvent(event.id, 0, event.kind, (interval,), SOURCE, event.announced))

    def _baseline(self, event: AnnouncedEvent, now: datetime) -> Baseline:
        metered = self._import_kw()
        skipped = max(0, len(metered) - WINDOW // INTERVAL)
        days = metered_days(
            self._start + skipped * INTERVAL, INTERVAL, metered[skipped:], self._zone
        )
        facts = DayFacts(events=frozenset(self._event_days(event)))
        return baseline(self._rule, days, facts, event.start, event.end, min(event.announced, now))

    def _event_days(self, event: AnnouncedEvent) -> set[date]:
        """The local days of the other events that are known."""
        known = [base.start for id_, base in self.baselines.items() if id_ != event.id]
        return {start.astimezone(self._zone).date() for start in known}
