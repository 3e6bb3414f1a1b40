"""When another master on a line is reported, and when it counts as gone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from siteems.clock import ManualClock
from siteems.gateway.other_masters import FEW, OtherMasters
from siteems.history.records import AlarmRecord

NOON = datetime(2026, 7, 15, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def test_it_is_reported_once_and_is_over_after_ten_minutes_without() -> None:
    clock, alarms = ManualClock(NOON), list[AlarmRecord]()
    masters, count = OtherMasters(clock, alarms.append), 7  # what was heard before counts nothing
    for second in range(1800):
        if 100 <= second < 160 and second % 10 == 0:
            count += 1
        if second == 500:
            count += 1  # a single frame is enough to hold it
        masters.update({"cabinet": count, "meter": 0})
        clock.advance(SECOND)
    assert [(alarm.time, alarm.code) for alarm in alarms] == [
        (NOON + (100 + 10 * FEW) * SECOND, "another-master"),
        (NOON + 1160 * SECOND, "no-other-master"),
    ]


def test_a_few_frames_now_and_then_are_chance() -> None:
    clock, alarms = ManualClock(NOON), list[AlarmRecord]()
    masters, count = OtherMasters(clock, alarms.append), 0
    for second in range(3600):
        count += second % 30 == 0
        masters.update({"cabinet": count})
        clock.advance(SECOND)
    assert alarms == []
