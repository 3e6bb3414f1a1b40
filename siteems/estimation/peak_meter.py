"""The month's billed peak: measured as the bill will see it, and what the plan is to pay for going
above it.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import NamedTuple

import numpy as np

from siteems.accounting.demand import counting
from siteems.site.model import GridConnection
from siteems.tariff.lookup import TariffGap, TariffSchedule
from siteems.tariff.records import DemandTerm, TariffVersion


class BilledDemand(NamedTuple):
    """The demand charge that is planned for: what a kW above `free_kw` costs."""

    version: TariffVersion
    term: DemandTerm
    price_per_kw: float
    free_kw: float
    """Paid for in any case: the contract, with its tolerance."""


class PeakMeter:
    """Measures the highest mean import of a billing interval in this local month, from samples of
    grid power.

    Of several demand charges the dearest one is planned for. A charge on the transformer's size
    cannot be changed by a plan, so it is none.
    """

    def __init__(self, schedule: TariffSchedule, connection: GridConnection) -> None:
        self.schedule, self._connection = schedule, connection
        self._month: tuple[int, int] | None = None
        self._peak_kw = 0.0
        self._last: datetime | None = None
        self._interval: int | None = None
        self._kws, self._seconds = 0.0, 0.0

    def learn(self, time: datetime, grid_kw: float | None) -> None:
        """Take one sample of import: what flowed since the sample before it. Export counts as no
        import.

        Unknown says nothing, so that an interval of which less than half is known is no peak.
        """
        billed = self.billed(time)
        if billed is None or grid_kw is None:
            return
        interval_s = 60.0 * billed.term.interval_min
        seconds = 0.0 if self._last is None else (time - self._last).total_seconds()
        self._last = time
        if not 0.0 < seconds <= interval_s:
            return
        interval = int((time.timestamp() - seconds / 2.0) // interval_s)
        if interval != self._interval:
            self._finish(billed)
            self._interval, self._kws, self._seconds = interval, 0.0, 0.0
        self._kws += max(0.0, grid_kw) * seconds
        self._seconds += seconds

    def known(self, time: datetime, peak_kw: float) -> None:
        """Take up a peak that was measured by `time`, before a restart; one of an earlier month is
        over.
        """
        if self._month is not None and self._month_of(time) < self._month:
            return
        self._turn_month(time)
        self._peak_kw = max(self._peak_kw, peak_kw)

    def peak_kw(self, now: datetime) -> float:
        """The month's peak so far, without the interval that is under way; 0 in a new month."""
        return self._peak_kw if self._month == self._month_of(now) else 0.0

    def _finish(self, billed: BilledDemand) -> None:
        """The interval that was under way is over."""
        interval_s = 60 * billed.term.interval_min
        if self._interval is None or self._seconds < interval_s / 2.0:
            return
        begin_s = self._interval * interval_s
        if counting(
            billed.term, billed.version, self.schedule, np.array([begin_s], dtype=np.int64)
        )[0]:
            self._turn_month(datetime.fromtimestamp(begin_s, UTC))
            self._peak_kw = max(self._peak_kw, self._kws / self._seconds)

    def _turn_month(self, time: datetime) -> None:
        month = self._month_of(time)
        if month != self._month:
            self._month, self._peak_kw = month, 0.0

    def billed(self, when: datetime) -> BilledDemand | None:
        """The demand charge of that local day that a plan can change; none where there is none."""
        try:
            version = self.schedule.version(when.astimezone(self.schedule.zone).date())
        except TariffGap:
            return None
        found = [
            billed
            for term in version.demand
            if (billed := self._of_term(version, term)) is not None
        ]
        return max(found, key=lambda billed: billed.price_per_kw, default=None)

    def _of_term(self, version: TariffVersion, term: DemandTerm) -> BilledDemand | None:
        if term.mode == "measured":
            return BilledDemand(version, term, term.price_per_kw, 0.0)
        if term.mode == "contract" and term.over:
            least_kw = term.least_contract_share * (self._connection.transformer_kva or 0.0)
            share, multiple = term.over[0]
            free_kw = share * max(self._connection.contract_kw or 0.0, least_kw)
            return BilledDemand(version, term, multiple * term.price_per_kw, free_kw)
        return None

    def _month_of(self, time: datetime) -> tuple[int, int]:
        local = time.astimezone(self.schedule.zone)
        return local.year, local.month
