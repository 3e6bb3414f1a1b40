"""The month's peak at a site with made-up demand charges."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from siteems.estimation.month_peak import MonthPeak
from siteems.site.model import GridConnection
from siteems.tariff.model import Calendar, DemandTerm, TariffVersion
from siteems.tariff.schedule import TariffSchedule

ZONE = ZoneInfo("Asia/Shanghai")
MINUTE = timedelta(minutes=1)
JUNE = datetime(2026, 5, 31, 16, 0, tzinfo=UTC)  # the first of June there

MEASURED = DemandTerm(mode="measured", price_per_kw=42.0)
CONTRACT = DemandTerm(
    mode="contract", price_per_kw=42.0, over=((1.05, 2.0),), least_contract_share=0.4
)
EVENING = DemandTerm(mode="measured", name="evening", price_per_kw=10.0, hours=("18:00-20:00",))
CAPACITY = DemandTerm(mode="capacity", price_per_kw=26.3)


class DemandMeter(MonthPeak):
    """The month's peak of a site with these demand charges."""

    def __init__(self, *terms: DemandTerm, **connection: Any) -> None:
        day = Calendar(months=tuple(range(1, 13)), periods={"flat": ("00:00-24:00",)})
        tariff = TariffVersion(
            name="two-part",
            source="made",
            valid_from=date(2026, 1, 1),
            prices={"flat": 0.6},
            calendars=(day,),
            demand=terms,
        )
        self.schedule = TariffSchedule((tariff,), ZONE)
        self.connection = GridConnection(import_limit_kw=20.0, **connection)
        super().__init__(self.schedule, self.connection)


def feed(peak: DemandMeter, start: datetime, *quarters: float | None) -> datetime:
    """Five samples per quarter hour, each of the three minutes before it; returns the end."""
    for i, kw in enumerate(quarters):
        for j in range(5):
            peak.learn(start + 15 * i * MINUTE + 3 * (j + 1) * MINUTE, kw)
    return start + 15 * len(quarters) * MINUTE
