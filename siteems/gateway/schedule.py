"""The jobs of the daemon that follow the time of day: plans, counters, housekeeping.

The daemon waits on the time that passes and looks at the clock at least once a second. So a clock
that is set back delays no job, and one that is set forward runs each job once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Final

import structlog

from siteems.clock import Clock

log = structlog.get_logger()

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
LONGEST_WAIT_S: Final = 1.0
"""Longest real wait until the clock is looked at again, so that one that is set is noticed."""
SHORTEST_WAIT_S: Final = 0.005
"""A wait may end a moment before the boundary that it waits for."""


class Every:
    """Says when a job is due that runs once in each period of the day's time.

    It is due when a period begins, or another one is entered because the clock was set; and where
    the clock stands still, when one and a half periods have passed without a run.
    """

    def __init__(self, period: timedelta, offset: timedelta, clock: Clock) -> None:
        """Periods begin at `offset` after midnight UTC and at multiples of `period` from there."""
        self._period, self._offset, self._clock = period, offset, clock
        self._number = self._period_now()
        self._ran = clock.steady()

    def due(self) -> bool:
        """Whether the job is due now; it then counts as run."""
        number, steady = self._period_now(), self._clock.steady()
        if number == self._number and steady - self._ran <= 1.5 * self._period:
            return False
        self._number, self._ran = number, steady
        return True

    def wait_s(self) -> float:
        """Seconds of this clock until the next period begins."""
        into = (self._clock.now() - EPOCH - self._offset) % self._period
        return (self._period - into).total_seconds()

    def _period_now(self) -> int:
        return (self._clock.now() - EPOCH - self._offset) // self._period


Job = Callable[[], Awaitable[None]]


class Schedule:
    """Runs jobs until it is cancelled. No job runs twice at a time, and none keeps another back."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._jobs: list[tuple[Every, Job]] = []
        self._running: dict[int, asyncio.Task[None]] = {}

    def add(self, job: Job, period: timedelta, offset: timedelta = timedelta(0)) -> None:
        """A job that runs in each period from now on, not yet in the one in progress."""
        self._jobs.append((Every(period, offset, self._clock), job))

    async def run(self) -> None:
        """Start each job when it is due."""
        try:
            while True:
                for number, (every, job) in enumerate(self._jobs):
                    if every.due():
                        self._start(number, job)
                next_s = min(every.wait_s() for every, _ in self._jobs) / self._clock.speed
                await asyncio.sleep(max(SHORTEST_WAIT_S, min(next_s, LONGEST_WAIT_S)))
        finally:
            for task in self._running.values():
                task.cancel()

    def _start(self, number: int, job: Job) -> None:
        running = self._running.get(number)
        if running is None or running.done():
            self._running[number] = asyncio.create_task(_guarded(job))


async def _guarded(job: Job) -> None:
    """A job that fails is logged; the others, and its next run, go on."""
    try:
        await job()
    except Exception:
        log.exception("job-failed")
