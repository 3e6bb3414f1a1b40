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


def roll_up(history: History, now: datetime, keep: Retention) -> None:
    while prune_old(history, now, keep):
        pass


def days_rolled_up(history: History) -> int:
    rollups = history.rollups(MIDNIGHT - 10_000 * DAY, MIDNIGHT + 10_000 * DAY)
    return len({rollup.time.date() for rollup in rollups})


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


def years(history: History, days: int) -> None:
    """A sample a day, up to the last midnight."""
    add(history, *(MIDNIGHT - number * DAY for number in range(days)))


def test_what_is_deleted_was_rolled_up(history: History) -> None:
    roll_up(history, MIDNIGHT + DAY, KEEP)
    assert (days_kept(history), days_rolled_up(history)) == (DAYS, 2)


@pytest.mark.parametrize(("ahead_days", "kept"), [(0, 366), (1, 366), (300, 366), (20_000, 366)])
def test_roll_ups_are_kept_for_years_on_any_clock(
    history: History, ahead_days: int, kept: int
) -> None:
    """Days with samples and days with roll-ups together; one more while both have a part of it."""
    years(history, 800)
    keep = Retention(DAYS, 1)
    roll_up(history, MIDNIGHT + DAY / 2 + ahead_days * DAY, keep)
    assert days_kept(history) + days_rolled_up(history) in (kept, kept + 1)
    oldest, _ = history.recorded_span()
    assert MIDNIGHT - (kept + 1) * DAY < oldest <= MIDNIGHT - (kept - 1) * DAY


def test_a_record_of_few_days_keeps_its_roll_ups_however_old(history: History) -> None:
    """Days without samples do not count."""
    late = MIDNIGHT + 3000 * DAY
    add(history, *(late + days * DAY for days in range(DAYS)))
    roll_up(history, late + DAYS * DAY, Retention(DAYS, 1))
    assert (days_kept(history), days_rolled_up(history)) == (DAYS, 12)


def test_roll_ups_go_also_while_no_samples_do(history: History) -> None:
    """`keep_days` was raised: there are not so many days with samples yet."""
    years(history, 800)
    roll_up(history, MIDNIGHT, KEEP)
    assert (days_kept(history), days_rolled_up(history)) == (11, 789)
    roll_up(history, MIDNIGHT, Retention(100, 1))
    assert days_kept(history) == 11
    assert MIDNIGHT - history.recorded_span()[0] == 366 * DAY
