"""The controller's record in a replay: counts of plans and alarms, in memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime

from siteems.demand_response.event import DrEvent
from siteems.history.records import AlarmRecord, Sample
from siteems.planning.published_plan import USABLE


class MemoryRecord:
    """Counts plans by status and alarms by code."""

    def __init__(self) -> None:
        self.plans: Counter[str] = Counter()
        self.alarm_counts: Counter[str] = Counter()

    @property
    def failed_plans(self) -> int:
        """Planning runs that made no plan."""
        return sum(count for status, count in self.plans.items() if status not in USABLE)

    def add_samples(self, samples: Iterable[Sample]) -> None:
        """Nothing: the replay takes its series from the simulated site itself."""

    def add_plan(
        self, time: datetime, status: str, trigger: str, body: Callable[[], Mapping[str, object]]
    ) -> None:
        self.plans[status] += 1

    def add_alarm(self, alarm: AlarmRecord) -> None:
        self.alarm_counts[alarm.code] += 1

    def set_fact(self, key: str, value: str) -> None:
        """Nothing: a replay keeps nothing for another run."""


class NoEvents:
    """The event log of a site that no DR event reaches."""

    def open(self, now: datetime) -> tuple[DrEvent, ...]:
        return ()
