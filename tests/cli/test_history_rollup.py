"""`siteems history` on a record whose older samples were deleted: their roll-ups, and a note."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest
from command_line import run_command

from siteems.config.seeds import seed_path
from siteems.control.reasons import FOLLOW_PLAN
from siteems.history.records import Sample
from siteems.history.store import History

SITE = seed_path("hangzhou-macro")
START = datetime(2026, 7, 1, 16, 0, tzinfo=UTC)
"""Midnight in Hangzhou."""
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
NOTE = (
    "note  2026-07-02 00:00 to 2026-07-03 06:00: samples were deleted after recording.keep_days; "
    "means over 15 min are left of them\n"
)
ROLLED_UP = 30 * 4


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """Two days, of which the first 30 h were rolled up."""
    record = History(tmp_path / "state" / "history.sqlite3")
    record.add_samples(
        Sample(
            START + i * MINUTE,
            {"grid_kw": float(i % 15), "energy_import_kwh": 100.0 + i},
            "plan",
            FOLLOW_PLAN(),
        )
        for i in range(2 * 24 * 60)
    )
    record.prune(START + 30 * 60 * MINUTE, 10_000)
    record.close()
    return tmp_path / "state"


def test_csv_goes_on_with_roll_ups_where_samples_are_gone(state: Path, tmp_path: Path) -> None:
    code, text, messages = run_command("history", SITE, "--state", state)
    assert (code, messages) == (0, NOTE)
    frame = pd.read_csv(io.StringIO(text))
    assert len(frame) == ROLLED_UP + 18 * 60
    assert list(frame["time"][:2]) == ["2026-07-01T16:00:00Z", "2026-07-01T16:15:00Z"]
    assert list(frame["grid_kw"][:2]) == [7.0, 7.0]
    assert list(frame["energy_import_kwh"][:2]) == [114.0, 129.0]
    assert frame["source"].isna().sum() == frame["reason"].isna().sum() == ROLLED_UP
    assert frame["time"].is_monotonic_increasing
    assert "rolled_up" not in frame
    target = tmp_path / "out.csv"
    code, text, messages = run_command("history", SITE, "--state", state, "--csv", target)
    assert (code, messages) == (0, NOTE)
    assert text == f"{target}: {len(frame)} samples and means\n"


def test_a_span_that_has_its_samples_has_no_note(state: Path) -> None:
    record = History(state / "history.sqlite3")
    record.add_samples([Sample(START + 3 * DAY, {"soc": 0.5}, "plan", FOLLOW_PLAN())])
    record.close()
    code, text, messages = run_command("history", SITE, "--state", state, "--from", "2026-07-04")
    assert (code, messages) == (0, "")
    assert len(text.splitlines()) == 1 + 1


def test_json_has_a_key(state: Path) -> None:
    code, text, messages = run_command("history", SITE, "--state", state, "--json")
    rows = json.loads(text)
    assert (code, messages) == (0, NOTE)
    assert [row["rolled_up"] for row in rows] == [True] * ROLLED_UP + [False] * 18 * 60
    assert rows[0]["source"] is None
    assert rows[-1]["source"] == "plan"
    code, text, _ = run_command("history", SITE, "--state", state, "--json", "--every", "1d")
    assert [row["rolled_up"] for row in json.loads(text)] == [True, True]


def test_extremes_and_numbers_of_samples_are_columns(state: Path) -> None:
    columns = ("--columns", "grid_kw_min,grid_kw,grid_kw_max,samples")
    code, text, messages = run_command(
        "history", SITE, "--state", state, *columns, "--every", "1h", "--to", "2026-07-03"
    )
    assert code == 0
    assert messages.startswith("note  2026-07-02 00:00 to 2026-07-03 00:00: ")
    lines = text.splitlines()
    assert lines[0] == "time,grid_kw_min,grid_kw,grid_kw_max,samples,coverage"
    assert lines[1] == "2026-07-01T16:00:00Z,0.0,7.0,14.0,60,1.0"
    assert len(lines) == 1 + 24


def test_parquet_has_texts_although_the_first_days_have_none(state: Path, tmp_path: Path) -> None:
    target = tmp_path / "out.parquet"
    assert run_command("history", SITE, "--state", state, "--parquet", target)[0] == 0
    table = pd.read_parquet(target)
    assert len(table) == ROLLED_UP + 18 * 60
    assert table["source"].isna().sum() == ROLLED_UP
    assert table["source"].iloc[-1] == "plan"


def test_a_backup_keeps_them_and_a_restored_record_has_them(state: Path, tmp_path: Path) -> None:
    copy, other = tmp_path / "copy.sqlite3", tmp_path / "other"
    assert run_command("backup", SITE, copy, "--state", state)[0] == 0
    assert run_command("restore", SITE, copy, "--state", other)[0] == 0
    outputs = [run_command("history", SITE, "--state", folder) for folder in (state, other)]
    assert outputs[0] == outputs[1]
    assert outputs[0][2] == NOTE


def test_a_record_with_nothing_but_roll_ups(state: Path) -> None:
    record = History(state / "history.sqlite3")
    record.prune(START + 3 * DAY, 10_000)
    record.close()
    code, text, messages = run_command("history", SITE, "--state", state)
    assert (code, len(text.splitlines())) == (0, 1 + 2 * 96)
    assert "to 2026-07-04 00:00" in messages
