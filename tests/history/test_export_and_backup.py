"""Recorded samples as tables; copies of a record, and a record restored from one."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest
from command_line import run_command

from siteems.config.seeds import seed_path
from siteems.control.reasons import FOLLOW_PLAN
from siteems.history.location import lock
from siteems.history.ownership import SITE_FACT
from siteems.history.records import Sample
from siteems.history.store import History

SITE = seed_path("hangzhou-macro")
START = datetime(2026, 7, 1, 16, 0, tzinfo=UTC)
"""Midnight in Hangzhou."""
MINUTE = timedelta(minutes=1)
MINUTES = 3 * 24 * 60


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """Three days of samples; the PV is unknown in the first hour."""
    folder = tmp_path / "state"
    record = History(folder / "history.sqlite3")
    samples = []
    for i in range(MINUTES):
        values = {"dc_load_kw": 2.0 + 0.001 * i, "pv_kw": None if i < 60 else 1.5, "soc": 0.8}
        samples.append(Sample(START + i * MINUTE, values, "plan", FOLLOW_PLAN()))
    record.add_samples(samples)
    record.close()
    return folder


def test_csv_has_every_sample_and_unknown_is_empty(state: Path, tmp_path: Path) -> None:
    target = tmp_path / "out.csv"
    code, text, _ = run_command("history", SITE, "--state", state, "--csv", target)
    assert (code, text) == (0, f"{target}: {MINUTES} samples\n")
    frame = pd.read_csv(target)
    assert len(frame) == MINUTES
    assert frame["time"].iloc[0] == "2026-07-01T16:00:00Z"
    assert frame["pv_kw"].isna().sum() == 60
    assert frame["dc_load_kw"].iloc[-1] == pytest.approx(2.0 + 0.001 * (MINUTES - 1))
    assert set(frame["reason"]) == {"follow-plan"}
    assert frame["genset_kw"].isna().all()


def test_local_days_and_columns_in_the_order_asked(state: Path) -> None:
    span = ("--from", "2026-07-03", "--to", "2026-07-04")
    code, text, _ = run_command("history", SITE, "--state", state, *span, "--columns", "soc,pv_kw")
    lines = text.splitlines()
    assert (code, lines[0], len(lines)) == (0, "time,soc,pv_kw", 1 + 24 * 60)
    assert lines[1] == "2026-07-02T16:00:00Z,0.8,1.5"


def test_parquet_and_json_say_the_same(state: Path, tmp_path: Path) -> None:
    target = tmp_path / "out.parquet"
    assert run_command("history", SITE, "--state", state, "--parquet", target)[0] == 0
    table = pd.read_parquet(target)
    code, text, _ = run_command("history", SITE, "--state", state, "--json")
    rows = json.loads(text)
    assert (code, len(rows), len(table)) == (0, MINUTES, MINUTES)
    assert rows[0]["pv_kw"] is None
    assert [row["dc_load_kw"] for row in rows] == list(table["dc_load_kw"])
    assert datetime.fromisoformat(rows[5]["time"]) == table["time"].iloc[5]


def test_what_was_recorded_can_be_inspected_again(state: Path, tmp_path: Path) -> None:
    target = tmp_path / "out.csv"
    columns = ("--columns", "dc_load_kw,pv_kw")
    assert run_command("history", SITE, "--state", state, "--csv", target, *columns)[0] == 0
    code, text, errors = run_command("inspect", target, "--json")
    assert code == 0, errors
    assert "dc_load_kw" in text


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--columns", "soc,loda"), "--columns: 'loda' is no column; allowed: grid_kw,"),
        (("--columns", ","), "--columns: nothing is no column"),
        (
            ("--from", "2027-01-01", "--to", "2027-02-01"),
            "no samples from 2027-01-01 to 2027-02-01",
        ),
        (("--json", "--csv", "a.csv"), "--csv, --parquet and --json: only one of them"),
        (("--csv", "/nowhere/a.csv"), "/nowhere/a.csv: cannot be written"),
    ],
)
def test_what_cannot_be_written_is_one_line(
    state: Path, options: tuple[str, ...], message: str
) -> None:
    code, _, errors = run_command("history", SITE, "--state", state, *options)
    assert (code, errors.count("\n")) == (2, 1)
    assert message in errors


def test_a_backup_of_a_record_in_use_is_restored_and_the_other_kept(
    state: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "copy.sqlite3"
    with lock(state) or pytest.fail("locked"):
        record = History(state / "history.sqlite3")
        assert run_command("backup", SITE, copy, "--state", state)[0] == 0
        late = Sample(START + timedelta(days=9), {"soc": 0.5}, "plan", FOLLOW_PLAN())
        record.add_samples([late])
        refused = run_command("restore", SITE, copy, "--state", state)
        record.close()
    assert refused[0] == 2
    assert "the daemon of this site is running; stop it first" in refused[2]

    code, text, errors = run_command("restore", SITE, copy, "--state", state)
    assert code == 0, errors
    restored = History(state / "history.sqlite3", read_only=True)
    assert restored.newest_sample_time() == START + (MINUTES - 1) * MINUTE
    kept = Path(text.splitlines()[1].removeprefix("the record that was there: "))
    assert History(kept, read_only=True).newest_sample_time() == late.time


def test_a_backup_never_overwrites_and_a_restore_takes_only_a_sound_record(
    state: Path, tmp_path: Path
) -> None:
    existing = tmp_path / "existing"
    existing.write_text("precious")
    code, _, errors = run_command("backup", SITE, existing, "--state", state)
    assert (code, existing.read_text()) == (2, "precious")
    assert "exists already" in errors
    code, _, errors = run_command("restore", SITE, existing, "--state", state)
    assert code == 2
    assert "not a sound record" in errors
    torn = tmp_path / "torn"
    assert run_command("backup", SITE, torn, "--state", state)[0] == 0
    whole = torn.read_bytes()
    torn.write_bytes(whole[: len(whole) // 2])
    code, _, errors = run_command("restore", SITE, torn, "--state", state)
    assert code == 2
    assert "not a sound record" in errors
    unharmed = History(state / "history.sqlite3", read_only=True)
    assert unharmed.newest_sample_time() == START + (MINUTES - 1) * MINUTE


@pytest.mark.parametrize(
    "command",
    [("status",), ("history",), ("dr", "list"), ("devices", "prove"), ("backup",), ("restore",)],
    ids=" ".join,
)
def test_the_record_of_another_site_is_refused(
    state: Path, tmp_path: Path, command: tuple[str, ...]
) -> None:
    record = History(state / "history.sqlite3")
    record.set_fact(SITE_FACT, "neuhaus-01")
    record.copy_to(tmp_path / "copy")
    record.close()
    folder = tmp_path / "empty" if command == ("restore",) else state
    file = {"backup": [tmp_path / "new"], "restore": [tmp_path / "copy"]}.get(command[0], [])
    code, _, errors = run_command(*command, SITE, *file, "--state", folder)
    assert code == 2
    assert "the record of site neuhaus-01, not of hangzhou-macro" in errors
    assert errors.count("\n") == 1
