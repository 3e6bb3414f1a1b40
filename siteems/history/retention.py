"""What the housekeeping may delete from a record.

The clock alone does not decide, because it may be wrong: at least as many days are kept as the site
file says, counted in days that have samples (or roll-ups). A clock that is 800 days ahead then
deletes no more in a day than a right one.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from siteems.history.store import History

DAYS_PER_YEAR: Final = 366
"""Of the years that roll-ups are kept: so that no calendar year is cut short."""


@dataclass(frozen=True)
class Retention:
    """For how long a record is kept."""

    days: int
    """Samples, plans, commands and alarms."""
    rollup_years: int
    """Roll-ups, from the time of their samples."""


def prune_old(history: History, now: datetime, keep: Retention) -> int:
    """Roll up and delete samples that are older than `keep.days` days, and than as many days with
    samples; delete plans, commands and alarms of that age, and roll-ups that are older than
    `keep.rollup_years`; not all at once.

    Returns how many rows were deleted; 0 = there is nothing left to delete. Raises `RecordError`.
    """
    deleted, rollup_days = 0, DAYS_PER_YEAR * keep.rollup_years
    if (oldest := history.recorded_day(keep.days, now)) is not None:
        deleted += history.prune(min(oldest, now - timedelta(days=keep.days)))
    # The newest days of the record are in its samples; those before them are in its roll-ups.
    days = max(1, rollup_days - keep.days)
    if (oldest := history.recorded_day(days, now, "rollups")) is not None:
        deleted += history.prune_rollups(min(oldest, now - timedelta(days=rollup_days)))
    return deleted
