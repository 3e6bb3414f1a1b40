"""A device that holds other setpoints than it took, a few times, has another controller."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from siteems.gateway.contradictions import MOST, WITHIN, Contradictions

START = datetime(2026, 7, 15, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def driven_by_another(contradictions: Contradictions, start: datetime) -> datetime:
    for count in range(MOST):
        stands_back = contradictions.add("smu", start + count * MINUTE)
        assert stands_back == (count == MOST - 1)
    return start + (MOST - 1) * MINUTE


def test_it_stands_back_and_the_end_comes_ten_minutes_after_the_pause() -> None:
    contradictions = Contradictions()
    assert not contradictions.add("meter", START)
    now = driven_by_another(contradictions, START)
    ended = []
    for minute in range(40):
        time = now + minute * MINUTE
        assert contradictions.stands_back("smu", time) == (minute < 10)
        ended += [(minute, name) for name in contradictions.ended(time)]
    assert ended == [(19, "smu")], "minute 9 is the last of the pause"


def test_one_more_contradiction_puts_the_end_off() -> None:
    contradictions = Contradictions()
    now = driven_by_another(contradictions, START)
    for minute in range(15):
        assert contradictions.ended(now + minute * MINUTE) == []
    contradictions.add("smu", now + 15 * MINUTE)
    assert contradictions.ended(now + 20 * MINUTE) == []
    assert contradictions.ended(now + 15 * MINUTE + WITHIN) == ["smu"]
