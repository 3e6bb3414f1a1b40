"""DR events: what holds when, which revision counts, placing and cancelling by hand."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest

from siteems.demand_response.event import DrEvent, import_cap_kw, latest_revisions
from siteems.demand_response.event_log import MOST_OPEN, EventLog
from siteems.demand_response.manual import cancel_event, confirm, doubts_about, place_import_limit
from siteems.errors import UserError
from siteems.history.store import History
from siteems.site.model import DemandResponse

NOON = datetime(2026, 7, 15, 4, 0, tzinfo=UTC)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
MOMENT = timedelta(0)


def event(**changes: Any) -> DrEvent:
    fields: dict[str, Any] = {
        "id": "a",
        "revision": 0,
        "kind": "limit-import",
        "limit_kw": 1.5,
        "start": NOON,
        "end": NOON + HOUR,
        "source": "test",
        "created": NOON - HOUR,
    }
    return DrEvent(**(fields | changes))


@pytest.mark.parametrize("changes", [{"end": NOON}, {"end": NOON - HOUR}])
def test_an_event_lasts(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"event a ends .* before it starts"):
        event(**changes)


@pytest.mark.parametrize("limit_kw", [-0.1, math.nan, math.inf])
def test_an_event_has_a_limit(limit_kw: float) -> None:
    with pytest.raises(ValueError, match="allowed: 0 and above"):
        event(limit_kw=limit_kw)


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
    assert import_cap_kw([event()], NOON + after, lasting) == cap_kw


def test_of_several_events_the_tightest_holds() -> None:
    events = [
        event(limit_kw=2.0),
        event(id="b", limit_kw=1.0, start=NOON + 30 * MINUTE),
        event(id="c", limit_kw=3.0),
    ]
    assert import_cap_kw(events, NOON) == 2.0
    assert import_cap_kw(events, NOON + 30 * MINUTE) == 1.0
    assert import_cap_kw([], NOON) == math.inf


def test_latest_revisions_do_not_depend_on_the_order_of_messages() -> None:
    messages = [
        event(),
        event(revision=1, limit_kw=2.0),
        event(revision=2, cancelled=True),
        event(id="b", start=NOON - MINUTE),
    ]
    for order in permutations(messages):
        assert latest_revisions(order) == (messages[3],)
    assert [e.revision for e in latest_revisions(messages[:2])] == [1]


def test_events_are_listed_by_start() -> None:
    late, early = event(id="a", start=NOON + MINUTE), event(id="b")
    assert latest_revisions([late, early]) == (early, late)


@pytest.fixture
def history(tmp_path: Path) -> Iterator[History]:
    history = History(tmp_path / "history.sqlite3")
    yield history
    history.close()


class TestByHand:
    def test_a_placed_event_is_found_in_the_record(self, history: History) -> None:
        placed = place_import_limit(EventLog(history), 1.5, NOON + HOUR, 2 * HOUR, NOON, "operator")
        assert EventLog(history).open(NOON) == (placed,)
        assert (placed.limit_kw, placed.end, placed.source) == (1.5, NOON + 3 * HOUR, "operator")

    def test_two_events_have_two_ids(self, history: History) -> None:
        for _ in range(2):
            place_import_limit(EventLog(history), 1.5, NOON, HOUR, NOON, "operator")
        assert len({e.id for e in EventLog(history).open(NOON)}) == 2

    def test_an_event_may_have_begun_but_not_ended(self, history: History) -> None:
        place_import_limit(EventLog(history), 1.5, NOON - HOUR, HOUR + MINUTE, NOON, "operator")
        with pytest.raises(
            UserError, match="would already be over: it ends at 2026-07-15 04:00 UTC"
        ):
            place_import_limit(EventLog(history), 1.5, NOON - HOUR, HOUR, NOON, "operator")
        assert len(EventLog(history).open(NOON)) == 1

    def test_a_cancelled_event_ends_and_cannot_come_back(self, history: History) -> None:
        placed = place_import_limit(EventLog(history), 1.5, NOON, HOUR, NOON, "operator")
        cancelled = cancel_event(EventLog(history), placed.id, NOON + MINUTE)
        assert (cancelled.revision, cancelled.cancelled) == (1, True)
        assert EventLog(history).open(NOON) == ()
        EventLog(history).add(replace(placed, source="again"))
        assert EventLog(history).open(NOON) == ()

    def test_only_an_open_event_can_be_cancelled(self, history: History) -> None:
        with pytest.raises(UserError, match="no event 'x' is open; open: none"):
            cancel_event(EventLog(history), "x", NOON)
        placed = place_import_limit(EventLog(history), 1.5, NOON, HOUR, NOON, "operator")
        with pytest.raises(UserError, match=f"open: {placed.id}"):
            cancel_event(EventLog(history), "x", NOON)
        with pytest.raises(UserError, match="is open"):
            cancel_event(EventLog(history), placed.id, NOON + HOUR)

    @pytest.mark.parametrize(
        ("limit_kw", "start", "duration", "sentence"),
        [
            (-1.0, NOON, HOUR, "the limit is -1 kW"),
            (math.inf, NOON, HOUR, "the limit is inf kW"),
            (math.nan, NOON, HOUR, "the limit is nan kW"),
            (2e6, NOON, HOUR, "allowed: 0 to 1e"),
            (1.0, NOON, -HOUR, "lasts -1 h"),
            (1.0, NOON, MOMENT, "lasts 0 h"),
            (1.0, NOON, 9000 * HOUR, "up to a year"),
            (1.0, NOON.replace(year=9999), HOUR, "allowed: within a year"),
            (1.0, NOON.replace(year=2028), HOUR, "allowed: within a year"),
            (1.0, NOON.replace(year=1), HOUR, "already be over"),
        ],
    )
    def test_everything_is_checked_before_it_is_recorded(
        self,
        history: History,
        limit_kw: float,
        start: datetime,
        duration: timedelta,
        sentence: str,
    ) -> None:
        with pytest.raises(UserError, match=sentence):
            place_import_limit(EventLog(history), limit_kw, start, duration, NOON, "operator")
        with pytest.raises(UserError, match="who placed"):
            place_import_limit(EventLog(history), 1.0, NOON, HOUR, NOON, "")
        assert EventLog(history).open(NOON) == ()

    def test_a_site_takes_a_hundred_open_events(self, history: History) -> None:
        events = EventLog(history)
        for i in range(MOST_OPEN):
            place_import_limit(events, 1.5, NOON + i * HOUR, HOUR, NOON, "operator")
        with pytest.raises(UserError, match="100 events are open"):
            place_import_limit(events, 1.5, NOON, HOUR, NOON, "operator")
        cancel_event(events, events.open(NOON)[0].id, NOON)
        place_import_limit(events, 1.5, NOON, HOUR, NOON, "operator")


@pytest.mark.parametrize(
    ("limit_kw", "duration", "doubts"),
    [
        (1.5, HOUR, 0),
        (0.1, 24 * HOUR, 0),
        (0.0, HOUR, 1),
        (0.05, HOUR, 1),
        (1.5, 25 * HOUR, 1),
        (0.0, 60 * 24 * HOUR, 2),
    ],
)
def test_unusual_events_need_a_confirmation(
    limit_kw: float, duration: timedelta, doubts: int
) -> None:
    found = doubts_about(limit_kw, duration, DemandResponse())
    assert len(found) == doubts
    if found:
        with pytest.raises(UserError, match="--yes"):
            confirm(found)
    else:
        confirm(found)
    allowed = DemandResponse(lowest_limit_kw=0.0, longest_h=2000.0)
    assert doubts_about(limit_kw, duration, allowed) == ()
