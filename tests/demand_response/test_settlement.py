"""Settlement: events worked by hand to the cent, edges of the bands, missing data, and properties
that hold for every event.
"""

from __future__ import annotations

import math
from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from siteems.demand_response.programme import Programme
from siteems.demand_response.programme_files import find_programme, known_programmes
from siteems.demand_response.settlement import settle
from siteems.demand_response.settlement_result import Settlement

NAN = math.nan
HOUR_AHEAD = find_programme("zhejiang-2021-hour-ahead")
"""4 CNY/kWh, paid from 0.8 to 1.2 of the bid, charged below 0.5 with factor 0.5, hourly."""


def shed(
    programme: Programme, bid_kw: float, reductions_kw: list[float], step_h: float = 1.0
) -> Settlement:
    """An event with these reductions of a baseline of 20.1 kW."""
    baseline = np.full(len(reductions_kw), 20.1)
    return settle(programme, bid_kw, baseline, baseline - np.array(reductions_kw), step_h)


def money(settlement: Settlement) -> list[str]:
    return [str(period.amount) for period in settlement.periods]


def bands(settlement: Settlement) -> list[str]:
    return [period.band for period in settlement.periods]


def test_event_1_in_full_over_two_hours_of_quarter_hours() -> None:
    # Bid 3.37 kW. Hour 1: mean of 3.3, 3.5, 3.4, 3.34 = 3.385 kW: 3.385 kWh x 4 = 13.54.
    # Hour 2: mean of 3.0, 3.1, 3.2, 3.03 = 3.0825 kW, 91.5 % of the bid: x 4 = 12.33.
    # Capacity: 3.37 kW x 0.25 = 0.8425, to the cent 0.84. In all 13.54 + 12.33 + 0.84 = 26.71.
    settled = shed(HOUR_AHEAD, 3.37, [3.3, 3.5, 3.4, 3.34, 3.0, 3.1, 3.2, 3.03], 0.25)
    assert money(settled) == ["13.54", "12.33"]
    assert bands(settled) == ["paid", "paid"]
    assert settled.capacity is not None
    assert settled.capacity.amount == Decimal("0.84")
    assert settled.amount == Decimal("26.71")
    assert settled.response_kwh == pytest.approx(6.4675)


def test_event_2_every_band_and_its_edges() -> None:
    # Bid 5 kW at 4 CNY/kWh. Paid from 4 kW (0.8) to 6 kW (1.2), charged below 2.5 kW (0.5).
    #   4.000000: exactly 0.8, paid 16.00        3.999999: just below, nothing
    #   6.000000: exactly 1.2, paid 24.00        6.5: above, paid as 6 kW, 24.00
    #   2.500000: exactly 0.5, nothing           2.499999: 0.000001 x 2 = 0.000002, 0.00
    #   1.25: (2.5 - 1.25) x 4 x 0.5 = 2.50      -1: (2.5 + 1) x 2 = 7.00
    settled = shed(HOUR_AHEAD, 5.0, [4.0, 3.999999, 6.0, 6.5, 6.000001, 2.5, 2.499999, 1.25, -1.0])
    assert bands(settled) == [
        "paid",
        "below",
        "paid",
        "capped",
        "capped",
        "below",
        "penalty",
        "penalty",
        "penalty",
    ]
    assert money(settled) == [
        "16.00",
        "0.00",
        "24.00",
        "24.00",
        "24.00",
        "0.00",
        "0.00",
        "-2.50",
        "-7.00",
    ]
    assert settled.payment == Decimal("88.00")
    assert settled.penalty == Decimal("9.50")
    assert settled.capacity is not None
    assert settled.capacity.amount == Decimal("1.25")
    assert settled.amount == Decimal("79.75")


def test_event_3_a_missing_quarter_hour_leaves_its_hour_unsettled() -> None:
    # Bid 3 kW. Hour 1 lacks one quarter hour: neither paid nor charged, not a reduction of 0.
    # Hour 2: 3 kWh x 4 = 12.00. Capacity: 3 kW x 0.25 = 0.75.
    settled = shed(HOUR_AHEAD, 3.0, [3.0, NAN, 3.0, 3.0, 3.0, 3.0, 3.0, 3.0], 0.25)
    first, second = settled.periods
    assert (first.band, first.missing_steps, first.amount) == ("missing", 1, Decimal(0))
    assert first.response_kw is None
    assert first.response_kwh is None
    assert first.ratio is None
    assert second.amount == Decimal("12.00")
    assert settled.missing_periods == 1
    assert settled.response_kwh == pytest.approx(3.0)
    assert settled.amount == Decimal("12.75")


def test_event_4_filling_counts_the_rise_and_the_last_period_is_half_an_hour() -> None:
    # Bid 2 kW to fill at 1.2 CNY/kWh. Hour 1: rise of 1.7 kW: 1.7 x 1.2 = 2.04. The last half hour:
    # rise of 2.5 kW, paid as 2.4 kW: 2.4 x 0.5 h x 1.2 = 1.44.
    fill = find_programme("zhejiang-2021-fill")
    metered = np.array([4.7, 4.7, 5.5])
    settled = settle(fill, 2.0, np.full(3, 3.0), metered, 0.5)
    assert money(settled) == ["2.04", "1.44"]
    assert bands(settled) == ["paid", "capped"]
    assert [period.minutes for period in settled.periods] == [60.0, 30.0]
    assert settled.capacity is None
    assert settled.amount == Decimal("3.48")


def test_event_5_a_firm_service_level_charges_what_is_imported_above_it() -> None:
    # PG&E BIP: baseline 800 kW, firm service level 500 kW, so a bid of 300 kW. The import is 500,
    # 520 and 450 kW in quarter hours: 20 kW x 0.25 h x 6 USD = 30.00 to pay. Capacity 300 x 8.
    bip = find_programme("pge-bip")
    settled = settle(bip, 300.0, np.full(3, 800.0), np.array([500.0, 520.0, 450.0]), 0.25)
    assert money(settled) == ["0.00", "-30.00", "0.00"]
    assert bands(settled) == ["paid", "penalty", "paid"]
    assert settled.amount == Decimal("2370.00")


def test_half_a_cent_is_rounded_up_once_in_each_period() -> None:
    # 1.00125 kWh x 4 = 4.005, to the cent 4.01 in each hour; rounded in the end it would be 8.01.
    settled = shed(HOUR_AHEAD, 1.0, [1.00125, 1.00125])
    assert money(settled) == ["4.01", "4.01"]
    assert settled.payment == Decimal("8.02")


def test_thirds_of_an_hour_are_exact() -> None:
    # 12 steps of 5 min, one of 1.5 kW and the others 1 kW: mean 12.5/12 kW, x 4 = 4.1666 -> 4.17.
    settled = shed(HOUR_AHEAD, 1.0, [1.5, *[1.0] * 11], 1.0 / 12.0)
    assert money(settled) == ["4.17"]
    # Exactly 0.8 of the bid as a mean of steps none of which is 0.8.
    assert bands(shed(HOUR_AHEAD, 1.0, [0.7, 0.9, 0.8], 1.0 / 3.0)) == ["paid"]


def test_noise_of_binary_fractions_does_not_move_an_edge() -> None:
    metered = np.array([0.1 + 0.2])  # 0.30000000000000004, so that the reduction is below 0.8
    settled = settle(HOUR_AHEAD, 1.0, np.array([1.1]), metered, 1.0)
    assert bands(settled) == ["paid"]


def test_capacity_by_what_was_delivered() -> None:
    # CSRP: 60 kW pledged at 18 USD. Delivered 100 % (of 72 kW no more) and 50 %: 75 %; hour 3 lacks
    # its data. 60 x 18 x 0.75 = 810.00, and of a month with two events half of it.
    csrp = find_programme("coned-csrp-reservation")
    reductions = np.array([72.0, 30.0, NAN])
    settled = settle(csrp, 60.0, np.full(3, 100.0), 100.0 - reductions, 1.0, month_share=0.5)
    assert settled.capacity is not None
    assert settled.capacity.delivered_share == 0.75
    assert settled.capacity.amount == Decimal("405.00")
    assert money(settled) == ["72.00", "30.00", "0.00"]
    unknown = settle(csrp, 60.0, np.full(1, 100.0), np.array([NAN]), 1.0)
    assert unknown.capacity is not None
    assert unknown.capacity.delivered_share is None
    assert (unknown.amount, unknown.response_kwh) == (Decimal(0), None)


def test_capacity_for_what_was_not_dispatched() -> None:
    # Hainan: 500 kW contracted, 200 kW dispatched: (500 - 200) x 0.3 = 90.00.
    hainan = find_programme("hainan-2025-contracted")
    settled = settle(hainan, 200.0, np.full(1, 900.0), np.full(1, 700.0), 1.0, contracted_kw=500.0)
    assert settled.capacity is not None
    assert (settled.capacity.paid_kw, settled.capacity.amount) == (300.0, Decimal("90.00"))
    assert settled.amount == Decimal("290.00")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"bid_kw": 0.0}, "a bid of 0 kW"),
        ({"bid_kw": NAN}, "a bid of nan kW"),
        ({"contracted_kw": 1.0}, "a bid of 2 kW of 1 kW contracted"),
        ({"month_share": 1.5}, "a share of the month of 1.5"),
        ({"metered_kw": np.zeros(3)}, "the same steps"),
        ({"metered_kw": np.array([1.0, math.inf])}, "infinite"),
        ({"step_h": 0.7}, "does not divide the settlement period of 60 min"),
        ({"step_h": 2.0}, "does not divide the settlement period of 60 min"),
        ({"step_h": 0.0}, "allowed: above 0"),
    ],
)
def test_what_cannot_be_settled_is_refused(changes: dict[str, object], message: str) -> None:
    arguments = {
        "programme": HOUR_AHEAD,
        "bid_kw": 2.0,
        "baseline_kw": np.full(2, 5.0),
        "metered_kw": np.full(2, 3.0),
        "step_h": 1.0,
    }
    with pytest.raises(ValueError, match=message):
        settle(**(arguments | changes))  # type: ignore[arg-type]


powers = st.floats(min_value=-200.0, max_value=200.0)
programmes = st.sampled_from([find_programme(name) for name in known_programmes()])


def one_period(programme: Programme, bid_kw: float, response_kw: float) -> Settlement:
    """An event of one settlement period with this response."""
    rise = response_kw if programme.direction == "fill" else -response_kw
    hours = programme.settlement_min / 60.0
    return settle(programme, bid_kw, np.zeros(1), np.array([rise]), hours)


@given(programmes, st.floats(min_value=0.01, max_value=100.0), powers, powers)
def test_more_response_never_pays_less(
    programme: Programme, bid_kw: float, one_kw: float, other_kw: float
) -> None:
    less, more = sorted((one_kw, other_kw))
    lower, higher = (one_period(programme, bid_kw, each) for each in (less, more))
    assert lower.payment <= higher.payment
    assert lower.penalty >= higher.penalty
    assert lower.amount <= higher.amount


@given(
    programmes,
    st.floats(min_value=0.01, max_value=100.0),
    st.lists(powers | st.just(NAN), min_size=1, max_size=12),
)
def test_a_period_never_pays_above_the_cap_and_totals_are_sums_of_periods(
    programme: Programme, bid_kw: float, responses_kw: list[float]
) -> None:
    programme = replace(programme, valid_high=programme.valid_high or 1.2)
    sign = 1.0 if programme.direction == "fill" else -1.0
    metered = sign * np.array(responses_kw)
    step_h = programme.settlement_min / 60.0 / 2
    settled = settle(programme, bid_kw, np.zeros(len(metered)), metered, step_h)
    assert programme.valid_high is not None
    per_hour = programme.price_per_kwh * programme.valid_high * bid_kw
    for period in settled.periods:
        assert 0 <= period.payment <= Decimal(per_hour * period.minutes / 60.0) + Decimal("0.006")
        assert period.penalty >= 0
        assert period.payment == period.payment.quantize(Decimal("0.01"))
        assert (period.band == "missing") == (period.missing_steps > 0)
        if period.band == "missing":
            assert period.amount == 0
            assert period.response_kwh is None
    capacity = Decimal(0) if settled.capacity is None else settled.capacity.amount
    assert settled.amount == sum(period.amount for period in settled.periods) + capacity
    assert settled.payment - settled.penalty == sum(period.amount for period in settled.periods)
