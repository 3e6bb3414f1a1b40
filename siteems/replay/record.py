"""The controller's record in memory: what a replay wants to know afterwards, and no more."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from siteems.demand_response.event import DrEvent
from siteems.history.records import AlarmRecord, Sample

ALARMS_KEPT = 1000


class MemoryRecord:
    """Keeps alarms and counts plans by status; samples and plans themselves are not kept."""

    def __init__(self) -> None:
        self.plans: Counter[str] = Counter()
        self.alarms: list[AlarmRecord] = []
        self.alarm_counts: Counter[str] = Counter()

    def add_samples(self, samples: Iterable[Sample]) -> None:
        """Nothing: the replay takes its series from the simulated site itself."""

    def add_plan(
        self, time: datetime, status: str, trigger: str, body: Callable[[], Mapping[str, object]]
    ) -> None:
        """Count a planning run."""
        self.plans[status] += 1

    def add_alarm(self, alarm: AlarmRecord) -> None:
        """Keep an alarm, the first thousand of them; count them all."""
        self.alarm_counts[alarm.code] += 1
        if len(self.alarms) < ALARMS_KEPT:
            self.alarms.append(alarm)

    def samples(self, since: datetime, until: datetime) -> Sequence[Sample]:
        """None: a replay begins with a site that has not been measured yet."""
        return ()

    def last_time_at(self, column: str, least: float) -> datetime | None:
        """Unknown."""
        return None

    def last_plan(self, statuses: Sequence[str]) -> dict[str, Any] | None:
        """None yet."""
        return None


class ScenarioEvents:
    """The demand-response events of a scenario."""

    def __init__(self, events: Iterable[DrEvent] = ()) -> None:
        self._events = tuple(events)

    def open(self, now: datetime) -> tuple[DrEvent, ...]:
        """The events that are in force or to come."""
        return tuple(event for event in self._events if event.end > now)
