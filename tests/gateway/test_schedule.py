"""When the daemon's jobs run: at the quarter hours of a clock that may be set at any time."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from structlog.testing import capture_logs

from siteems.clock import ManualClock
from siteems.gateway.schedule import Every, Schedule

NOON = datetime(2026, 7, 15, 12, 0, tzinfo=UTC)
SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
QUARTER = 15 * MINUTE


def runs(every: Every, clock: ManualClock, minutes: int) -> list[int]:
    """In which of the coming minutes the job is due."""
    found = []
    for minute in range(1, minutes + 1):
        clock.advance(MINUTE)
        if every.due():
            found.append(minute)
    return found


def quarters(minutes_after_noon: float = 0.0) -> tuple[Every, ManualClock]:
    clock = ManualClock(NOON + minutes_after_noon * MINUTE)
    return Every(QUARTER, timedelta(0), clock), clock


def test_each_quarter_hour_once() -> None:
    every, clock = quarters(7)
    assert not every.due(), "not in the one in progress"
    assert runs(every, clock, 60) == [8, 23, 38, 53]


def test_with_an_offset() -> None:
    clock = ManualClock(NOON)
    daily = Every(24 * HOUR, 3 * HOUR + 10 * MINUTE, clock)
    assert runs(daily, clock, 48 * 60) == [15 * 60 + 10, 39 * 60 + 10]
    assert daily.wait_s() == (15 * HOUR + 10 * MINUTE).total_seconds()


@pytest.mark.parametrize(
    ("by", "due"),
    [
        (-40 * MINUTE, [1, 3, 18]),  # 12:07 becomes 11:28, then 11:30, 11:45
        (-HOUR, [1, 8, 23]),  # 11:08, 11:15, 11:30
        (HOUR, [1, 8, 23]),  # 13:08, 13:15, 13:30
        (SECOND, [8, 23]),
        (800 * 24 * HOUR, [1, 8, 23]),
        (-20_000 * 24 * HOUR, [1, 8, 23]),
    ],
    ids=str,
)
def test_after_the_clock_was_set(by: timedelta, due: list[int]) -> None:
    """At once, and then at the quarter hours of the new time: never only when the old time is back,
    and never once for each that was passed over.
    """
    every, clock = quarters(7)
    clock.step(by)
    assert runs(every, clock, 30) == due


def test_on_a_clock_that_stands_still() -> None:
    every, clock = quarters(7)
    found = []
    for minute in range(1, 61):
        clock.advance(MINUTE)
        clock.step(-MINUTE)
        if every.due():
            found.append(minute)
    assert found == [23, 46]


async def test_the_schedule_starts_jobs_and_survives_one_that_fails() -> None:
    clock = ManualClock(NOON + 7 * MINUTE)
    started: list[str] = []

    async def good() -> None:
        started.append("good")

    async def bad() -> None:
        raise ValueError("as tested")

    async def long() -> None:
        started.append("long")
        await asyncio.sleep(60)

    schedule = Schedule(clock)
    for job in (bad, good, long):
        schedule.add(job, SECOND)
    with capture_logs() as logged:
        running = asyncio.create_task(schedule.run())
        for _ in range(3):
            clock.advance(SECOND)
            await asyncio.sleep(1.1)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    assert started.count("good") >= 2
    assert started.count("long") == 1, "not twice at a time"
    assert logged[0]["event"] == "job-failed"
