"""What DR events ask for over the steps of a plan: states of charge and prices."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from siteems.demand_response.event import DrEvent, Interval, Kind
from siteems.planning.horizon import charge_states, event_prices
from siteems.planning.time_grid import time_grid
from siteems.tariff.schedule import Price

NOW = datetime(2026, 7, 15, 4, 0, tzinfo=UTC)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


def event(kind: Kind, *intervals: tuple[float, float, float], test: bool = False) -> DrEvent:
    """Intervals are (start in hours, end in hours, value)."""
    made = tuple(Interval(NOW + a * HOUR, NOW + b * HOUR, value) for a, b, value in intervals)
    return DrEvent("e", 0, kind, made, "test", NOW - HOUR, test=test)


def asked_at(events: list[DrEvent], now: datetime = NOW) -> dict[int, float]:
    states = charge_states(events, time_grid(now, 15, 12))
    return {int(i): float(states[i]) for i in np.flatnonzero(states)}


def test_a_state_of_charge_is_asked_for_in_the_step_in_which_its_interval_ends() -> None:
    assert asked_at([event("charge-state", (0.0, 1.0, 0.8))]) == {3: 0.8}
    assert asked_at([event("charge-state", (0.0, 1.1, 0.8))]) == {4: 0.8}
    assert asked_at([event("charge-state", (-2.0, 0.1, 0.8))]) == {0: 0.8}
    assert asked_at([event("charge-state", (1.0, 2.0, 0.8), (3.0, 4.0, 0.5))]) == {7: 0.8, 15: 0.5}


def test_the_higher_of_two_and_nothing_beyond_the_horizon_or_before_it() -> None:
    both = [event("charge-state", (0.0, 1.0, value)) for value in (0.6, 0.8)]
    assert asked_at(both) == {3: 0.8}
    assert asked_at([event("charge-state", (11.0, 12.0, 0.8))]) == {47: 0.8}
    assert asked_at([event("charge-state", (12.0, 13.0, 0.8))]) == {}
    assert asked_at([event("charge-state", (-2.0, -1.0, 0.8))]) == {}
    assert asked_at([event("charge-state", (0.0, 1.0, 0.8), test=True)]) == {}
    assert asked_at([event("battery-power", (0.0, 1.0, 2.0))]) == {}


def priced(*intervals: tuple[float, float, float], **more: bool) -> list[float]:
    """Prices of the first two hours in quarters, where the tariff's is 1."""
    grid = time_grid(NOW, 15, 2)
    prices = (Price(1.0, "flat", "made"),) * len(grid.starts)
    found = event_prices([event("price", *intervals, **more)], grid, prices)
    return [price.per_kwh for price in found]


def test_a_price_event_replaces_the_tariff() -> None:
    assert priced((0.5, 1.0, 9.0)) == [1.0, 1.0, 9.0, 9.0, 1.0, 1.0, 1.0, 1.0]
    assert priced((0.5, 1.0, 9.0), test=True) == [1.0] * 8
    assert priced((5.0, 6.0, 9.0)) == [1.0] * 8


def test_a_step_that_it_covers_in_part_has_the_mean() -> None:
    expected = [1.0, 0.8 * 1.0 + 0.2 * 6.0, 6.0, 0.4 * 6.0 + 0.6 * 1.0, 1.0, 1.0, 1.0, 1.0]
    assert priced((0.45, 0.85, 6.0)) == pytest.approx(expected)
    expected[1] = 0.4 * 1.0 + 0.4 * 11.0 + 0.2 * 6.0
    assert priced((0.35, 0.45, 11.0), (0.45, 0.85, 6.0)) == pytest.approx(expected)
