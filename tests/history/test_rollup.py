"""Roll-ups: what they hold, and that nothing is lost between a sample and its roll-up."""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from invalid_rows import SAMPLE, SAMPLES, insert
from traced_record import after_crash, trace

from siteems.history.records import (
    COUNTERS,
    EXTREMES,
    ROLLUP,
    SAMPLE_COLUMNS,
    RecordError,
    Rollup,
    Sample,
)
from siteems.history.store import History
from siteems.messages.message import Message

NOON = datetime(2026, 7, 15, 4, 0, tzinfo=UTC)
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
QUARTER_S = round(ROLLUP.total_seconds())
END = NOON + 10 * ROLLUP
ALWAYS = (datetime(2000, 1, 1, tzinfo=UTC), datetime(2099, 1, 1, tzinfo=UTC))
REASON = Message("because")

values = st.dictionaries(
    st.sampled_from(SAMPLE_COLUMNS),
    st.none() | st.floats(-1e12, 1e12) | st.sampled_from([0.0, 1e12, -1e12]),
)
seconds = st.integers(-30, 8 * QUARTER_S)
some_samples = st.dictionaries(seconds, values, max_size=40).map(
    lambda found: [sample(second, **each) for second, each in found.items()]
)


@pytest.fixture
def history(tmp_path: Path) -> Iterator[History]:
    history = History(tmp_path / "history.sqlite3")
    yield history
    history.close()


def sample(second: float = 0.0, **values: float | None) -> Sample:
    return Sample(NOON + timedelta(seconds=second), values, "plan", REASON)


def known(samples: Sequence[Sample], column: str) -> list[float]:
    found = (each.values.get(column) for each in sorted(samples, key=lambda each: each.time))
    return [value for value in found if value is not None]


def expected(samples: Sequence[Sample]) -> list[Rollup]:
    """The definition, without SQL."""
    quarters: dict[datetime, list[Sample]] = {}
    for each in samples:
        start = each.time - (each.time - ALWAYS[0]) % ROLLUP
        quarters.setdefault(start, []).append(each)
    found = []
    for start, rows in sorted(quarters.items()):
        columns = {column: known(rows, column) for column in SAMPLE_COLUMNS}
        columns = {column: each for column, each in columns.items() if each}
        extremes = [column for column in EXTREMES if column in columns]
        means = {
            column: each[-1] if column in COUNTERS else math.fsum(each) / len(each)
            for column, each in columns.items()
        }
        found.append(
            Rollup(
                start,
                len(rows),
                means,
                {column: len(each) for column, each in columns.items()},
                {column: min(columns[column]) for column in extremes},
                {column: max(columns[column]) for column in extremes},
            )
        )
    return found


def assert_same(found: Sequence[Rollup], wanted: Sequence[Rollup]) -> None:
    """Means but for rounding, of values up to 1e12; everything else exactly."""
    assert [each.time for each in found] == [each.time for each in wanted]
    for one, other in zip(found, wanted, strict=True):
        assert one.values == pytest.approx(other.values, rel=1e-9, abs=1e-2)
        assert one.values.keys() == other.values.keys()
        counters = {column: one.values.get(column) for column in COUNTERS}
        assert counters == {column: other.values.get(column) for column in COUNTERS}
        for part in ("samples", "known", "lowest", "highest"):
            assert getattr(one, part) == getattr(other, part)


def prune_all(history: History, chunk: int = 2000) -> int:
    total = 0
    while count := history.prune(END, chunk):
        total += count
    return total


def test_a_roll_up_holds_means_extremes_counts_and_the_last_counter(history: History) -> None:
    first = sample(0, grid_kw=1.0, soc=0.5, energy_import_kwh=7.0, battery_kw=-2.0, pv_kw=None)
    later = sample(60, grid_kw=-3.0, soc=0.7, energy_import_kwh=8.0)
    newest = sample(899.999, soc=0.6)
    history.add_samples([first, later, newest, sample(900, soc=0.1)])
    assert history.prune(NOON + 2 * ROLLUP) == 4
    [rollup, after] = history.rollups(*ALWAYS)
    assert rollup == Rollup(
        NOON,
        3,
        {
            "grid_kw": -1.0,
            "energy_import_kwh": 8.0,
            "battery_kw": -2.0,
            "soc": pytest.approx(0.6),
        },
        {"grid_kw": 2, "energy_import_kwh": 2, "battery_kw": 1, "soc": 3},
        {"grid_kw": -3.0, "battery_kw": -2.0, "soc": 0.5},
        {"grid_kw": 1.0, "battery_kw": -2.0, "soc": 0.7},
    )
    assert (after.time, after.samples) == (NOON + ROLLUP, 1)


def test_a_quarter_hour_in_which_nothing_was_known_shows_that_samples_were_taken(
    history: History,
) -> None:
    history.add_samples([sample(0), sample(60)])
    prune_all(history)
    assert history.rollups(*ALWAYS) == [Rollup(NOON, 2, {}, {}, {}, {})]


def test_an_unfinished_quarter_hour_stays(history: History) -> None:
    history.add_samples([sample(60 * i, soc=0.5) for i in range(30)])
    assert history.prune(NOON + 29 * MINUTE) == 15
    assert [each.time for each in history.rollups(*ALWAYS)] == [NOON]
    assert len(history.samples(*ALWAYS)) == 15


@settings(max_examples=60, deadline=None)
@given(some_samples, st.integers(1, 50))
def test_roll_ups_are_what_they_are_defined_as(samples: list[Sample], chunk: int) -> None:
    with TemporaryDirectory() as folder, closing(History(Path(folder) / "h.sqlite3")) as history:
        history.add_samples(samples)
        assert prune_all(history, chunk) == len(samples)
        assert history.samples(*ALWAYS) == []
        assert_same(history.rollups(*ALWAYS), expected(samples))
        assert history.invalid_rows(ALWAYS[0]) == {}


@settings(max_examples=60, deadline=None)
@given(some_samples, st.data())
def test_samples_that_come_after_the_roll_up_are_added_to_it(
    samples: list[Sample], data: st.DataObject
) -> None:
    """Of a counter the value that was recorded last counts."""
    at = data.draw(st.integers(0, len(samples)))
    with TemporaryDirectory() as folder, closing(History(Path(folder) / "h.sqlite3")) as history:
        for part in (samples[:at], samples[at:]):
            history.add_samples(part)
            prune_all(history)
        found, wanted = history.rollups(*ALWAYS), expected(samples)
        late = {each.time: each.values for each in expected(samples[at:])}
        for each in wanted:
            for column in COUNTERS:
                if column in late.get(each.time, {}):
                    each.values[column] = late[each.time][column]  # type: ignore[index]
                elif column in each.values:
                    early = {rollup.time: rollup.values for rollup in expected(samples[:at])}
                    each.values[column] = early[each.time][column]  # type: ignore[index]
        assert_same(found, wanted)
        assert history.invalid_rows(ALWAYS[0]) == {}


def held(history: History) -> list[Rollup]:
    """What the record holds in all: its roll-ups, and those that its samples will become."""
    with closing(sqlite3.connect(history.path)) as db:
        quarters = [ts for (ts,) in db.execute("SELECT ts FROM rollups")]
    samples = history.samples(*ALWAYS)
    sampled = {rollup.time for rollup in expected(samples)}
    rolled_up = history.rollups(*ALWAYS)
    assert len(rolled_up) == len(quarters), "none is hidden by a sample of its quarter hour"
    assert not sampled & {rollup.time for rollup in rolled_up}
    return sorted([*rolled_up, *expected(samples)], key=lambda rollup: rollup.time)


@settings(max_examples=15, deadline=None)
@given(some_samples, st.integers(1, 20))
def test_a_crash_between_any_two_statements_loses_nothing(
    samples: list[Sample], chunk: int
) -> None:
    """Also none counts twice."""
    wanted = expected(samples)
    with TemporaryDirectory() as folder, closing(History(Path(folder) / "h.sqlite3")) as history:
        history.add_samples(samples)
        crashes: list[str] = []

        def crash(statement: str) -> None:
            path = after_crash(history.path, Path(folder) / str(len(crashes)))
            with closing(History(path)) as found:
                assert_same(held(found), wanted)
                prune_all(found)
                assert_same(found.rollups(*ALWAYS), wanted)
            crashes.append(statement)

        trace(history, crash)
        history.prune(END, chunk)
        if samples:
            assert sum("INSERT INTO rollups" in each for each in crashes) == 1
            assert sum("DELETE FROM samples" in each for each in crashes) == 1


@settings(max_examples=15, deadline=None)
@given(some_samples.filter(bool), st.integers(1, 20))
def test_an_error_in_any_statement_loses_nothing(samples: list[Sample], chunk: int) -> None:
    """As on a full disk: the transaction is rolled back, and the next attempt goes on."""
    wanted = expected(samples)
    with TemporaryDirectory() as folder, closing(History(Path(folder) / "h.sqlite3")) as history:
        history.add_samples(samples)
        left = 0

        def fail(statement: str) -> None:
            nonlocal left
            left -= 1
            if left == 0 and statement != "ROLLBACK":
                raise sqlite3.OperationalError("disk I/O error")

        trace(history, fail)
        for failing in range(1, 9):
            left = failing
            try:
                history.prune(END, chunk)
            except RecordError:
                left = 0
                assert_same(held(history), wanted)
        prune_all(history)
        assert_same(history.rollups(*ALWAYS), wanted)


@pytest.mark.parametrize("wrong", SAMPLES)
def test_a_sample_that_is_not_valid_is_deleted_and_not_rolled_up(
    history: History, wrong: str
) -> None:
    history.add_samples([sample(60, soc=0.5)])
    insert(history.path, "samples", {**SAMPLE, "ts": ms(NOON), **SAMPLES[wrong]})
    prune_all(history)
    [rollup] = history.rollups(*ALWAYS)
    assert (rollup.samples, rollup.values) == (1, {"soc": 0.5})


def ms(time: datetime) -> int:
    return round(time.timestamp() * 1000)


DAMAGED = {
    "a mean as text": "soc = 'full'",
    "an infinite mean": "soc = 9e999",
    "no mean of known values": "soc = NULL",
    "a mean of no values": "grid_kw = 1.0",
    "extremes the wrong way round": "soc_min = 0.9, soc_max = 0.1",
    "no extremes": "soc_min = NULL",
    "more known values than samples": "soc_n = 99",
    "no samples": "samples = 0",
    "samples as text": "samples = 'many'",
    "not a quarter hour": "ts = ts + 1",
    "beyond all years": "ts = 4611686018427900000",
}


@pytest.mark.parametrize("damage", DAMAGED.values(), ids=DAMAGED)
def test_a_roll_up_that_is_not_valid_is_skipped_and_gives_way_to_a_new_one(
    history: History, damage: str
) -> None:
    history.add_samples([sample(0, soc=0.5), sample(900, soc=0.6)])
    prune_all(history)
    with closing(sqlite3.connect(history.path)) as db, db:
        with pytest.raises(sqlite3.IntegrityError, match="CHECK"):
            db.execute(f"UPDATE rollups SET {damage} WHERE ts = {ms(NOON)}")
        db.execute("PRAGMA ignore_check_constraints = ON")
        db.execute(f"UPDATE rollups SET {damage} WHERE ts = {ms(NOON)}")
    [rollup] = history.rollups(*ALWAYS)
    assert rollup.time == NOON + ROLLUP
    assert history.recorded_span() == (NOON + ROLLUP, NOON + ROLLUP + timedelta(milliseconds=1))
    assert history.invalid_rows(NOON) == {"rollups": 1}
    history.add_samples([sample(60, soc=0.7)])
    prune_all(history)
    assert [each.values for each in history.rollups(*ALWAYS)] == [{"soc": 0.7}, {"soc": 0.6}]


def test_roll_ups_are_read_where_samples_are_gone(history: History) -> None:
    history.add_samples([sample(60 * i, soc=0.5) for i in range(45)])
    history.prune(NOON + 2 * ROLLUP)
    history.add_samples([sample(60, soc=0.9)])
    assert [each.time for each in history.rollups(*ALWAYS)] == [NOON + ROLLUP]
    assert history.rollup_span(*ALWAYS) == (NOON + ROLLUP, NOON + 2 * ROLLUP)
    assert history.rollups(NOON, NOON + ROLLUP) == []
    assert history.rollup_span(NOON, NOON + ROLLUP) is None
    assert history.recorded_span()[0] == NOON


def test_the_file_shrinks_to_a_tenth(history: History) -> None:
    """Samples of twenty days as a daemon writes them; a roll-up is no larger than a sample."""
    columns = dict.fromkeys(SAMPLE_COLUMNS, 0.123456)
    reason = Message("reserve-reached", {"reserve_soc": 0.4})
    start = NOON - 20 * DAY
    history.add_samples(
        Sample(start + i * MINUTE, columns, "plan", reason) for i in range(20 * 24 * 60)
    )

    def size() -> int:
        history._rows("PRAGMA wal_checkpoint(TRUNCATE)")
        return history.path.stat().st_size

    before = size()
    prune_all(history)
    assert len(history.rollups(*ALWAYS)) == 20 * 96
    assert size() < 0.1 * before
    assert history._rows("PRAGMA freelist_count")[0][0] < 10


def test_a_query_of_a_span_reads_that_span_only(history: History) -> None:
    """Not all rows up to the newest: the bounds of valid times are not those of the search."""
    history.add_samples(sample(60 * i, soc=0.5) for i in range(50_000))
    steps = 0

    def count() -> None:
        nonlocal steps
        steps += 1

    history._db.set_progress_handler(count, 100)
    assert len(history.samples(NOON, NOON + ROLLUP)) == 15
    assert history.recorded_day(30, NOON + 40 * DAY) is not None
    history._db.set_progress_handler(None, 0)
    assert steps < 500, "of 100 instructions; to read all rows takes 15,000"
