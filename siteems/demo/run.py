"""`siteems demo`: start the real processes, watch the day go by, and tell what came of it."""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path

from rich.console import Console
from rich.live import Live

from drivers.address import parse_address
from siteems.clock import FileClock
from siteems.config.local_time import local_time
from siteems.demand_response.event import DrEvent
from siteems.demand_response.event_log import EventLog
from siteems.demand_response.manual import place_import_limit
from siteems.demo.baseline import uncontrolled_day
from siteems.demo.progress import DayView
from siteems.demo.verdict import Verdict, judge
from siteems.errors import UserError
from siteems.history.location import history_path
from siteems.history.store import History
from siteems.simulation.scenario import Scenario, demo_scenario
from siteems.site.model import Site
from siteems.site.read_file import load_site

READY_WITHIN_S = 60.0
STOP_WITHIN_S = 15.0
NOTICE = timedelta(hours=1)
"""The grid operator calls this long before the event."""


def run_demo(
    site_file: Path, profile: Path | None, recorded_day: date | None, speed: float, out: Path
) -> Verdict:
    """Run the day, print the verdict, write the picture; everything goes below `out`, which is made
    anew.

    Raises `UserError` when the processes do not start or the record cannot be judged.
    """
    console = Console(highlight=False)
    site = load_site(site_file)
    folder = site_file if site_file.is_dir() else site_file.parent
    scenario = demo_scenario(site, folder, profile, recorded_day)
    work = _fresh_folder(out / site.site.id)
    clock = FileClock.create(work / "clock.json", scenario.start, speed)
    links = [
        f"--link={name}={_served_at(name, link.url, work)}" for name, link in site.links.items()
    ]
    recorded = [f"--profile={profile}"] if profile else []
    recorded += [f"--day={recorded_day}"] if recorded_day else []
    common = [str(site_file), f"--clock={clock.path}", *links]

    real_s = (scenario.end - scenario.start).total_seconds() / speed
    pace = f"at {speed:g} times real speed (about {real_s:.0f} s)"
    console.print(f"[bold]{site.site.name}[/bold]: one day, {scenario.profile.source}, {pace}")
    if profile is not None:
        console.print(
            f"The recorded day is priced with the tariff in force on {site.demo.date if site.demo else ''}."
        )
    with (
        _process("simulator", ["simulate", *common, *recorded], work),
        _process("daemon", ["run", *common, f"--state={work}"], work),
    ):
        history = History(history_path(work))
        clock.start()
        event = _watch(site, scenario, clock, history, console)
    samples = history.samples(scenario.start, scenario.end)
    verdict = judge(site, scenario, samples, uncontrolled_day(site, scenario), event, history, work)
    console.print(verdict.text())
    history.close()
    return verdict


def _watch(
    site: Site, scenario: Scenario, clock: FileClock, history: History, console: Console
) -> DrEvent | None:
    """Show the day while it passes, and place the call when its time comes."""
    view = DayView(site, scenario)
    event = None
    call_at = None
    call = site.demo.dr_event if site.demo else None
    if call is not None and site.demo is not None:
        start = local_time(call.start, site.demo.date, site.site.zone)
        call_at = max(scenario.start, start - NOTICE)
    with Live(view.render(None, ()), console=console, refresh_per_second=8, transient=True) as live:
        while (now := clock.now()) < scenario.end:
            if call is not None and call_at is not None and event is None and now >= call_at:
                event = place_import_limit(
                    EventLog(history),
                    call.limit_kw,
                    start,
                    timedelta(hours=call.hours),
                    now,
                    "demo grid operator",
                )
            live.update(
                view.render(history.last_sample(), history.alarms(scenario.start, now)[-4:])
            )
            time.sleep(0.12)
    return event


@contextmanager
def _process(name: str, arguments: Sequence[str], work: Path) -> Iterator[None]:
    """A siteems process with its log in the work folder: entered when it says it is ready, ended by
    SIGTERM.
    """
    log_path = work / f"{name}.log"
    with log_path.open("w", encoding="utf-8") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "siteems", *arguments], stdout=log, stderr=subprocess.STDOUT
        )
        try:
            _await_ready(name, process, log_path)
            yield
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(STOP_WITHIN_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _await_ready(name: str, process: subprocess.Popen[bytes], log_path: Path) -> None:
    deadline = time.monotonic() + READY_WITHIN_S
    while time.monotonic() < deadline:
        text = log_path.read_text(encoding="utf-8")
        if '"event": "ready"' in text:
            return
        if process.poll() is not None:
            words = text[-800:].strip()
            raise UserError(
                f"the {name} ended with code {process.returncode} before it was ready; its last words: {words}"
            )
        time.sleep(0.05)
    raise UserError(f"the {name} was not ready within {READY_WITHIN_S:g} s; see {log_path}")


def _fresh_folder(folder: Path) -> Path:
    """An empty folder; an earlier demo's is replaced, anything else is left alone."""
    if folder.exists():
        strangers = [
            p for p in folder.iterdir() if p.name not in OWN_FILES and p.suffix != TERMINAL
        ]
        if strangers:
            raise UserError(
                f"{folder}: holds files that no demo made ({strangers[0].name}); name another folder with --out"
            )
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    return folder


TERMINAL = ".tty"
OWN_FILES = {
    "clock.json", "simulator.log", "daemon.log", "history.sqlite3", "history.sqlite3-wal", "history.sqlite3-shm",
    "lock", "day.html", "summary.json",
}  # fmt: skip


def _served_at(name: str, url: str, work: Path) -> str:
    """Where the simulator serves a link: a free port of loopback, or a pseudo-terminal in the work
    folder.
    """
    address = parse_address(url)
    if address.is_serial:
        return f"{address.protocol}://{work.resolve() / name}{TERMINAL}?{url.partition('?')[2]}"
    return f"{address.protocol}://127.0.0.1:{_free_port()}"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
