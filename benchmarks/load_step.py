"""`make load-step`: the telecom load rises by 2 kW and falls again during an import cap.

The controller, its write gate and the served devices of each ready site over Modbus TCP, in cycles
of 1 s on a clock of its own. Draws the picture of docs/demand-response.md with Chromium; the last
line is one JSON object.
"""

from __future__ import annotations

import asyncio
import json
import math
import shutil
import subprocess
import tempfile
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from served_site import free_port

from siteems.clock import ManualClock
from siteems.config.seeds import seed_path
from siteems.control.reasons import RELEASE_STOPPED
from siteems.control.timing import Timing
from siteems.controller import Controller
from siteems.demand_response.event_log import EventLog
from siteems.demand_response.manual import place_import_limit
from siteems.gateway.devices import SiteDevices
from siteems.history.store import History
from siteems.planning.reasons import START
from siteems.ports import Ports
from siteems.recordings.profile import Instant
from siteems.replay.simulated_devices import DirectSolver
from siteems.simulation.plant import make_plant
from siteems.simulation.server import SimulatedSite
from siteems.site.read_file import load_site

NOON: Final = datetime(2026, 7, 15, 4, 0, 30, tzinfo=UTC)
HALF: Final = timedelta(seconds=0.5)
CYCLE: Final = 2 * HALF
STEP_KW: Final = 2.0
LOAD_KW, AC_KW = 2.5, 0.5
CAP_KW: Final = 2.2
SITES: Final = ("hangzhou-macro", "rural-lfp")
BACKUP_H: Final = 1.0
"""With more, the higher load would need the whole battery as a reserve within a minute, which comes
before the event.
"""
BEFORE, UP, DOWN = 60, 120, 180
"""Cycles: the event begins, the load rises, the load falls."""
LENGTH: Final = 240
SETTLED: Final = 3


@dataclass(frozen=True)
class Moment:
    """The truth half a second before a cycle, and after it. The load changes between two cycles."""

    second: float
    load_kw: float
    grid_kw: float
    battery_kw: float
    cap_kw: float


async def run(name: str, folder: Path) -> list[Moment]:
    """The moments of one site."""
    site = load_site(seed_path(name))
    links = {
        key: replace(link, url=f"tcp://127.0.0.1:{free_port()}") for key, link in site.links.items()
    }
    site = replace(site, links=links, backup=replace(site.backup, hours=BACKUP_H))
    clock = ManualClock(NOON)
    now = Instant(LOAD_KW, 0.0, AC_KW, 26.0, True)
    surroundings = [now]
    plant = make_plant(site, lambda _: surroundings[0], NOON, 0.99)
    served = SimulatedSite(site, plant, clock.steady)
    history = History(folder / f"{name}.sqlite3")
    devices = SiteDevices(site, clock, history, 60.0)
    events = EventLog(history)
    controller = Controller(
        site,
        Ports(clock, devices, DirectSolver(), history, events),
        Timing(cycle_s=1.0, lease_s=60.0, max_age=timedelta(seconds=5)),
    )
    await served.start()
    await controller.observe()
    await devices.begin(controller.charging)
    await controller.observe()
    await controller.make_plan(START)
    place_import_limit(events, CAP_KW, NOON + BEFORE * CYCLE, timedelta(hours=1), NOON, "benchmark")

    def moment(second: float) -> Moment:
        plant.advance_to(clock.steady())
        flows, cap_kw = plant.flows, CAP_KW if second >= BEFORE else math.inf
        return Moment(second, flows.dc_load_kw, flows.grid_import_kw, flows.battery_kw, cap_kw)

    moments = []
    for second in range(LENGTH):
        load_kw = LOAD_KW + (STEP_KW if UP <= second < DOWN else 0.0)
        surroundings[0] = replace(now, dc_load_kw=load_kw)
        clock.advance(HALF)
        moments.append(moment(second - 0.5))
        clock.advance(HALF)
        controller.refresh_events()
        await controller.step()
        moments.append(moment(float(second)))
    await devices.close(RELEASE_STOPPED())
    await served.stop()
    history.close()
    return moments


def judge(moments: list[Moment]) -> dict[str, float]:
    """For how long the import is above the cap after the rise, and how it moves afterwards."""
    above = [m.second for m in moments if m.second > BEFORE and m.grid_kw > CAP_KW]
    settled = [m.battery_kw for m in moments if UP + SETTLED <= m.second < DOWN - 1]
    return {
        "seconds_above_cap": max(above) - UP + 1.0 if above else 0.0,
        "swing_kw": round(max(settled) - min(settled), 3),
    }


def draw(by_site: dict[str, list[Moment]], out: Path) -> None:
    """The picture as one HTML file, and as a PNG where there is a Chromium."""
    import plotly.graph_objects as go
    from plotly.subplots import make_subplots

    figure = make_subplots(rows=1, cols=len(by_site), subplot_titles=list(by_site))
    for column, (_, moments) in enumerate(by_site.items(), start=1):
        seconds = [moment.second for moment in moments]
        for name, colour, values in (
            ("telecom load", "#888", [m.load_kw for m in moments]),
            ("grid import", "#1f5fa8", [m.grid_kw for m in moments]),
            ("battery, + charging", "#1a8f74", [m.battery_kw for m in moments]),
            ("cap", "#c0392b", [m.cap_kw if m.cap_kw < 1e6 else None for m in moments]),
        ):
            line = {"color": colour, "shape": "hv", "dash": "dot" if name == "cap" else "solid"}
            figure.add_trace(
                go.Scatter(x=seconds, y=values, name=name, line=line, showlegend=column == 1),
                row=1,
                col=column,
            )
        figure.update_xaxes(title="seconds", row=1, col=column)
    figure.update_yaxes(title="kW", row=1, col=1)
    figure.update_layout(
        template="plotly_white", width=1100, height=420, legend={"y": -0.25, "orientation": "h"}
    )
    page = out.with_suffix(".html")
    figure.write_html(page, include_plotlyjs=True, config={"staticPlot": True})
    chromium = shutil.which("chromium")
    if chromium is not None:
        options = ["--headless", "--no-sandbox", "--window-size=1120,440", "--hide-scrollbars"]
        subprocess.run(
            [chromium, *options, f"--screenshot={out}", f"file://{page.resolve()}"],
            check=True,
            capture_output=True,
            timeout=60,
        )
        page.unlink()


def main() -> None:
    """Both ready sites."""
    with tempfile.TemporaryDirectory() as folder:
        by_site = {name: asyncio.run(run(name, Path(folder))) for name in SITES}
    draw(by_site, Path(__file__).parents[1] / "docs" / "load-step.png")
    print(json.dumps({name: judge(m) for name, m in by_site.items()}))


if __name__ == "__main__":
    main()
