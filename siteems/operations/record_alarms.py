"""The alarms about the record itself: it cannot be written, was replaced, lacks a span, or holds
rows that are not valid, or more open DR events than are followed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Final

from siteems.demand_response.event_log import MOST_OPEN
from siteems.history.record_file import Replaced
from siteems.history.records import AlarmRecord
from siteems.history.waiting import Gap
from siteems.history.writer import RecorderHealth
from siteems.operations import alarm_catalogue as alarms
from siteems.operations import record_alarm_types as types
from siteems.operations.alarm_condition import Condition

UNWRITTEN_S: Final = 60.0
"""Seconds of real time without a successful write until it counts: longer than a backup or another
program locks the file.
"""
AT_ONCE: Final = timedelta(0)
NAMES: Final[Mapping[str, str]] = {"events": "DR events", "incidents": "alarms"}
"""Of tables and kinds of entries that are displayed under another name."""


class RecordAlarms:
    """Looks at the recorder once per cycle, and reports what changes."""

    def __init__(self, report: Callable[[AlarmRecord], None]) -> None:
        self._report = report
        self._unwritten, self._invalid = Condition(AT_ONCE), Condition(AT_ONCE)
        self._left_out = Condition(AT_ONCE)

    def update(
        self, health: RecorderHealth, notices: Iterable[Replaced | Gap], now: datetime
    ) -> None:
        """Takes the recorder as it is now, and what has happened to it since the last update."""
        for notice in notices:
            if isinstance(notice, Gap):
                start, end = notice.start.isoformat(), notice.end.isoformat()
                lost = _counts(notice.counts)
                self._report(types.RECORD_GAP.at(now, start=start, end=end, lost=lost))
            else:
                kept = notice.kept or "nothing"
                self._report(types.RECORD_REPLACED.at(now, detail=notice.detail, kept=kept))
        change = self._unwritten.update(health.unwritten_s >= UNWRITTEN_S, now)
        if change == "raised":
            detail = health.detail or "a write takes very long"
            self._report(types.RECORD_NOT_WRITTEN.at(now, detail=detail))
        elif change == "cleared":
            self._report(types.RECORD_WRITTEN.at(now))
        change = self._invalid.update(bool(health.invalid), now)
        if change == "raised":
            self._report(types.RECORD_INVALID.at(now, rows=_counts(health.invalid)))
        elif change == "cleared":
            self._report(types.RECORD_VALID.at(now))
        change = self._left_out.update(health.open_events > MOST_OPEN, now)
        if change == "raised":
            self._report(alarms.EVENTS_LEFT_OUT.at(now, open=health.open_events, most=MOST_OPEN))
        elif change == "cleared":
            self._report(alarms.EVENTS_FOLLOWED.at(now))


def _counts(counts: Mapping[str, int]) -> str:
    """Such as `120 samples, 3 plans`."""
    return ", ".join(f"{count} {NAMES.get(name, name)}" for name, count in counts.items())
