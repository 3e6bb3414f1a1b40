"""A condition is raised after its on-delay and cleared after its off-delay, each once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from siteems.operations.alarm_condition import Condition

NOON = datetime(2026, 7, 15, 12, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def changes(
    on_s: int, off_s: int, observed: str, step: timedelta = SECOND
) -> list[tuple[int, str]]:
    """The changes by tick; `+` is present, `-` absent, `?` unknown, one tick a second."""
    condition = Condition(on_s * SECOND, off_s * SECOND)
    found = []
    for i, mark in enumerate(observed):
        present = {"+": True, "-": False, "?": None}[mark]
        change = condition.update(present, NOON + i * step)
        if change is not None:
            found.append((i, change))
    return found


@pytest.mark.parametrize(
    ("on_s", "off_s", "observed", "expected"),
    [
        (0, 0, "--++--", [(2, "raised"), (4, "cleared")]),
        (2, 0, "-+++", [(3, "raised")]),
        (2, 0, "-++-++-", []),
        (2, 0, "++++-+++", [(2, "raised"), (4, "cleared"), (7, "raised")]),
        (0, 2, "+--+---", [(0, "raised"), (6, "cleared")]),
        (2, 2, "+++--+---", [(2, "raised"), (8, "cleared")]),
        (2, 0, "++?++", []),
        (2, 0, "++?+++", [(5, "raised")]),
        (0, 2, "+--?--", [(0, "raised")]),
        (0, 0, "+????", [(0, "raised")]),
        (2, 0, "----", []),
    ],
)
def test_delays(on_s: int, off_s: int, observed: str, expected: list[tuple[int, str]]) -> None:
    assert changes(on_s, off_s, observed) == expected


def test_pending_while_a_delay_runs() -> None:
    condition = Condition(2 * SECOND)
    assert not condition.pending
    condition.update(True, NOON)
    assert (condition.pending, condition.active) == (True, False)
    condition.update(True, NOON + 2 * SECOND)
    assert (condition.pending, condition.active) == (False, True)


def test_a_clock_set_back_starts_the_delay_again() -> None:
    condition = Condition(2 * SECOND)
    hour = timedelta(hours=1)
    condition.update(True, NOON)
    assert condition.update(True, NOON - hour) is None
    assert condition.update(True, NOON - hour + SECOND) is None
    assert condition.update(True, NOON - hour + 2 * SECOND) == "raised"


def test_a_reset_forgets_what_was_raised() -> None:
    condition = Condition(timedelta(0), timedelta(days=1))
    assert condition.update(True, NOON) == "raised"
    assert condition.update(False, NOON + SECOND) is None
    condition.reset()
    assert not condition.active
    assert condition.update(True, NOON) == "raised"


@given(st.integers(0, 4), st.integers(0, 4), st.text("+-?", max_size=40))
def test_changes_alternate_and_each_has_lasted(on_s: int, off_s: int, observed: str) -> None:
    found = changes(on_s, off_s, observed)
    assert [change for _, change in found] == (["raised", "cleared"] * len(found))[: len(found)]
    for i, change in found:
        mark, delay = ("+", on_s) if change == "raised" else ("-", off_s)
        assert observed[i - delay : i + 1] == mark * (delay + 1)
