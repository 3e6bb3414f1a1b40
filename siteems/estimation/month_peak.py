"""The peak of grid import in this billing month, measured the way the bill measures it."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

import numpy as np

from siteems.accounting.demand import counting
from siteems.estimation.billed_demand import BilledDemand, billed_demand
from siteems.site.model import GridConnection
from siteems.tariff.schedule import TariffSchedule

COUNTER_SHARE = 0.1
"""How far the mean by the counter may be from that by samples of power. Samples miss a few percent
of what changes between them; a counter of whole kWh is off by more.
"""


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
        self._counter_kwh: float | None = None
        """The counter at the last sample."""
        self._counted_kwh = 0.0
        """What it has counted in the interval so far; NaN where it was not known."""

    def learn(self, time: datetime, grid_kw: float | None, energy_kwh: float | None = None) -> None:
        """Take one sample: the import since the sample before it, and the meter's counter of
        imported energy. Export counts as zero import.

        An unknown sample adds nothing. An interval of which less than half is known sets no peak.
        """
        billed = billed_demand(self._schedule, self._connection, time)
        if billed is None or grid_kw is None:
            return
        interval_s = 60.0 * billed.term.interval_min
        seconds = 0.0 if self._last is None else (time - self._last).total_seconds()
        self._last = time
        counted_before, self._counter_kwh = self._counter_kwh, energy_kwh
        if not 0.0 < seconds <= interval_s:
            return
        middle = time - timedelta(seconds=seconds / 2.0)
        interval = self._begin_of(middle, int(interval_s))
        if interval != self._interval:
            self._finish_interval(billed)
            self._interval, self._kws, self._seconds = interval, 0.0, 0.0
            self._counted_kwh = 0.0
        if energy_kwh is None or counted_before is None:
            self._counted_kwh = math.nan
        else:
            self._counted_kwh += energy_kwh - counted_before
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
            self._peak_kw = max(self._peak_kw, self._mean_kw())

    def _mean_kw(self) -> float:
        """Mean import of the interval that has ended: by the counter, which misses nothing between
        two samples, unless it is too coarse for that or was reset.
        """
        by_power_kw = self._kws / self._seconds
        by_counter_kw = 3600.0 * self._counted_kwh / self._seconds
        agree = abs(by_counter_kw - by_power_kw) <= COUNTER_SHARE * by_power_kw
        return by_counter_kw if agree else by_power_kw

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
