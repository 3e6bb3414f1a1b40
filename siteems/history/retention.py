"""What the housekeeping may delete from a record.

The clock alone does not decide, because it may be wrong: at least as many days are kept as the site
file says, counted in days that have samples. A clock that is 800 days ahead then deletes no more in
a day than a right one.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from siteems.history.store import History


def prune_old(history: History, now: datetime, keep_days: int) -> int:
    """Delete rows that are older than `keep_days` days, and than as many days with samples; not
    all at once.

    Returns how many rows were deleted; 0 = there is nothing left to delete. Raises `RecordError`.
    """
    oldest = history.recorded_day(keep_days, now)
    if oldest is None:
        return 0
    return history.prune(min(oldest, now - timedelta(days=keep_days)))
