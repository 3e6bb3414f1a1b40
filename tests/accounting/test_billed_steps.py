"""Steps of a meter that do not fit those of prices and of billing intervals: each is split."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from siteems.accounting.billing import make_bill
from siteems.site.model import GridConnection
from siteems.tariff.model import Calendar, DemandTerm, PriceVector, TariffVersion
from siteems.tariff.schedule import TariffSchedule

SHANGHAI = ZoneInfo("Asia/Shanghai")
HUB = GridConnection(import_limit_kw=500)
MIDNIGHT = datetime(2026, 7, 1, tzinfo=SHANGHAI)
MINUTE = timedelta(minutes=1)
ALL_YEAR = tuple(range(1, 13))


def vector_schedule(folder: Path, step_min: int, prices: tuple[float, ...]) -> TariffSchedule:
    """These prices again and again, for three days."""
    lines = ["time,price_per_kwh"]
    for number in range(3 * 1440 // step_min):
        time = MIDNIGHT + number * step_min * MINUTE
        lines.append(f"{time:%Y-%m-%d %H:%M},{prices[number % len(prices)]}")
    path = folder / "prices.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    vector = PriceVector(file=str(path))
    version = TariffVersion(name="t", source="s", valid_from=date(2020, 1, 1), vector=vector)
    return TariffSchedule([version], SHANGHAI)


def energy_amount(schedule: TariffSchedule, step_min: int, kw: float, hours: int) -> Decimal:
    count = hours * 60 // step_min
    step = step_min * MINUTE
    bill = make_bill(schedule, HUB, "CNY", MIDNIGHT, step, np.full(count, kw))
    return bill.total


@pytest.mark.parametrize("step_min", [5, 10, 15, 20, 30, 60])
def test_prices_of_five_minutes_count_by_the_minute(tmp_path: Path, step_min: int) -> None:
    """They were taken at the quarter hours: 24.00."""
    schedule = vector_schedule(tmp_path, 5, (1.0, 4.0, 4.0))
    assert energy_amount(schedule, step_min, 1.0, 24) == Decimal("72.00")


def test_prices_of_ten_minutes_and_an_hourly_meter(tmp_path: Path) -> None:
    schedule = vector_schedule(tmp_path, 10, (1.0, 4.0, 4.0, 1.0, 1.0, 1.0))
    assert energy_amount(schedule, 60, 1.0, 2) == Decimal("4.00")


def test_the_mean_price_of_replayed_steps(tmp_path: Path) -> None:
    schedule = vector_schedule(tmp_path, 5, (1.0, 4.0, 4.0))
    starts = [MIDNIGHT + n * 15 * MINUTE for n in range(4)]
    assert schedule.price_series(starts, 15 * MINUTE)[0].tolist() == [3.0] * 4
    assert schedule.price_series(starts)[0].tolist() == [1.0] * 4


def demand_kw(
    step_min: float, interval_min: Literal[5, 10, 15, 30, 60], kw: dict[int, float], offset: int = 0
) -> float:
    term = DemandTerm(mode="measured", price_per_kw=1.0, interval_min=interval_min)
    version = TariffVersion(
        name="flat",
        source="s",
        valid_from=date(2020, 1, 1),
        prices={"day": 1.0},
        calendars=(Calendar(months=ALL_YEAR, periods={"day": ("00:00-24:00",)}),),
        demand=(term,),
    )
    import_kw = np.zeros(round(1440 / step_min))
    for index, value in kw.items():
        import_kw[index] = value
    bill = make_bill(
        TariffSchedule([version], SHANGHAI),
        HUB,
        "CNY",
        MIDNIGHT + offset * MINUTE,
        step_min * MINUTE,
        import_kw,
    )
    return float(bill.months[0].demand[0].measured_kw)


@pytest.mark.parametrize(
    ("step_min", "interval_min", "kw", "offset", "expected_kw"),
    [
        (10, 15, {2: 12.0}, 0, 8.0),  # 00:20 to 00:30, of which ten minutes of 00:15 to 00:30
        (10, 15, {1: 12.0}, 0, 4.0 * 2.0 - 4.0 + 0.0),  # 00:10 to 00:20: five minutes of each
        (20, 30, {2: 12.0}, 0, 8.0),  # 00:40 to 01:00
        (20, 15, {2: 12.0}, 0, 12.0),  # longer than an interval: 00:45 to 01:00 lies within
        (15, 15, {4: 12.0}, 7, 6.4),  # 01:07 to 01:22: eight minutes of the first
        (15, 15, {4: 12.0}, 0, 12.0),
        (7, 15, {2: 12.0}, 0, 12.0 * 6 / 15),  # 00:14 to 00:21
        (15, 60, {4: 12.0, 5: 12.0}, 0, 6.0),
    ],
)
def test_a_billing_interval_takes_of_each_step_what_lies_within(
    step_min: int,
    interval_min: Literal[5, 10, 15, 30, 60],
    kw: dict[int, float],
    offset: int,
    expected_kw: float,
) -> None:
    assert demand_kw(step_min, interval_min, kw, offset) == pytest.approx(expected_kw)
