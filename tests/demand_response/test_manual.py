"""DR events that are placed and cancelled by hand."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from siteems.demand_response.event_log import MOST_OPEN, EventLog
from siteems.demand_response.manual import cancel_event, confirm, doubts_about, place_import_limit
from siteems.errors import UserError
from siteems.history.store import History
from siteems.site.demand_response import DemandResponse

NOON = datetime(2026, 7, 15, 4, 0, tzinfo=UTC)
MINUTE, HOUR, MOMENT = timedelta(minutes=1), timedelta(hours=1), timedelta(0)


@pytest.fixture
def history(tmp_path: Path) -> Iterator[History]:
    history = History(tmp_path / "history.sqlite3")
    yield history
    history.close()


class TestByHand:
    def test_a_placed_event_is_found_in_the_record(self, history: History) -> None:
        placed = place_import_limit(EventLog(history), 1.5, NOON + HOUR, 2 * HOUR, NOON, "operator")
        assert EventLog(history).open(NOON) == (placed,)
        assert (placed.intervals[0].value, placed.end, placed.source) == (
            1.5,
            NOON + 3 * HOUR,
            "operator",
        )

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
