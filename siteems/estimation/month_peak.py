"""The peak of grid import in this billing month, measured the way the bill measures it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np

from siteems.accounting.demand import counting
from siteems.estimation.billed_demand import BilledDemand, billed_demand
from siteems.site.model import GridConnection
from siteems.tariff.schedule import TariffSchedule


class MonthPeak:
    """The highest mean import of a billing interval in this local month, from samples of grid
    power.

    It follows the demand charge that `billed_demand` picks: its interval length and the hours in
    which it counts.
    """

    def __init__(self, schedule: TariffSchedule, connection: GridConnection) -> None:
        self._schedule, self._connection = schedule, connection
        self._month: tuple[int, int] | None = None
        self._peak_kw = 0.0
        self._last: datetime | None = None
        self._interval: int | None = None
        """The start of the billing interval in progress, in seconds since 1970."""
        self._kws, self._seconds = 0.0, 0.0
        """Its import so far in kWs, and for how many seconds import was known."""

    def learn(self, time: datetime, grid_kw: float | None) -> None:
        """Take one sample: the import since the sample before it. Export counts as zero import.

        An unknown sample adds nothing. An interval of which less than half is known sets no peak.
        """
        billed = billed_demand(self._schedule, self._connection, time)
        if billed is None or grid_kw is None:
            return
        interval_s = 60.0 * billed.term.interval_min
        seconds = 0.0 if self._last is None else (time - self._last).total_seconds()
        self._last = time
        if not 0.0 < seconds <= interval_s:
            return
        middle = time - timedelta(seconds=seconds / 2.0)
        interval = self._begin_of(middle, int(interval_s))
        if interval != self._interval:
            self._finish_interval(billed)
            self._interval, self._kws, self._seconds = interval, 0.0, 0.0
        self._kws += max(0.0, grid_kw) * seconds
        self._seconds += seconds

    def recall(self, time: datetime, peak_kw: float) -> None:
        """Take over a peak that had been reached by `time`, before a restart. A peak of an earlier
        month is ignored.
        """
        if self._month is not None and self._month_of(time) < self._month:
            return
        self._turn_month(time)
        self._peak_kw = max(self._peak_kw, peak_kw)

    def peak_kw(self, now: datetime) -> float:
        """The month's peak so far, without the interval in progress; 0 in a new month."""
        return self._peak_kw if self._month == self._month_of(now) else 0.0

    def _finish_interval(self, billed: BilledDemand) -> None:
        interval_s = 60 * billed.term.interval_min
        if self._interval is None or self._seconds < interval_s / 2.0:
            return
        begin_s = self._interval
        begin = np.array([begin_s], dtype=np.int64)
        if counting(billed.term, billed.version, self._schedule, begin)[0]:
            self._turn_month(datetime.fromtimestamp(begin_s, UTC))
            self._peak_kw = max(self._peak_kw, self._kws / self._seconds)

    def _begin_of(self, when: datetime, interval_s: int) -> int:
        """The start of the billing interval of an instant, on the local clock, in epoch seconds."""
        offset = when.astimezone(self._schedule.zone).utcoffset() or timedelta(0)
        shift_s = round(offset.total_seconds()) % interval_s
        return int((when.timestamp() + shift_s) // interval_s) * interval_s - shift_s

    def _turn_month(self, time: datetime) -> None:
        month = self._month_of(time)
        if month != self._month:
            self._month, self._peak_kw = month, 0.0

    def _month_of(self, time: datetime) -> tuple[int, int]:
        local = time.astimezone(self._schedule.zone)
        return local.year, local.month
