"""Real siteems processes for tests: a simulated site and a daemon on loopback, on one accelerated
clock.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from siteems.clock import FileClock
from siteems.config.seeds import seed_path
from siteems.history.location import history_path
from siteems.history.store import History
from siteems.simulation.scenario import Scenario, demo_scenario
from siteems.site.model import Site
from siteems.site.read_file import load_site

PATIENCE_S = 60.0
ADDRESS = "012345678901"
"""Address of the utility meter in `on_serial_lines`."""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def cli(*arguments: str, timeout_s: float = PATIENCE_S) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "siteems", *arguments],
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
    )


def wait_for(condition: Callable[[], object], what: str, patience_s: float = PATIENCE_S) -> None:
    deadline = time.monotonic() + patience_s
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {patience_s:g} s for {what}")
        time.sleep(0.02)


@dataclass
class Process:
    """One siteems process with its log."""

    popen: subprocess.Popen[bytes]
    log_path: Path

    def log(self) -> list[dict[str, Any]]:
        lines = self.log_path.read_text(encoding="utf-8").splitlines()
        return [json.loads(line) for line in lines if line.startswith("{") and line.endswith("}")]

    def events(self, name: str) -> list[dict[str, Any]]:
        return [line for line in self.log() if line.get("event") == name]

    def await_ready(self) -> None:
        def ready_or_dead() -> bool:
            assert self.popen.poll() is None, self.log_path.read_text(encoding="utf-8")
            return bool(self.events("ready"))

        wait_for(ready_or_dead, f"{self.log_path.name} to be ready")

    def stop(self, number: int = signal.SIGTERM) -> int:
        if self.popen.poll() is None:
            self.popen.send_signal(number)
        return self.popen.wait(PATIENCE_S)


@dataclass
class RunningSite:
    """A seed site with its simulator running and its clock under the test's control."""

    site_file: Path
    site: Site
    scenario: Scenario
    clock: FileClock
    folder: Path
    links: list[str]
    processes: list[Process] = field(default_factory=list)

    @property
    def state(self) -> Path:
        return self.folder / "state"

    def start(self, command: str, *more: str) -> Process:
        log_path = self.folder / f"{command}-{len(self.processes)}.log"
        arguments = [command, str(self.site_file), f"--clock={self.clock.path}", *self.links, *more]
        with log_path.open("wb") as log:
            popen = subprocess.Popen(
                [sys.executable, "-m", "siteems", *arguments],
                stdout=log,
                stderr=subprocess.STDOUT,
                env=os.environ,
            )
        process = Process(popen, log_path)
        self.processes.append(process)
        process.await_ready()
        return process

    def start_daemon(self, *more: str) -> Process:
        return self.start("run", f"--state={self.state}", *more)

    def history(self) -> History:
        return History(history_path(self.state))

    def wait_until(self, hours: float) -> datetime:
        """Let the site's clock reach so many hours after the start of its day."""
        when = self.scenario.start + timedelta(hours=hours)
        wait_for(lambda: self.clock.now() >= when, f"{when} on the site's clock")
        return self.clock.now()


@contextmanager
def simulated_site(
    folder: Path,
    speed: float,
    begin_h: float = 0.0,
    seed: str = "hangzhou-macro",
    extra: str = "",
    more: Sequence[str] = (),
    changed: Callable[[str], str] = str,
) -> Iterator[RunningSite]:
    """A seed site served by a real simulator process, with its clock stopped `begin_h` hours into
    the day.

    `extra` is TOML that is appended to the site file, `changed` edits its text, `more` are options
    of the simulator. Each link is served at a free port, or at a path in the folder. All processes
    are ended at the end.
    """
    shutil.copytree(seed_path(seed), folder / seed)
    site_file = folder / seed / "site.toml"
    site_file.write_text(changed(site_file.read_text(encoding="utf-8")) + extra, encoding="utf-8")
    site = load_site(site_file)
    scenario = demo_scenario(site, site_file.parent)
    clock = FileClock.create(
        folder / "clock.json", scenario.start + timedelta(hours=begin_h), speed
    )
    links = [
        f"--link={name}={_elsewhere(link.url, folder / name)}" for name, link in site.links.items()
    ]
    running = RunningSite(site_file, site, scenario, clock, folder, links)
    try:
        running.start("simulate", *more)
        yield running
    finally:
        for process in reversed(running.processes):
            if process.popen.poll() is None:
                process.popen.kill()
                process.popen.wait(PATIENCE_S)


def on_serial_lines(text: str) -> str:
    """The site file with a serial cabinet and a utility meter on a serial line of its own."""
    meter = 'name = "grid-meter"\nmap = "eastron-sdm630"\nlink = "cabinet"\nunit = 1'
    cabinet = 'url = "tcp://127.0.0.1:15020"'
    assert meter in text
    assert cabinet in text
    utility_meter = (
        'name = "grid-meter"\nmap = "dlt645-three-phase"\nlink = "meter"\n'
        f'address = "{ADDRESS}"\nratio = 20'
    )
    lines = (
        'url = "rtu:///dev/ttyS1?baud=115200"\ntimeout_s = 0.5\n\n'
        '[links.meter]\nurl = "dlt645:///dev/ttyS2"'
    )
    return text.replace(meter, utility_meter).replace(cabinet, lines)


def _elsewhere(url: str, path: Path) -> str:
    protocol = url.partition(":")[0]
    return (
        f"{protocol}://{path}.tty"
        if protocol in ("rtu", "dlt645")
        else f"{protocol}://127.0.0.1:{free_port()}"
    )


def port_of(running: RunningSite) -> int:
    """The port of the first link."""
    return int(running.links[0].rsplit(":", 1)[1])
