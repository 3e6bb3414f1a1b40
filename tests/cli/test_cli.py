"""The command line as a person meets it: help, mistakes, exit codes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from siteems.config.seeds import seed_path

COMMANDS = [
    "check",
    "demo",
    "simulate",
    "run",
    "status",
    "dr",
    "dr limit-import",
    "dr list",
    "dr cancel",
    "bill",
    "inspect",
    "forecast-score",
    "replay",
    "replay-fleet",
    "scan",
    "fault",
    "devices list",
    "devices show",
]
HEAVY = (
    "pyomo",
    "pandas",
    "highspy",
    "pymodbus",
    "scipy",
    "plotly",
    "pvlib",
    "apscheduler",
    "numpy",
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
    told = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True
    )
    assert told.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_a_help_page_with_a_sentence(command: str) -> None:
    told = siteems(*command.split(), "--help")
    assert told.returncode == 0
    body = told.stdout.split("Options:")[0]
    assert body.count(".") >= 1, told.stdout
    assert "Traceback" not in told.stderr


@pytest.mark.parametrize("seed", ["hangzhou-macro", "rural-lfp"])
def test_check_tells_of_a_seed(seed: str) -> None:
    told = siteems("check", str(seed_path(seed)))
    assert told.returncode == 0, told.stderr
    for word in ("Backup reserve", "free for arbitrage", "Tariff on"):
        assert word in told.stdout


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


@pytest.mark.parametrize("mistake", BROKEN)
def test_a_broken_site_file_gives_one_line_and_exit_code_2(tmp_path: Path, mistake: str) -> None:
    old, new, word = BROKEN[mistake]
    text = (seed_path("hangzhou-macro") / "site.toml").read_text(encoding="utf-8")
    assert old in text
    (tmp_path / "day.csv").write_bytes((seed_path("hangzhou-macro") / "day.csv").read_bytes())
    (tmp_path / "site.toml").write_text(text.replace(old, new, 1), encoding="utf-8")
    told = siteems("check", str(tmp_path / "site.toml"))
    assert told.returncode == 2, told.stdout
    assert told.stdout == ""
    [line] = told.stderr.splitlines()
    assert "site.toml" in line
    assert word in line


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["dr", "limit-import", "1.5", "SITE"], "kW"),
        (["dr", "limit-import", "-1kW", "SITE"], "-1"),
        (["dr", "limit-import", "1.5kW", "SITE", "--for", "1 hour or so"], "duration"),
        (["dr", "limit-import", "1.5kW", "SITE", "--from", "25:00"], "time"),
        (["dr", "cancel", "nothing", "SITE"], "siteems run"),
        (["dr", "list", "SITE"], "siteems run"),
        (["status", "SITE"], "siteems run"),
        (["run", "SITE", "--link", "attic=tcp://127.0.0.1:1"], "attic"),
        (["run", "SITE", "--link", "cabinet=udp://x"], "tcp://"),
        (["run", "SITE", "--link", "cabinet=tcp://foo"], "must look like tcp://host:port"),
        (["simulate", "SITE", "--link", "cabinet=tcp://foo:99999"], "65535"),
        (["run", "SITE", "--clock", "no-such.json"], "clock"),
        (["simulate", "SITE", "--speed", "60"], "--clock"),
        (["demo", "SITE", "--day", "yesterday"], "YYYY-MM-DD"),
        (["demo", "SITE", "--profile", "no-such.csv"], "no-such.csv"),
        (["check", "no-such-site.toml"], "no-such-site.toml"),
    ],
)
def test_mistakes_at_the_prompt_give_a_sentence_and_exit_code_2(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], word: str
) -> None:
    monkeypatch.setenv("SITEEMS_STATE", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    site = str(seed_path("hangzhou-macro") / "site.toml")
    told = siteems(*(site if a == "SITE" else a for a in arguments))
    assert told.returncode == 2, told.stdout + told.stderr
    assert word in told.stderr
    assert "Traceback" not in told.stderr


def test_a_call_without_a_daemon_waits_in_the_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SITEEMS_STATE", str(tmp_path))
    site = str(seed_path("hangzhou-macro"))
    placed = siteems("dr", "limit-import", "800W", "--for", "90min", site)
    assert placed.returncode == 0, placed.stderr
    assert "0.8 kW" in placed.stdout
    assert "no daemon" in placed.stderr
    assert siteems("dr", "cancel", "nothing", site).stderr.startswith("no call 'nothing' is open")
    call_id = placed.stdout.split()[1].rstrip(":")
    assert call_id in siteems("dr", "list", site).stdout
    assert siteems("dr", "cancel", call_id, site).returncode == 0
    assert siteems("dr", "list", site).stdout.strip() == "no calls"
    status = json.loads(siteems("status", "--json", site).stdout)
    assert status["sample"] is None
    assert status["daemon"] == "never started"


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
    assert "1.00 days of it" in page
    assert (
        siteems("bill", str(seed_path("hangzhou-macro")), str(data), "--from=2031-01-01").returncode
        == 2
    )
