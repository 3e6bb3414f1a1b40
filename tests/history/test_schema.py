"""A record of schema 2 is brought to 3, after it was copied; until then it is read as it is.

`tests/data/record-of-schema-2.sqlite3` is the record of version 0.1 (`test_former_record.py`) as
the version before roll-ups migrated it.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from invalid_rows import FORMER_EVENT, insert
from recorder_rig import wait_for
from traced_record import after_crash

from siteems.history import connection
from siteems.history.recorder import Recorder
from siteems.history.records import RecordError
from siteems.history.schema import SCHEMA_VERSION, TABLES, migrate, tables_of
from siteems.history.store import History

DATA = Path(__file__).parents[1] / "data"
SCHEMA_2 = DATA / "record-of-schema-2.sqlite3"
NOON = datetime(2026, 7, 15, 4, 0, tzinfo=UTC)
DAY = timedelta(days=1)
ALWAYS = (NOON - DAY, NOON + DAY)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return Path(shutil.copy(SCHEMA_2, tmp_path / "history.sqlite3"))


def test_a_new_record_has_the_present_version(tmp_path: Path) -> None:
    with closing(History(tmp_path / "new.sqlite3")) as history:
        assert history._rows("PRAGMA user_version") == [(SCHEMA_VERSION,)]
        assert history.rollups(*ALWAYS) == []
    assert tables_of(SCHEMA_VERSION) == tuple(TABLES)
    assert set(TABLES) - set(tables_of(2)) == {"rollups"}


def test_schema_2_is_read_as_it_is(path: Path) -> None:
    before = path.read_bytes()
    with closing(History(path, read_only=True)) as history:
        assert len(history.samples(*ALWAYS)) == 60
        assert history.rollups(*ALWAYS) == []
        assert history.rollup_span(*ALWAYS) is None
        assert history.recorded_span()[0] == history.samples(*ALWAYS)[0].time
        assert history.invalid_rows(NOON - DAY) == {}
    assert path.read_bytes() == before


def rows(path: Path) -> dict[str, list[tuple[object, ...]]]:
    with closing(sqlite3.connect(path)) as db:
        return {
            table: db.execute(f"SELECT * FROM {table}").fetchall()
            for table in ("meta", *tables_of(2))
        }


def without_events(path: Path) -> dict[str, list[tuple[object, ...]]]:
    return {table: found for table, found in rows(path).items() if table != "events"}


def test_schema_2_becomes_3_after_it_was_copied(path: Path) -> None:
    """A DR event that is not valid stays in the copy."""
    insert(path, "events", {**FORMER_EVENT, "limit_kw": -1.0})
    former, others = rows(path), without_events(path)
    with closing(History(path, read_only=True)) as history:
        assert history.invalid_rows(NOON - DAY) == {"events": 1}
    history = History(path)
    assert without_events(path) == others
    assert history.invalid_rows(NOON - DAY) == {}
    assert history.prune(NOON + DAY) > 60
    assert sum(rollup.samples for rollup in history.rollups(*ALWAYS)) == 60
    history.close()
    [copy] = path.parent.glob("history.sqlite3.before-schema-3-*Z")
    assert rows(copy) == former
    with closing(sqlite3.connect(copy)) as db:
        assert db.execute("PRAGMA user_version").fetchone() == (2,)
    History(path).close()
    assert len(list(path.parent.glob("*.before-schema-3-*"))) == 1, "only once"


def test_a_migration_that_is_cut_short_changes_nothing(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(db: sqlite3.Connection) -> None:
        migrate(db)
        after_crash(path, tmp_path / "crashed")
        raise sqlite3.OperationalError("disk full")

    monkeypatch.setattr(connection, "migrate", stop)
    former = rows(path)
    with pytest.raises(RecordError, match="disk full"):
        History(path)
    assert rows(path) == former
    assert rows(tmp_path / "crashed" / path.name) == former
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("PRAGMA user_version").fetchone() == (2,)


def test_the_daemon_reads_schema_2_before_it_migrates_it(path: Path) -> None:
    recorder = Recorder(path, lambda: NOON)
    recorder.start()
    found = recorder.read(lambda history: len(history.samples(*ALWAYS)))
    assert found.result(30) == 60
    wait_for(lambda: list(path.parent.glob("*.before-schema-3-*")))
    wait_for(lambda: recorder.read(lambda history: history._has("rollups")).result(30))
    assert recorder.close(5) == 0
    assert recorder.take_notices() == []


@pytest.mark.parametrize(
    "damage",
    [
        "DROP TABLE rollups",
        "ALTER TABLE rollups RENAME COLUMN soc_min TO soc_low",
    ],
)
def test_a_record_without_its_roll_ups_is_damaged(path: Path, damage: str) -> None:
    History(path).close()
    with closing(sqlite3.connect(path)) as db:
        db.execute(damage)
    opening: tuple[Callable[[], History], ...] = (
        lambda: History(path),
        lambda: History(path, read_only=True),
    )
    for each in opening:
        with pytest.raises(RecordError, match=r"not a record, or damaged \(tables: rollups"):
            each()
