"""From the command line to the files: summary, series, and a report that needs no network."""

import gzip
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from recorded_file import written

from siteems.config.seeds import seed_path
from siteems.replay.outcome import POLICIES

SEED = seed_path("hangzhou-macro")


def siteems(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "siteems", *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.fixture(scope="module")
def replayed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("replay")
    data = written(folder / "data.csv", "2026-08-03T00:00", 48)
    done = siteems("replay", str(SEED), str(data), "--out", str(folder / "out"))
    assert done.returncode == 0, done.stderr
    assert "saving against idle" in done.stdout
    return folder / "out"


def test_the_files_hold_all_policies(replayed: Path) -> None:
    summary = json.loads((replayed / "summary.json").read_text())
    assert tuple(summary["policies"]) == POLICIES
    assert summary["days"] == 2
    for policy in summary["policies"]:
        with gzip.open(replayed / f"series-{policy}.csv.gz", "rt") as lines:
            assert len(lines.readlines()) == 1 + 2 * 96
    every = pd.read_parquet(replayed / "timeseries.parquet")
    assert every.groupby("policy").size().to_dict() == dict.fromkeys(summary["policies"], 2 * 96)
    assert {"time", "soc", "grid_import_kw", "price_per_kwh"} <= set(every.columns)


def test_the_report_needs_no_network(replayed: Path) -> None:
    page = (replayed / "report.html").read_text()
    assert not re.findall(r"<(?:script|link|img|iframe)[^>]+(?:src|href)\s*=", page)
    assert "@import" not in page
    for text in (
        "Assumptions",
        "saved compared with no control",
        "worst day",
        "reserve kept",
        "below 0 taken as 0",
    ):
        assert text in page


@pytest.mark.skipif(shutil.which("chromium") is None, reason="needs chromium")
def test_the_report_draws_itself_offline(replayed: Path) -> None:
    command = [
        "chromium",
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--host-resolver-rules=MAP * ~NOTFOUND",
        "--timeout=15000",
        "--virtual-time-budget=8000",
        "--dump-dom",
        f"file://{replayed / 'report.html'}",
    ]
    page = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout
    assert page.count("main-svg") >= 4, "every figure must have been drawn"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--policy", "best"), "--policy best: allowed are idle, rules, self-consumption"),
        (("--from", "yesterday"), "not a date"),
        (("--from", "2031-01-01"), "has no data from"),
    ],
)
def test_errors_are_one_line_and_exit_code_2(
    tmp_path: Path, options: tuple[str, ...], message: str
) -> None:
    data = written(tmp_path / "data.csv", "2026-08-03T00:00", 24)
    done = siteems("replay", str(SEED), str(data), "--out", str(tmp_path / "out"), *options)
    assert done.returncode == 2
    assert message in done.stderr
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "out").exists()
