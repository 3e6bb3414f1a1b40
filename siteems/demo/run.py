"""`siteems demo`: run the real processes through one day, show it, and judge it."""

from __future__ import annotations

import shutil
import socket
import time
from datetime import date, timedelta
from pathlib import Path

from rich.console import Console
from rich.live import Live

from drivers.address import parse_address
from siteems.clock import FileClock
from siteems.config.local_time import local_time
from siteems.demand_response.event import DrEvent
from siteems.demand_response.event_text import event_from_dict
from siteems.demo.idle_day import idle_day
from siteems.demo.processes import siteems_process
from siteems.demo.progress import DayView
from siteems.demo.verdict import Verdict, judge
from siteems.demo.verdict_text import as_text
from siteems.errors import UserError
from siteems.history.location import history_path
from siteems.history.store import History
from siteems.operations.command_channel import SOCKET_NAME, send
from siteems.simulation.scenario import Scenario, demo_scenario
from siteems.site.model import Site
from siteems.site.read_file import load_site

NOTICE = timedelta(hours=1)
"""The DR event is announced this long before it begins."""
REFRESH_S = 0.12
"""Between two looks at the record; at 600 times real speed a day is drawn in about 1200 frames."""
TERMINAL = ".tty"
OWN_FILES = {
    "clock.json",
    "simulator.log",
    "daemon.log",
    "history.sqlite3",
    "history.sqlite3-wal",
    "history.sqlite3-shm",
    "lock",
    "audit.log",
    SOCKET_NAME,
    "day.html",
    "summary.json",
}
"""What a demo leaves in its folder, beside the pseudo-terminals of serial links."""


def run_demo(
    site_file: Path, profile: Path | None, recorded_day: date | None, speed: float, out: Path
) -> Verdict:
    """Run the day, print the verdict, write the picture.

    Everything is written to a folder below `out`, which is made anew. Raises `UserError` when the
    processes do not start or the record cannot be judged.
    """
    console = Console(highlight=False)
    site = load_site(site_file)
    folder = site_file if site_file.is_dir() else site_file.parent
    scenario = demo_scenario(site, folder, profile, recorded_day)
    work = _fresh_folder(out / site.site.id)
    clock = FileClock.create(work / "clock.json", scenario.start, speed)
    links = [
        f"--link={name}={served_at(name, link.url, work)}" for name, link in site.links.items()
    ]
    recorded = [f"--profile={profile}"] if profile else []
    recorded += [f"--day={recorded_day}"] if recorded_day else []
    common = [str(site_file), f"--clock={clock.path}", *links]

    real_s = (scenario.end - scenario.start).total_seconds() / speed
    pace = f"at {speed:g} times real speed (about {real_s:.0f} s)"
    console.print(f"[bold]{site.site.name}[/bold]: one day, {scenario.profile.source}, {pace}")
    if profile is not None and site.demo is not None:
        console.print(f"The recorded day is priced with the tariff in force on {site.demo.date}.")
    with (
        siteems_process("simulator", ["simulate", *common, *recorded], work),
        siteems_process("daemon", ["run", *common, f"--state={work}"], work),
    ):
        history = History(history_path(work))
        clock.start()
        event = _follow_day(site, scenario, clock, history, console)
    samples = history.samples(scenario.start, scenario.end)
    verdict = judge(site, scenario, samples, idle_day(site, scenario), event, history, work)
    console.print(as_text(verdict))
    history.close()
    return verdict


def _follow_day(
    site: Site, scenario: Scenario, clock: FileClock, history: History, console: Console
) -> DrEvent | None:
    """Show the day while it passes, and announce its DR event, which is returned."""
    view = DayView(site, scenario)
    event = None
    planned = site.demo.dr_event if site.demo else None
    if planned is not None and site.demo is not None:
        start = local_time(planned.start, site.demo.date, site.site.zone)
        announced = max(scenario.start, start - NOTICE)
    with Live(view.render(None, ()), console=console, refresh_per_second=8, transient=True) as live:
        while (now := clock.now()) < scenario.end:
            if planned is not None and event is None and now >= announced:
                arguments = {
                    "limit_kw": planned.limit_kw,
                    "start": start.isoformat(),
                    "duration_s": 3600.0 * planned.hours,
                    "confirmed": True,
                }
                folder = history.path.parent
                event = event_from_dict(send(folder, "dr-limit-import", arguments))
            latest_alarms = history.alarms(scenario.start, now)[-4:]
            live.update(view.render(history.last_sample(), latest_alarms))
            time.sleep(REFRESH_S)
    return event


def _fresh_folder(folder: Path) -> Path:
    """An empty folder; an earlier demo's is replaced. Raises `UserError` for any other files."""
    if folder.exists():
        foreign = [
            path.name
            for path in folder.iterdir()
            if path.name not in OWN_FILES and path.suffix != TERMINAL
        ]
        if foreign:
            raise UserError(
                f"{folder}: holds files that no demo made ({foreign[0]}); "
                "name another folder with --out"
            )
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    return folder


def served_at(name: str, url: str, work: Path) -> str:
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
