"""A ready site for a benchmark: the real simulator and the real daemon on loopback, each device on
a link of its own, on one clock.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import tomllib
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from siteems.clock import FileClock
from siteems.config.seeds import seed_path
from siteems.gateway.wiring import make_device, make_link
from siteems.simulation.scenario import demo_scenario
from siteems.site.model import Site
from siteems.site.read_file import load_site

PATIENCE_S = 60.0
SMALLEST_PIPE = 4096
"""Bytes, a page: some twenty lines of a log."""


def free_port() -> int:
    """A port of loopback that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Process:
    """A siteems process and its log."""

    popen: subprocess.Popen[bytes]
    log: Path
    reader: subprocess.Popen[bytes] | None = None
    """Of its output, where that goes through a pipe."""

    @property
    def children(self) -> list[int]:
        """Processes that it has started: the solver."""
        tasks = Path(f"/proc/{self.popen.pid}/task").glob("*/children")
        return [int(pid) for task in tasks for pid in task.read_text().split()]

    def await_ready(self, patience_s: float = PATIENCE_S) -> None:
        """Wait for the line that says so."""
        deadline = time.monotonic() + patience_s
        while b'"event": "ready"' not in self.log.read_bytes():
            if self.popen.poll() is not None or time.monotonic() > deadline:
                raise SystemExit(f"{self.log.name} is not ready: {self.log.read_text()[-2000:]}")
            time.sleep(0.01)

    def end(self, number: int = signal.SIGTERM) -> None:
        """Send a signal, and wait."""
        if self.popen.poll() is None:
            self.popen.send_signal(number)
        self.popen.wait(PATIENCE_S)

    def resident_mb(self) -> float:
        """Memory of the process and those that it has started."""
        return sum(_resident_mb(pid) for pid in (self.popen.pid, *self.children))


def _resident_mb(pid: int) -> float:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


class ServedSite:
    """A copy of a ready site in a folder, its simulator and its daemon."""

    def __init__(self, folder: Path, seed: str, speed: float, begin_h: float) -> None:
        shutil.copytree(seed_path(seed), folder / "site")
        self.folder, self.file = folder, folder / "site" / "site.toml"
        self.metrics_port, self.control_port = free_port(), free_port()
        text = _with_own_links(self.file.read_text(encoding="utf-8"))
        self.file.write_text(f"{text}\n[metrics]\nport = {self.metrics_port}\n", encoding="utf-8")
        self.site: Site = load_site(self.file)
        scenario = demo_scenario(self.site, self.file.parent)
        start = scenario.start + timedelta(hours=begin_h)
        self.clock = FileClock.create(folder / "clock.json", start, speed)
        self.state = folder / "state"
        self._count = 0

    def start(
        self,
        command: str,
        *more: str,
        environment: dict[str, str] | None = None,
        piped: bool = False,
    ) -> Process:
        """Start `simulate` or `run`; it may not be ready yet. `piped`: its output goes through the
        smallest pipe to a reader, which writes the log.
        """
        self._count += 1
        log = self.folder / f"{command}-{self._count}.log"
        arguments = [command, str(self.file), f"--clock={self.clock.path}", *more]
        reader = None
        with log.open("wb") as written:
            if piped:
                reader = subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=written)
                assert reader.stdin is not None
                fcntl.fcntl(reader.stdin, fcntl.F_SETPIPE_SZ, SMALLEST_PIPE)
            popen = subprocess.Popen(
                [sys.executable, "-m", "siteems", *arguments],
                stdout=written if reader is None else reader.stdin,
                stderr=subprocess.STDOUT,
                env=os.environ | (environment or {}),
            )
        if reader is not None and reader.stdin is not None:
            reader.stdin.close()  # the daemon alone writes to it, and ends it
        return Process(popen, log, reader)

    @contextmanager
    def simulator(self) -> Iterator[Process]:
        """The simulated devices."""
        process = self.start("simulate", f"--control={self.control_port}")
        try:
            process.await_ready()
            yield process
        finally:
            process.end()

    @contextmanager
    def daemon(self) -> Iterator[Process]:
        """The daemon, ready."""
        process = self.start("run", f"--state={self.state}")
        try:
            process.await_ready()
            yield process
        finally:
            process.end()

    def slow(self, delay_s: float) -> None:
        """From now on every device answers each request so late."""
        with socket.create_connection(("127.0.0.1", self.control_port)) as connection:
            lines = connection.makefile("rw")
            for entry in self.site.devices:
                fault = {"kind": "slow", "unit": entry.unit, "value": delay_s}
                lines.write(json.dumps({"do": "fault", "link": entry.link} | fault) + "\n")
                lines.flush()
                answer = json.loads(lines.readline())
                if not answer["ok"]:
                    raise SystemExit(f"no fault: {answer['error']}")

    def metrics(self, timeout_s: float = 10.0) -> dict[str, float]:
        """What the daemon shows to a monitoring system."""
        url = f"http://127.0.0.1:{self.metrics_port}/metrics"
        with urllib.request.urlopen(url, timeout=timeout_s) as answer:
            lines = answer.read().decode().splitlines()
        parts = (line.rpartition(" ") for line in lines if not line.startswith("#"))
        return {name: float(value) for name, _, value in parts}

    def meter(self) -> Any:
        """The grid meter as another client of the simulator reads it, and its link."""
        entry = next(each for each in self.site.devices if each.name == "grid-meter")
        link = make_link(entry.link, self.site.links[entry.link])
        return make_device(entry, {entry.link: link}, self.clock.now), link


def _with_own_links(text: str) -> str:
    """The site file with a link for each device, at a free port."""
    data = tomllib.loads(text)
    (name,) = data["links"]
    old = f'[links.{name}]\nurl = "{data["links"][name]["url"]}"'
    assert old in text
    own = [f"{name}-{number}" for number in range(len(data["devices"]))]
    links = "\n".join(f'[links.{each}]\nurl = "tcp://127.0.0.1:{free_port()}"\n' for each in own)
    text = text.replace(old, links, 1)
    for each in own:
        text = text.replace(f'link = "{name}"', f'link = "{each}"', 1)
    return text
