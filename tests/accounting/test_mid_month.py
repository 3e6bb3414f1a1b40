"""A tariff that changes in mid-month: demand and standing charges by the rule that it states."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Literal
from zoneinfo import ZoneInfo

import numpy as np

from siteems.accounting.bill import Bill
from siteems.accounting.billing import make_bill
from siteems.site.model import GridConnection
from siteems.tariff.model import Calendar, DemandTerm, TariffVersion
from siteems.tariff.schedule import TariffSchedule

SHANGHAI = ZoneInfo("Asia/Shanghai")
QUARTER = timedelta(minutes=15)
FLAT = TariffVersion(
    name="flat",
    source="test",
    valid_from=date(2020, 1, 1),
    prices={"day": 0.5},
    calendars=(Calendar(months=tuple(range(1, 13)), periods={"day": ("00:00-24:00",)}),),
)
HUB = GridConnection(import_limit_kw=500)


def changed_in_mid_month(rule: Literal["by-days", "last"]) -> Bill:
    """200 kW until 16 April 2026, 100 kW afterwards, with a price per kW of 30 and then of 60."""
    terms = [
        DemandTerm(mode="measured", name="demand", price_per_kw=price) for price in (30.0, 60.0)
    ]
    old = replace(FLAT, valid_to=date(2026, 4, 16), demand=(terms[0],), charge_per_month=30.0)
    new = replace(
        FLAT,
        name="new",
        valid_from=date(2026, 4, 16),
        demand=(terms[1],),
        charge_per_month=60.0,
        month_of_change=rule,
    )
    kw = np.concatenate((np.full(15 * 96, 200.0), np.full(15 * 96, 100.0)))
    start = datetime(2026, 4, 1, tzinfo=SHANGHAI)
    return make_bill(TariffSchedule([old, new], SHANGHAI), HUB, "CNY", start, QUARTER, kw)


def test_a_tariff_that_changes_in_mid_month_is_billed_by_days() -> None:
    (month,) = changed_in_mid_month("by-days").months
    assert [line.amount for line in month.demand] == [Decimal("3000.00"), Decimal("3000.00")]
    assert month.standing == Decimal("45.00")
    assert month.complete


def test_or_by_its_last_version_where_that_states_so() -> None:
    (month,) = changed_in_mid_month("last").months
    assert [line.amount for line in month.demand] == [Decimal("12000.00")]
    assert month.standing == Decimal("60.00")
