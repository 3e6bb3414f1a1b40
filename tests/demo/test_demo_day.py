"""`siteems demo` from end to end, and its picture in a real browser."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[subprocess.CompletedProcess[str], Path]:
    out = tmp_path_factory.mktemp("demo")
    command = [sys.executable, "-m", "siteems", "demo", "--speed", "1200", "--out", str(out)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)
    return done, out / "hangzhou-macro"


def test_the_day_ends_with_a_verdict_and_a_held_reserve(
    demo: tuple[subprocess.CompletedProcess[str], Path],
) -> None:
    done, folder = demo
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Backup reserve maintained: yes" in done.stdout
    assert "Import cap of 1.5 kW held: yes" in done.stdout
    assert str(folder / "day.html") in done.stdout.replace("\n", "")
    summary = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    assert summary["saved_cost"] > 3.0
    assert summary["saved_kwh"] < 0, "storage losses must show"
    assert summary["plans_failed"] == 0
    assert summary["plans"] >= 94
    assert summary["reserve"]["outage_used_kwh"] > 0.5
    # Between all energy at the cheapest and all at the most expensive price of the tariff.
    day = summary["siteems"]
    assert 0.3652 * day["import_kwh"] < day["energy_cost"] < 1.2318 * day["import_kwh"]


def test_the_picture_needs_no_network(demo: tuple[subprocess.CompletedProcess[str], Path]) -> None:
    page = (demo[1] / "day.html").read_text(encoding="utf-8")
    assert not re.findall(r'<(?:script|link|img)[^>]+(?:src|href)="https?://', page)


def test_a_browser_draws_the_picture(
    demo: tuple[subprocess.CompletedProcess[str], Path], tmp_path: Path
) -> None:
    browser = shutil.which("chromium")
    if browser is None:
        pytest.skip("no chromium on this machine (Debian package chromium)")
    switches = [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--timeout=15000",
        f"--user-data-dir={tmp_path}",
        "--dump-dom",
    ]
    page = demo[1] / "day.html"
    shown = subprocess.run(
        [browser, *switches, page.as_uri()], capture_output=True, text=True, timeout=60, check=False
    ).stdout
    assert shown.count("scatterlayer") >= 3, "the three pictures were not drawn"
    for text in (
        "backup reserve held",
        "1.5 kW cap held",
        "DR event: import ≤ 1.5 kW",
        "mains failed",
        "stored at 0.37",
    ):
        assert text in shown
