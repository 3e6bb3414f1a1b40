"""The page in a real browser: it shows the site, and the console stays empty."""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

pytest.importorskip("fastapi", reason="needs fastapi")

from made_profiles import START

from siteems.config.seeds import seed_path
from siteems.history.location import history_path
from siteems.history.records import Sample
from siteems.history.store import History
from siteems.messages.message import Message
from siteems.operations.daemon_alarms import CLOCK_SET

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
HOSTILE = "Site <img src=x onerror=document.title='hacked'>"
MINUTE = timedelta(minutes=1)
VALUES = {
    "grid_kw": 2.5, "battery_kw": 1.25, "pv_kw": None, "dc_load_kw": 3.0, "ac_load_kw": 0.5,
    "soc": 0.75, "reserve_soc": 0.4, "mains_v": 230.0,
}  # fmt: skip


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """`siteems web` of a site with a hostile name, and some samples."""
    seed = seed_path("hangzhou-macro")
    seed = seed / "site.toml" if seed.is_dir() else seed
    (folder / "day.csv").write_bytes((seed.parent / "day.csv").read_bytes())
    text = seed.read_text(encoding="utf-8")
    text = text.replace('name = "Hangzhou 5G macro site (example)"', f'name = "{HOSTILE}"', 1)
    (folder / "site.toml").write_text(text, encoding="utf-8")
    history = History(history_path(folder))
    history.add_samples(
        Sample(START + n * MINUTE, VALUES, "plan", Message("held-by-plan")) for n in range(120)
    )
    history.add_alarm(CLOCK_SET.at(datetime.now(UTC) - timedelta(hours=1), by_s=7200.0))
    history.close()
    command = [sys.executable, "-m", "siteems", "web", str(folder / "site.toml")]
    process = subprocess.Popen(
        [*command, f"--state={folder}", "--port=0"], stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        found = re.search(r"http://127\.0\.0\.1:\d+/", line)
        assert found is not None, line
        yield found[0]
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(20.0)


def opened(url: str, folder: Path, *more: str) -> tuple[str, str]:
    """The page as it is after some seconds, and what the browser wrote to its console."""
    assert CHROMIUM is not None
    done = subprocess.run(
        [
            CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr",
            f"--user-data-dir={folder / 'profile'}", "--virtual-time-budget=8000", *more,
            "--dump-dom", url,
        ],
        capture_output=True, text=True, timeout=120.0, check=True,
    )  # fmt: skip
    return done.stdout, "\n".join(re.findall(r".*CONSOLE.*", done.stderr))


@pytest.mark.skipif(CHROMIUM is None, reason="needs chromium")
@pytest.mark.timeout(300)
def test_every_page_is_drawn_and_the_console_stays_empty(tmp_path: Path) -> None:
    with served(tmp_path) as url:
        expected = {
            "": ("charges 1.25 kW", "75 %", "The backup promise is kept.", "unknown"),
            "#today": ("Price per kWh", 'class="main-svg"'),
            "#alarms": ("clock-set", "What to do"),
            "#events": ("No events in the last 30 days.",),
            "#devices": ("dc_load_kw", "Measured values"),
            "#history": ("Download CSV",),
        }
        for page, texts in expected.items():
            source, console = opened(url + page, tmp_path)
            assert console == "", page
            for text in texts:
                assert text in source, (page, text)
            assert "&lt;img src=x" in source, "the name is text"
            assert "hacked" not in re.sub(r"&lt;img.*?&gt;", "", source)
            assert "The daemon is not running." in source
        source, console = opened(url, tmp_path, "--lang=zh-CN", "--accept-lang=zh-CN")
        assert console == ""
        assert "备电承诺已满足" in source
