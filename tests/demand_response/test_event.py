"""The neutral event: what it may be, and which revision counts."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any

import pytest

from siteems.demand_response.event import (
    MOST_INTERVALS,
    RANGES,
    DrEvent,
    Interval,
    Kind,
    latest_revisions,
)

NOON = datetime(2026, 7, 15, 4, 0, tzinfo=UTC)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


def event(**changes: Any) -> DrEvent:
    span = {"start": NOON, "end": NOON + HOUR, "value": 1.5, "baseline_kw": None}
    interval = Interval(**{key: changes.pop(key, value) for key, value in span.items()})
    fields: dict[str, Any] = {
        "id": "a",
        "revision": 0,
        "kind": "import-cap",
        "intervals": (interval,),
        "source": "test",
        "created": NOON - HOUR,
    }
    return DrEvent(**(fields | changes))


@pytest.mark.parametrize("changes", [{"end": NOON}, {"end": NOON - HOUR}])
def test_an_event_lasts(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"event a ends .* before it starts"):
        event(**changes)


@pytest.mark.parametrize("kind", RANGES)
def test_values_are_bounded_by_kind(kind: Kind) -> None:
    low, high = RANGES[kind]
    baseline_kw = 3.0 if kind == "reduction" else None
    for value in (low, high):
        assert event(kind=kind, value=value, baseline_kw=baseline_kw).intervals[0].value == value
    for value in (math.nan, math.inf, -math.inf, low - 0.1, high + 0.1):
        with pytest.raises(ValueError, match="allowed: "):
            event(kind=kind, value=value, baseline_kw=baseline_kw)


def test_a_reduction_has_its_baseline_and_no_other_kind_has_one() -> None:
    for kind, baseline_kw in (("reduction", None), ("import-cap", 3.0)):
        with pytest.raises(ValueError, match="a reduction, and nothing else, has a baseline"):
            event(kind=kind, baseline_kw=baseline_kw)
    for baseline_kw in (math.nan, math.inf, -1e7):
        with pytest.raises(ValueError, match="has a baseline of"):
            event(kind="reduction", baseline_kw=baseline_kw)


def test_intervals_follow_each_other() -> None:
    first, second = (Interval(NOON + n * HOUR, NOON + (n + 1) * HOUR, 1.0 + n) for n in range(2))
    later = Interval(NOON + 5 * HOUR, NOON + 6 * HOUR, 1.0)
    assert event(intervals=(first, second, later)).end == NOON + 6 * HOUR
    for wrong in ((second, first), (first, first), (first, later, second)):
        with pytest.raises(ValueError, match="has two intervals at"):
            event(intervals=wrong)
    with pytest.raises(ValueError, match="has 0 intervals"):
        event(intervals=())
    minutes = tuple(
        Interval(NOON + n * MINUTE, NOON + (n + 1) * MINUTE, 1.0) for n in range(MOST_INTERVALS + 1)
    )
    event(intervals=minutes[:-1])
    with pytest.raises(ValueError, match="has 1001 intervals"):
        event(intervals=minutes)


@pytest.mark.parametrize("priority", [-1, 1001])
def test_priorities_are_bounded(priority: int) -> None:
    with pytest.raises(ValueError, match="priority"):
        event(priority=priority)


def test_latest_revisions_do_not_depend_on_the_order_of_messages() -> None:
    messages = [
        event(),
        event(revision=1, value=2.0),
        event(revision=2, cancelled=True),
        event(id="b", start=NOON - MINUTE),
    ]
    for order in permutations(messages):
        assert latest_revisions(order) == (messages[3],)
    assert [e.revision for e in latest_revisions(messages[:2])] == [1]


def test_events_are_listed_by_start() -> None:
    late, early = event(id="a", start=NOON + MINUTE), event(id="b")
    assert latest_revisions([late, early]) == (early, late)
