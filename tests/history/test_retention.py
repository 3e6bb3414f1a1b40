"""What housekeeping deletes: never more than the days that the site file gives up, on any clock."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from siteems.control.reasons import FOLLOW_PLAN
from siteems.history.records import Sample
from siteems.history.retention import Retention, prune_old
from siteems.history.store import History

MIDNIGHT = datetime(2026, 7, 15, tzinfo=UTC)
DAY = timedelta(days=1)
DAYS = 10
KEEP = Retention(DAYS, 15)


@pytest.fixture
def history(tmp_path: Path) -> Iterator[History]:
    """Twelve days with two samples each, up to noon of the last one."""
    history = History(tmp_path / "history.sqlite3")
    add(
        history,
        *(MIDNIGHT - days * DAY + half for days in range(12) for half in (0 * DAY, DAY / 2)),
    )
    yield history
    history.close()


def add(history: History, *times: datetime) -> None:
    history.add_samples([Sample(time, {"soc": 0.5}, "plan", FOLLOW_PLAN()) for time in times])


def days_kept(history: History) -> int:
    samples = history.samples(MIDNIGHT - 1000 * DAY, MIDNIGHT + 10_000 * DAY)
    return len({sample.time.date() for sample in samples})


@pytest.mark.parametrize(
    ("ahead_days", "kept"),
    [(0, 11), (-1, 12), (1, 10), (2, 10), (800, 10), (3650, 10)],
)
def test_a_clock_that_is_ahead_deletes_no_more(
    history: History, ahead_days: int, kept: int
) -> None:
    """At noon of the last day, or so many days later without a sample in between."""
    prune_old(history, MIDNIGHT + DAY / 2 + ahead_days * DAY, KEEP)
    assert days_kept(history) == kept


def test_days_recorded_on_the_wrong_clock_cost_as_many_old_ones(history: History) -> None:
    wrong = MIDNIGHT + 800 * DAY
    for day in range(3):
        add(history, wrong + day * DAY)
        prune_old(history, wrong + day * DAY, KEEP)
    assert days_kept(history) == DAYS
    prune_old(history, MIDNIGHT + DAY, KEEP)
    assert days_kept(history) == DAYS, "set right: what is to come does not count, and stays"


def test_days_without_samples_do_not_count(history: History) -> None:
    add(history, MIDNIGHT + 30 * DAY)
    prune_old(history, MIDNIGHT + 30 * DAY, KEEP)
    assert days_kept(history) == DAYS


@pytest.mark.parametrize("year", [2000, 2010])
def test_a_clock_before_the_record_deletes_nothing(history: History, year: int) -> None:
    early = datetime(year, 1, 1, 12, tzinfo=UTC)
    add(history, early)
    prune_old(history, early, KEEP)
    assert days_kept(history) == 12


def test_recorded_days(history: History) -> None:
    noon = MIDNIGHT + DAY / 2
    assert history.recorded_day(1, noon) == MIDNIGHT
    assert history.recorded_day(12, noon) == MIDNIGHT - 11 * DAY
    assert history.recorded_day(13, noon) is None
