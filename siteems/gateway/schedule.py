"""Wall-clock jobs of the daemon with APScheduler, on the clock of the site."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.base import BaseTrigger
from apscheduler.triggers.cron import CronTrigger

from siteems.clock import Clock

GRACE_S = 600
"""How late a job may still run. With the scheduler's default of one second, a planning run would be
skipped whenever the event loop is busy or the clock is adjusted.
"""


class SiteCron(BaseTrigger):  # type: ignore[misc]  # apscheduler ships no types
    """A cron trigger in site time, for a scheduler in machine time."""

    def __init__(self, clock: Clock, **fields: str | int) -> None:
        self._clock = clock
        self._cron = CronTrigger(timezone="UTC", **fields)
        self._last: datetime | None = None

    def get_next_fire_time(
        self, previous_fire_time: datetime | None, now: datetime
    ) -> datetime | None:
        """The next time to fire, in machine time."""
        site_now = self._clock.now()
        next_site = self._cron.get_next_fire_time(self._last, site_now)
        self._last = next_site
        return None if next_site is None else now + (next_site - site_now) / self._clock.speed


def make_scheduler() -> Any:
    """A scheduler in UTC. Late runs of a job are made up for once; no job runs twice at a time."""
    return AsyncIOScheduler(
        timezone="UTC",
        job_defaults={"misfire_grace_time": GRACE_S, "coalesce": True, "max_instances": 1},
    )
