"""The command line as its users see it: help pages, error messages, exit codes."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import get_args

import pytest

from drivers.simulated.fault_kinds import FaultKind
from siteems.config.seeds import seed_path
from siteems.history.audit_log import AuditLog
from siteems.history.location import history_path, state_dir
from siteems.history.store import History

COMMANDS = [
    "check",
    "demo",
    "plan",
    "simulate",
    "run",
    "status",
    "dr",
    "dr limit-import",
    "dr list",
    "dr cancel",
    "dr opt-out",
    "dr opt-in",
    "bill",
    "inspect",
    "forecast-score",
    "replay",
    "replay-fleet",
    "scan",
    "fault",
    "devices list",
    "audit-log show",
    "hold",
    "audit-log verify",
    "devices show",
    "devices try",
]
HEAVY = (
    "pyomo",
    "pandas",
    "highspy",
    "pymodbus",
    "scipy",
    "plotly",
    "pvlib",
    "numpy",
    "pydantic",
    "rich",
    "structlog",
    "drivers",
    "optimisation",
)


def siteems(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "siteems", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_help_imports_nothing_heavy() -> None:
    program = (
        "import sys; sys.argv = ['siteems', '--help']\n"
        "from siteems.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        f"print([m for m in {HEAVY!r} if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_a_help_page_with_a_sentence(command: str) -> None:
    done = siteems(*command.split(), "--help")
    assert done.returncode == 0
    body = done.stdout.split("Options:")[0]
    assert body.count(".") >= 1, done.stdout
    assert "Traceback" not in done.stderr


def test_the_help_of_fault_lists_every_kind() -> None:
    page = " ".join(siteems("fault", "--help").stdout.replace("-\n", "-").split())
    listed = page.replace("- ", "-").split("Kinds: ")[1].split(".")[0].split(", ")
    assert listed == list(get_args(FaultKind))


@pytest.mark.parametrize("seed", ["hangzhou-macro", "rural-lfp"])
def test_check_summarises_a_seed(seed: str) -> None:
    done = siteems("check", str(seed_path(seed)))
    assert done.returncode == 0, done.stderr
    for text in ("Backup reserve", "free for arbitrage", "Tariff on"):
        assert text in done.stdout


BROKEN = {
    "missing key": ("rated_ah = 1000\n", "", "battery.rated_ah"),
    "typo in a nested key": ("rated_kwp = 5", "rated_kpw = 5", "rated_kwp"),
    "wrong unit": ("soc_margin = 0.05", "soc_margin = 5", "backup.soc_margin"),
    "negative capacity": ("rated_ah = 1000", "rated_ah = -1000", "battery.rated_ah = -1000"),
    "overlapping tariff periods": ('sharp = ["18:00-22:00"]', 'sharp = ["17:00-22:00"]', "17:00"),
    "unknown device map": ('map = "generic-mppt"', 'map = "generic-mptt"', "generic-mppt"),
    "two devices on one unit id": ("unit = 3", "unit = 2", "unit"),
    "reserve larger than the battery": ("hours = 3\n", "hours = 30\n", "reserve"),
    "bad time zone": ("Asia/Shanghai", "Asia/Shanghigh", "timezone"),
    "not TOML": ("[site]\n", "[site\n", "TOML"),
}


@pytest.mark.parametrize("error", BROKEN)
def test_a_broken_site_file_gives_one_line_and_exit_code_2(tmp_path: Path, error: str) -> None:
    old, new, expected = BROKEN[error]
    text = (seed_path("hangzhou-macro") / "site.toml").read_text(encoding="utf-8")
    assert old in text
    (tmp_path / "day.csv").write_bytes((seed_path("hangzhou-macro") / "day.csv").read_bytes())
    (tmp_path / "site.toml").write_text(text.replace(old, new, 1), encoding="utf-8")
    done = siteems("check", str(tmp_path / "site.toml"))
    assert done.returncode == 2, done.stdout
    assert done.stdout == ""
    [line] = done.stderr.splitlines()
    assert "site.toml" in line
    assert expected in line


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["dr", "limit-import", "1.5", "SITE"], "kW"),
        (["dr", "limit-import", "-1kW", "SITE"], "-1"),
        (["dr", "limit-import", "1.5kW", "SITE", "--for", "1 hour or so"], "duration"),
        (["dr", "limit-import", "1.5kW", "SITE", "--from", "25:00"], "time"),
        (["dr", "list", "SITE"], "siteems run"),
        (["status", "SITE"], "siteems run"),
        (["run", "SITE", "--link", "attic=tcp://127.0.0.1:1"], "attic"),
        (["run", "SITE", "--link", "cabinet=udp://x"], "tcp://"),
        (["run", "SITE", "--link", "cabinet=tcp://foo"], "must look like tcp://host:port"),
        (["simulate", "SITE", "--link", "cabinet=tcp://foo:99999"], "65535"),
        (["run", "SITE", "--clock", "no-such.json"], "clock"),
        (["simulate", "SITE", "--speed", "60"], "--clock"),
        (["demo", "SITE", "--day", "yesterday"], "YYYY-MM-DD"),
        (["bill", "SITE", "meter.csv", "--from", "2026-02-30"], "'2026-02-30' is not a date"),
        (["replay-fleet", ".", "--to", "soon"], "'soon' is not a date"),
        (["demo", "SITE", "--profile", "no-such.csv"], "no-such.csv"),
        (["check", "no-such-site.toml"], "no-such-site.toml"),
    ],
)
def test_invalid_arguments_give_a_sentence_and_exit_code_2(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], expected: str
) -> None:
    monkeypatch.setenv("SITEEMS_STATE", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    site = str(seed_path("hangzhou-macro") / "site.toml")
    done = siteems(*(site if a == "SITE" else a for a in arguments))
    assert done.returncode == 2, done.stdout + done.stderr
    assert expected in done.stderr
    assert "Traceback" not in done.stderr


def test_without_a_daemon_a_command_is_refused_and_nothing_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SITEEMS_STATE", str(tmp_path))
    site = str(seed_path("hangzhou-macro"))
    refused = siteems("dr", "limit-import", "800W", "--for", "90min", site)
    assert (refused.returncode, list(tmp_path.iterdir())) == (3, [])
    assert "siteems run" in refused.stderr

    record = History(history_path(state_dir("hangzhou-macro", None)))
    record.close()
    for arguments in (("limit-import", "800W"), ("cancel", "nothing")):
        refused = siteems("dr", *arguments, site)
        assert (refused.returncode, refused.stdout) == (3, "")
        assert "nothing was done" in refused.stderr
        assert "never started" in refused.stderr
    assert siteems("dr", "list", site).stdout.strip() == "no events"
    shown = siteems("status", "--json", site)
    assert shown.returncode == 3
    status = json.loads(shown.stdout)
    assert status["sample"] is None
    assert status["daemon"] == {
        "state": "never-started",
        "pid": None,
        "stopped": None,
        "read_only": False,
    }


def test_the_log_of_commands_is_checked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SITEEMS_STATE", str(tmp_path))
    site = str(seed_path("hangzhou-macro"))
    assert siteems("audit-log", "verify", site).returncode == 2, "there is none"
    folder = state_dir("hangzhou-macro", None)
    folder.mkdir()
    for user in ("ops", "eve"):
        AuditLog(folder).add(datetime(2026, 7, 15, tzinfo=UTC), {"user": user})
    assert "2 sound lines" in siteems("audit-log", "verify", site).stdout
    path = folder / "audit.log"
    path.write_text(path.read_text(encoding="utf-8").replace("eve", "ops"), encoding="utf-8")
    changed = siteems("audit-log", "verify", site)
    assert (changed.returncode, changed.stderr) == (1, "line 2: changed after it was written\n")
    assert siteems("audit-log", "show", site).stdout == path.read_text(encoding="utf-8")


def test_bill_by_month_and_period(tmp_path: Path) -> None:
    rows = [
        f"2026-07-{16 + h // 24}T{h % 24:02d}:00:00+08:00,{-0.5 if h == 12 else 2.0}"
        for h in range(48)
    ]
    data = tmp_path / "meter.csv"
    data.write_text("time,grid_import_kw\n" + "\n".join(rows), encoding="utf-8")
    done = siteems("bill", str(seed_path("hangzhou-macro")), str(data), "--json")
    assert done.returncode == 0
    bill = json.loads(done.stdout)
    (month,) = bill["months"]
    assert month["month"] == "2026-07"
    assert month["imported_kwh"] == 94.0
    assert month["exported_kwh"] == 0.5
    assert {line["period"]: line["kwh"] for line in month["energy"]} == {
        "sharp": 16.0, "peak": 12.0, "flat": 28.0, "valley": 38.0,
    }  # fmt: skip
    assert "1 values below 0 are exports" in done.stderr
    page = siteems("bill", str(seed_path("hangzhou-macro")), str(data), "--from=2026-07-17").stdout
    assert "1.00 days; monthly charges pro rata" in page
    assert (
        siteems("bill", str(seed_path("hangzhou-macro")), str(data), "--from=2031-01-01").returncode
        == 2
    )
