"""The merged timeline: caps add up to the tightest, the battery follows the highest priority."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

import pytest

from siteems.demand_response.event import DrEvent, Interval, Kind, import_cap_event
from siteems.demand_response.timeline import (
    NO_REQUESTS,
    import_cap_kw,
    requests_at,
    tightest_cap_kw,
)

NOON = datetime(2026, 7, 15, 4, 0, tzinfo=UTC)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
MOMENT = timedelta(0)


def cap(
    id_: str = "a", cap_kw: float = 1.5, start: datetime = NOON, end: datetime = NOON + HOUR
) -> DrEvent:
    return import_cap_event(id_, 0, cap_kw, start, end, "test", NOON - HOUR)


def event(
    kind: Kind,
    value: float,
    priority: int = 5,
    id_: str = "b",
    *,
    baseline_kw: float | None = None,
    placed: int = 0,
    test: bool = False,
) -> DrEvent:
    interval = Interval(NOON, NOON + HOUR, value, baseline_kw)
    created = NOON - HOUR + placed * MINUTE
    return DrEvent(
        id_, 0, kind, (interval,), "test", created, "programme", priority, test, cancelled=False
    )


@pytest.mark.parametrize(
    ("after", "lasting", "cap_kw"),
    [
        (-MINUTE, MOMENT, math.inf),
        (MOMENT, MOMENT, 1.5),
        (HOUR - MINUTE, MOMENT, 1.5),
        (HOUR, MOMENT, math.inf),
        (-15 * MINUTE, 15 * MINUTE, math.inf),  # ends where the event begins
        (-15 * MINUTE, 16 * MINUTE, 1.5),
        (HOUR - MINUTE, 15 * MINUTE, 1.5),
        (-HOUR, 4 * HOUR, 1.5),
    ],
)
def test_cap_at_the_edges(after: timedelta, lasting: timedelta, cap_kw: float) -> None:
    assert import_cap_kw([cap()], NOON + after, lasting) == cap_kw


def test_of_several_caps_the_tightest_holds() -> None:
    events = [cap(cap_kw=2.0), cap("b", 1.0, NOON + 30 * MINUTE), cap("c", 3.0)]
    assert import_cap_kw(events, NOON) == 2.0
    assert import_cap_kw(events, NOON + 30 * MINUTE) == 1.0
    assert import_cap_kw([], NOON) == math.inf


def test_an_interval_between_two_gaps() -> None:
    intervals = tuple(Interval(NOON + n * HOUR, NOON + (n + 1) * HOUR, float(n)) for n in (0, 2))
    gap = DrEvent("a", 0, "import-cap", intervals, "test", NOON)
    caps = [import_cap_kw([gap], NOON + n * HOUR) for n in range(4)]
    assert caps == [0.0, math.inf, 2.0, math.inf]
    assert import_cap_kw([gap], NOON, 3 * HOUR) == 0.0


@pytest.mark.parametrize(
    ("asked", "cap_kw"),
    [
        (event("import-cap", 2.0), 2.0),
        (event("reduction", 1.0, baseline_kw=3.5), 2.5),
        (event("reduction", 5.0, baseline_kw=3.5), 0.0),
        (event("emergency", 0.0), 0.0),
        (event("export-cap", 1.0), math.inf),
        (event("battery-power", -1.0), math.inf),
        (event("price", 3.0), math.inf),
        (event("emergency", 0.0, test=True), math.inf),
    ],
)
def test_the_import_cap_of_each_kind(asked: DrEvent, cap_kw: float) -> None:
    assert requests_at([asked], NOON).import_cap_kw == cap_kw


def test_what_is_not_a_cap() -> None:
    found = requests_at([event("export-cap", 1.0), event("price", 3.0)], NOON)
    assert (found.export_cap_kw, found.price_per_kwh, found.battery) == (1.0, 3.0, None)
    assert requests_at([event("price", 3.0)], NOON + HOUR) == NO_REQUESTS
    assert tightest_cap_kw(event("price", 3.0)) == math.inf
    assert tightest_cap_kw(event("reduction", 1.0, baseline_kw=3.5)) == 2.5


class TestOneBattery:
    def test_the_highest_priority_wins(self) -> None:
        events = [event("battery-power", 2.0, 3, "low"), event("charge-state", 0.9, 1, "high")]
        for order in (events, events[::-1]):
            found = requests_at(order, NOON)
            assert found.battery is not None
            assert (found.battery.event, found.battery.soc) == ("high", 0.9)
            assert found.battery.battery_kw is None
            assert found.overruled == ("low",)

    def test_of_two_with_one_priority_the_first_placed(self) -> None:
        events = [event("battery-power", 2.0, 1, "late", placed=1)]
        events.append(event("battery-power", -1.0, 1, "early"))
        found = requests_at(events, NOON)
        assert found.battery is not None
        assert found.battery.battery_kw == -1.0
        assert found.overruled == ("late",)

    def test_it_comes_before_a_cap_of_a_lower_priority_only(self) -> None:
        power = event("battery-power", 2.0, 3)
        for priority, before in ((2, False), (3, False), (4, True)):
            found = requests_at([power, event("import-cap", 1.0, priority, "cap")], NOON)
            assert found.battery is not None
            assert found.battery.before_caps is before
            assert found.import_cap_kw == 1.0
            assert found.overruled == ()

    def test_a_test_event_asks_for_nothing(self) -> None:
        assert requests_at([event("battery-power", 2.0, test=True)], NOON) == NO_REQUESTS
