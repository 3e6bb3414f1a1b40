"""Wall-clock jobs of the daemon with APScheduler, on whatever clock the site runs."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.base import BaseTrigger
from apscheduler.triggers.cron import CronTrigger

from siteems.clock import Clock

GRACE_S = 600
"""The scheduler's own default of one second would skip a planning run whenever the loop or the
clock jerks.
"""


class SiteCron(BaseTrigger):  # type: ignore[misc]  # apscheduler ships no types
    """A cron trigger on the site's clock: asks cron in site time and answers in the machine's."""

    def __init__(self, clock: Clock, **fields: str | int) -> None:
        self._clock = clock
        self._cron = CronTrigger(timezone="UTC", **fields)
        self._last: datetime | None = None

    def get_next_fire_time(
        self, previous_fire_time: datetime | None, now: datetime
    ) -> datetime | None:
        """When to fire next, in machine time."""
        site_now = self._clock.now()
        next_site = self._cron.get_next_fire_time(self._last, site_now)
        self._last = next_site
        return None if next_site is None else now + (next_site - site_now) / self._clock.speed


def make_scheduler() -> Any:
    """A scheduler in UTC whose jobs survive a busy loop: late runs are made up for once, never
    twice at a time.
    """
    return AsyncIOScheduler(
        timezone="UTC",
        job_defaults={"misfire_grace_time": GRACE_S, "coalesce": True, "max_instances": 1},
    )
