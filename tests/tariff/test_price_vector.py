"""The file of a price vector: its column of times says what the times are, and a number that means
no value is no price.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from siteems.errors import UserError
from siteems.tariff.model import PriceVector
from siteems.tariff.price_vector import read_price_vector

SHANGHAI = ZoneInfo("Asia/Shanghai")
MIDNIGHT = datetime(2026, 7, 1, tzinfo=SHANGHAI)
HOUR = timedelta(hours=1)


def written(folder: Path, column: str, shift: timedelta, **changed: object) -> PriceVector:
    """Prices of 1 to 24 by local hour."""
    lines = [f"{column},price_per_kwh"]
    for number in range(48):
        time = MIDNIGHT + number * HOUR + shift
        lines.append(f"{time:%Y-%m-%d %H:%M},{changed.get(f'at{number}', number % 24 + 1)}")
    path = folder / "prices.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return PriceVector(file=str(path), time=column)


@pytest.mark.parametrize(
    ("column", "shift"),
    [
        ("time", timedelta(0)),
        ("time_utc", -8 * HOUR),
        ("UTC", -8 * HOUR),
        ("hour_ending", HOUR),
        ("interval_end", HOUR),
    ],
)
def test_the_name_of_the_column_says_what_its_times_are(
    tmp_path: Path, column: str, shift: timedelta
) -> None:
    prices = read_price_vector(written(tmp_path, column, shift), SHANGHAI)
    assert prices.mean(int((MIDNIGHT + 5 * HOUR).timestamp()), 1.0) == 6.0


@pytest.mark.parametrize("value", [-999, 9999, -99])
def test_a_number_that_means_no_value_is_no_price(tmp_path: Path, value: float) -> None:
    vector = written(tmp_path, "time", timedelta(0), at25=value)
    with pytest.raises(UserError, match=rf"line 27, column price_per_kwh: {value:g} is what"):
        read_price_vector(vector, SHANGHAI)


def test_an_extreme_price_among_others_is_one(tmp_path: Path) -> None:
    vector = written(tmp_path, "time", timedelta(0), at24=-500, at25=-99, at26=20_000, at27=9999)
    prices = read_price_vector(vector, SHANGHAI)
    assert prices.mean(int((MIDNIGHT + 25 * HOUR).timestamp()), 1.0) == -99.0
