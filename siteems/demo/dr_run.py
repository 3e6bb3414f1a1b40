"""`siteems demo-dr`: a grid operator's server sends two events over OpenADR 3.1; the site answers,
and is paid.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import numpy as np
from rich.console import Console
from rich.table import Table

from siteems.clock import FileClock
from siteems.config.seeds import seed_path
from siteems.demand_response.baseline.recorded import quarter_hours
from siteems.demand_response.event_log import EventLog
from siteems.demand_response.openadr3.times import time_text
from siteems.demand_response.programme_files import find_programme
from siteems.demand_response.recorded_settlement import SettledEvent, recorded_event, settled
from siteems.demand_response.settlement_page import write_page
from siteems.demo.idle_day import idle_day
from siteems.demo.processes import siteems_process
from siteems.demo.run import served_at
from siteems.errors import UserError
from siteems.history.location import history_path
from siteems.history.records import Sample
from siteems.history.store import History
from siteems.operations.alarm_catalogue import MAINS_FAILED
from siteems.operations.command_channel import send
from siteems.simulation.scenario import Scenario, demo_scenario
from siteems.simulation.vtn import SimulatedVtn
from siteems.site.model import Site
from siteems.site.read_file import load_site

SITE: Final = "hangzhou-macro"
PROGRAMME: Final = "zhejiang-2021-hour-ahead"
DAYS_BEFORE: Final = 14
"""Of metering, for the baseline."""
HOUR: Final = timedelta(hours=1)
BEGINS_H, ENDS_H = 9.0, 17.5
"""Of the local day that is shown."""
REDUCTION_KW, REDUCTION_AT_H, REDUCTION_H = 1.5, 15.0, 2.0
"""Announced at the beginning. In these hours PV has faded and the evening prices have not begun,
so that the battery is not discharging already.
"""
EMERGENCY_AT_H, EMERGENCY_H = 12.5, 0.5
"""At noon energy is cheap and the battery is being charged."""
PATIENCE_S: Final = 60.0
FILES: Final = ("site", "state", "clock.json", "simulator.log", "daemon.log", "event.html")


@dataclass(frozen=True)
class DrResult:
    """What the two events asked for and what came of them."""

    reduction: SettledEvent
    available_kw: float
    """Baseline less the lowest import that the site could promise with a probability of 0.9, asked
    before the event was announced.
    """
    emergency_before_kw: float
    emergency_kw: float
    """Mean import of the quarter hour before, and of the emergency."""

    @property
    def delivered_kw(self) -> float:
        """Mean of the reduction."""
        return float(np.nanmean(self.reduction.baseline.kw - self.reduction.metered_kw))

    @property
    def held(self) -> bool:
        """Whether the site gave what was asked for, within 2 %."""
        return (
            self.delivered_kw >= 0.98 * REDUCTION_KW
            and self.emergency_kw < self.emergency_before_kw
        )


def run_dr_demo(speed: float, out: Path) -> DrResult:
    """Run the hours, print what came of them, write the page. Raises `UserError`."""
    console = Console(highlight=False)
    work = out / f"{SITE}-dr"
    _make_anew(work)
    shutil.copytree(seed_path(SITE), work / "site")
    scenario = demo_scenario(load_site(work / "site"), work / "site")
    begin = scenario.start + BEGINS_H * HOUR
    clock = FileClock.create(work / "clock.json", begin, speed)
    with SimulatedVtn(now=clock.now) as vtn:
        site = _connected(work, vtn)
        _meter_before(site, scenario, begin, work / "state")
        links = [f"--link={n}={served_at(n, link.url, work)}" for n, link in site.links.items()]
        common = [str(work / "site"), f"--clock={clock.path}", *links]
        real_s = (ENDS_H - BEGINS_H) * 3600.0 / speed
        console.print(
            f"[bold]{site.site.name}[/bold]: a grid operator's server (OpenADR 3.1, {vtn.url}), "
            f"{DAYS_BEFORE} days of metering before it, about {real_s:.0f} s"
        )
        with (
            siteems_process("simulator", ["simulate", *common], work),
            siteems_process("daemon", ["run", *common, f"--state={work / 'state'}"], work),
        ):
            clock.start()
            result = _events(site, scenario, clock, vtn, work, console)
    write_page(
        result.reduction.settlement, result.reduction.course, site.site.zone, work / "event.html"
    )
    _show(result, console)
    console.print(f"The picture, baseline against metered: {work / 'event.html'}")
    return result


def _events(
    site: Site,
    scenario: Scenario,
    clock: FileClock,
    vtn: SimulatedVtn,
    work: Path,
    console: Console,
) -> DrResult:
    """Publish the two events, wait until they are over, and settle the first."""
    midnight = scenario.start
    start, length = midnight + REDUCTION_AT_H * HOUR, REDUCTION_H * HOUR
    emergency, lasts = midnight + EMERGENCY_AT_H * HOUR, EMERGENCY_H * HOUR
    history = History(history_path(work / "state"))
    log = EventLog(history)
    asked = {"start": start.isoformat(), "duration_s": length.total_seconds()}
    _await(lambda: history.last_plans(("optimal", "feasible")), "the first plan")
    lowest_kw = send(work / "state", "dr-availability", asked)["lowest_import_kw"]["0.9"]

    programme = vtn.add_programme(PROGRAMME)
    wanted = vtn.add_event(
        programme, **_body("DISPATCH_SETPOINT_RELATIVE", -REDUCTION_KW, start, length)
    )
    _await(lambda: log.open(clock.now()), "the day-ahead event")
    console.print(f"{_clock(clock, site)}  the operator asks for {REDUCTION_KW:g} kW less, 15-17 h")
    _until(clock, emergency - 5 * HOUR / 60)
    vtn.add_event(programme, **_body("ALERT_GRID_EMERGENCY", "low frequency", emergency, lasts))
    console.print(f"{_clock(clock, site)}  grid emergency from 12:30 to 13:00")
    _until(clock, emergency + lasts)
    console.print(f"{_clock(clock, site)}  the emergency is over, control is handed back")
    _until(clock, start + length + 10 * HOUR / 60)
    console.print(f"{_clock(clock, site)}  the reduction is over")

    event = recorded_event(history, f"openadr:{wanted}:DISPATCH_SETPOINT_RELATIVE", clock.now())
    found = settled(
        history,
        event,
        find_programme(PROGRAMME),
        None,
        REDUCTION_KW,
        site.site.zone,
        clock.now(),
        MAINS_FAILED.code,
    )
    quarter = HOUR / 4
    samples = history.samples(emergency - HOUR, emergency + lasts + quarter)
    before = quarter_hours(samples, emergency - 2 * quarter, emergency - quarter)
    during = quarter_hours(samples, emergency, emergency + lasts)
    history.close()
    available_kw = max(0.0, float(found.baseline.kw.min()) - float(lowest_kw))
    return DrResult(found, available_kw, float(before[0]), float(np.nanmean(during)))


def _show(result: DrResult, console: Console) -> None:
    settlement = result.reduction.settlement
    table = Table("", "asked", "available", "baseline", "metered", "delivered", "paid")
    base_kw = float(np.nanmean(result.reduction.baseline.kw))
    metered_kw = float(np.nanmean(result.reduction.metered_kw))
    table.add_row(
        "15-17 h",
        f"{REDUCTION_KW:.2f} kW less",
        f"{result.available_kw:.2f} kW",
        f"{base_kw:.2f} kW",
        f"{metered_kw:.2f} kW",
        f"{result.delivered_kw:.2f} kW",
        f"{settlement.amount} {settlement.programme.currency}",
    )
    table.add_row(
        "emergency",
        "lowest",
        "",
        f"{result.emergency_before_kw:.2f} kW",
        f"{result.emergency_kw:.2f} kW",
        f"{result.emergency_before_kw - result.emergency_kw:.2f} kW",
        "",
    )
    console.print(table)
    console.print(
        f"Available with a probability of 90 %. Paid by {settlement.programme.title}. The days "
        "before are the same day without control; of the emergency, the baseline is the quarter "
        "before it."
    )


def _connected(work: Path, vtn: SimulatedVtn) -> Site:
    """The site with the operator's server in its file."""
    secrets = work / "site" / "secrets.toml"
    secrets.write_text(
        f'client_id = "{vtn.client_id}"\nclient_secret = "{vtn.client_secret}"\n', encoding="utf-8"
    )
    secrets.chmod(0o600)
    file = work / "site" / "site.toml"
    section = (
        f'\n[openadr]\nurl = "{vtn.url}"\nven_name = "{SITE}"\nsecrets = "secrets.toml"\n'
        'poll_s = 30\nbaseline = "similar-5-days"\n'
    )
    file.write_text(file.read_text(encoding="utf-8") + section, encoding="utf-8")
    return load_site(work / "site")


def _meter_before(site: Site, scenario: Scenario, until: datetime, state: Path) -> None:
    """Metering of the days before: the same day without control, a sample each quarter hour."""
    day = idle_day(site, scenario)[::15]
    history = History(history_path(state))
    rows = [
        Sample(each.time - back * timedelta(days=1), each.values, each.source, each.reason)
        for back in range(DAYS_BEFORE, -1, -1)
        for each in day[:-1]
        if each.time - back * timedelta(days=1) < until
    ]
    history.add_samples(rows)
    history.close()


def _body(kind: str, value: Any, start: datetime, length: timedelta) -> dict[str, Any]:
    """An event of one interval, as an operator's server has it."""
    return {
        "intervalPeriod": {
            "start": time_text(start),
            "duration": f"PT{round(length.total_seconds())}S",
        },
        "intervals": [{"id": 0, "payloads": [{"type": kind, "values": [value]}]}],
    }


def _until(clock: FileClock, when: datetime) -> None:
    while clock.now() < when:
        time.sleep(0.05)


def _await(condition: Callable[[], object], what: str) -> None:
    deadline_s = time.monotonic() + PATIENCE_S
    while not condition():
        if time.monotonic() > deadline_s:
            raise UserError(f"waited {PATIENCE_S:g} s for {what}; see the logs in the folder")
        time.sleep(0.05)


def _clock(clock: FileClock, site: Site) -> str:
    return f"{clock.now().astimezone(site.site.zone):%H:%M}"


def _make_anew(work: Path) -> None:
    """An empty folder; an earlier demo's is replaced. Raises `UserError` for other files."""
    if work.exists():
        foreign = [p.name for p in work.iterdir() if p.name not in FILES and p.suffix != ".tty"]
        if foreign:
            raise UserError(f"{work}: holds files that no demo made ({foreign[0]})")
        shutil.rmtree(work)
    work.mkdir(parents=True)
