"""`make bench-chaos`: what docs/faults.md says, with the real daemon over Modbus TCP and seven days
on a fast clock.

Incidents follow each other: daemon, solver and simulator are killed, the daemon is stopped for
longer than its leases, the clock is set, the disk is full, read-only and slow, the record is
locked, torn and deleted, the reader of the log stops, a second daemon starts. A daemon that ends
is started again a second later, as systemd does. After each incident the site must be driven by a
plan again, the alarm that docs/faults.md names must be in the record, and every sample that was in
the record before must still be there. The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from served_site import Process, ServedSite
from supervised import Supervised

from siteems.errors import UserError
from siteems.history.location import history_path
from siteems.history.store import History

SITE: Final = "hangzhou-macro"
SPEED: Final = 1000.0
"""Seven days in ten minutes; a cycle then is 25 ms and a lease 1.5 s of real time."""
LEASE_S: Final = 1.5
TORN_BYTES: Final = 65536
"""The first sixteen pages: the roots of all tables."""
WRITTEN_WITHIN_S: Final = 45.0
"""After a disk has room again: a file that could not be written is tried again after 30 s at most.
"""


@dataclass
class Incident:
    """One thing that happens, and what docs/faults.md says of it."""

    name: str
    begin: Callable[[], object]
    lasts_s: float
    end: Callable[[], object] = lambda: None
    alarms: tuple[str, ...] = ()
    """Codes that must be recorded, besides those of the start of a daemon."""
    keeps_driving: bool = False
    """Whether no cycle may be missed."""
    loses_nothing: bool = True
    """Whether every recorded sample can still be read."""


@dataclass
class Result:
    """How an incident ended."""

    name: str
    gap_s: float
    recovered_s: float
    failed: list[str] = field(default_factory=list)


class Chaos:
    """The site, the incidents, and the checks after each."""

    def __init__(self, folder: Path, disk: Path) -> None:
        self.served = ServedSite(folder, SITE, SPEED, begin_h=0.0)
        self.served.state = disk / "state"
        self.disk, self.filler = disk, disk / "filler"
        self.slow, self.read_only = folder / "slow-disk", folder / "read-only-disk"
        self.faults = _compiled(folder)
        environment = {"SLOW_DISK": str(self.slow), "READ_ONLY_DISK": str(self.read_only)}
        if self.faults is not None:
            environment["LD_PRELOAD"] = str(self.faults)
        self.daemon = Supervised(self.served, environment)
        self.simulator: Process | None = None
        self.locks: list[sqlite3.Connection] = []

    @property
    def record(self) -> Path:
        """The file of the record."""
        return history_path(self.served.state)

    def start(self) -> None:
        """Devices first, then the daemon, then the clock."""
        self.start_simulator()
        self.served.clock.start()
        self.daemon.start()

    def start_simulator(self) -> None:
        """Serve the devices."""
        self.simulator = self.served.start("simulate", f"--control={self.served.control_port}")
        self.simulator.await_ready()

    def stop(self) -> None:
        """End what runs."""
        self.daemon.stop()
        if self.simulator is not None:
            self.simulator.end()

    def incidents(self) -> list[Incident]:
        """In turn, without what this machine cannot do."""
        daemon, clock = self.daemon, self.served.clock
        hour = timedelta(hours=1)
        every = [
            Incident("daemon killed", self._kill, 0.0),
            Incident("solver killed", self._kill_solver, 0.0, keeps_driving=True),
            Incident("simulator killed", self._kill_simulator, 1.0, self.start_simulator),
            Incident(
                "daemon stopped for 20 leases",
                lambda: os.kill(daemon.pid, signal.SIGSTOP),
                20 * LEASE_S,
                lambda: os.kill(daemon.pid, signal.SIGCONT),
            ),
            Incident(
                "clock set forward by an hour",
                lambda: clock.set_by(hour),
                2.0,
                alarms=("clock-set",),
                keeps_driving=True,
            ),
            Incident(
                "clock set back by an hour",
                lambda: clock.set_by(-hour),
                2.0,
                alarms=("clock-set",),
                keeps_driving=True,
            ),
            Incident("record locked", self._lock, 5.0, self._unlock, keeps_driving=True),
            Incident(
                "record deleted",
                self._delete,
                2.0,
                alarms=("record-replaced",),
                keeps_driving=True,
            ),
            # At once, because what the daemon writes next may mend the pages.
            Incident(
                "record torn, daemon killed",
                self._tear,
                0.0,
                self._kill,
                alarms=("record-replaced",),
                loses_nothing=False,
            ),
            Incident(
                "log reader stuck",
                lambda: os.kill(daemon.reader_pid, signal.SIGSTOP),
                20.0,
                lambda: os.kill(daemon.reader_pid, signal.SIGCONT),
                keeps_driving=True,
            ),
            Incident("second daemon", self._second, 2.0, keeps_driving=True),
        ]
        if os.path.ismount(self.disk):
            every += [
                Incident(
                    "disk full",
                    self._fill,
                    70.0,
                    self.filler.unlink,
                    alarms=("record-not-written", "record-written"),
                    keeps_driving=True,
                ),
            ]
        if self.faults is not None:
            every += [
                Incident(
                    "disk read-only",
                    self.read_only.touch,
                    70.0,
                    self.read_only.unlink,
                    alarms=("record-not-written", "record-written"),
                    keeps_driving=True,
                ),
                Incident(
                    "disk of 2 s a write",
                    self.slow.touch,
                    10.0,
                    self.slow.unlink,
                    keeps_driving=True,
                ),
            ]
        return every

    def run(self, incident: Incident) -> Result:
        """One incident, and what must hold after it."""
        daemon, clock = self.daemon, self.served.clock
        before, begin = self._samples(), clock.now()
        daemon.longest_gap_s = 0.0
        incident.begin()
        begin = min(begin, clock.now())
        time.sleep(incident.lasts_s)
        incident.end()
        recovered_s = daemon.await_plan()
        time.sleep(1.0)
        result = Result(incident.name, daemon.longest_gap_s, recovered_s)
        if incident.keeps_driving and daemon.longest_gap_s > LEASE_S:
            result.failed.append(f"no cycle for {daemon.longest_gap_s:.2f} s")
        deadline_s = time.monotonic() + WRITTEN_WITHIN_S
        while missing := self._missing(incident, begin):
            if time.monotonic() > deadline_s:
                result.failed.append(f"no alarm {', '.join(sorted(missing))}")
                break
            time.sleep(0.5)
        if incident.loses_nothing and (lost := before - self._samples()):
            result.failed.append(f"{len(lost)} recorded samples are gone")
        return result

    def _missing(self, incident: Incident, begin: datetime) -> set[str]:
        """Alarms of an incident that are not in the record since then."""
        history = History(self.record, read_only=True)
        found = history.alarms(begin, self.served.clock.now() + timedelta(hours=2))
        history.close()
        return set(incident.alarms) - {alarm.code for alarm in found}

    def _samples(self) -> set[int]:
        """Times of all samples on disk, in this record and in those that were set aside."""
        times: set[int] = set()
        for path in self.served.state.glob("history.sqlite3*"):
            if path.name.endswith(("-wal", "-shm", "-journal")):
                continue
            try:
                connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=5.0)
                times |= {int(ts) for (ts,) in connection.execute("SELECT ts FROM samples")}
                connection.close()
            except sqlite3.DatabaseError:
                continue  # the one that was torn
        return times

    def _kill(self) -> None:
        os.kill(self.daemon.pid, signal.SIGKILL)

    def _kill_solver(self) -> None:
        assert self.daemon.process is not None
        for pid in self.daemon.process.children:
            os.kill(pid, signal.SIGKILL)

    def _kill_simulator(self) -> None:
        assert self.simulator is not None
        self.simulator.end(signal.SIGKILL)

    def _lock(self) -> None:
        connection = sqlite3.connect(self.record, timeout=30.0, isolation_level=None)
        connection.execute("BEGIN EXCLUSIVE")
        self.locks.append(connection)

    def _unlock(self) -> None:
        self.locks.pop().close()

    def _delete(self) -> None:
        self.record.unlink()

    def _fill(self) -> None:
        """Fill the disk to the last byte. The log of SQLite is emptied first: it would be written
        again from its beginning, which needs no room.
        """
        connection = sqlite3.connect(self.record, timeout=10.0)
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        with self.filler.open("wb", buffering=0) as file:
            for size in (65536, 512, 1):
                with suppress(OSError):
                    while True:
                        file.write(bytes(size))
        connection.close()

    def _tear(self) -> None:
        """The log of SQLite is emptied first: what it holds would mend the pages."""
        connection = sqlite3.connect(self.record, timeout=10.0)
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.close()
        with self.record.open("r+b") as file:
            file.write(os.urandom(TORN_BYTES))

    def _second(self) -> None:
        second = self.served.start("run", f"--state={self.served.state}")
        if second.popen.wait(30.0) != 2:
            raise SystemExit("a second daemon was not refused")


def _compiled(folder: Path) -> Path | None:
    """The library that is preloaded; None without a compiler."""
    library, source = folder / "disk_faults.so", Path(__file__).with_name("disk_faults.c")
    if shutil.which("gcc") is None:
        print("no compiler: without a read-only and a slow disk")
        return None
    subprocess.run(["gcc", "-shared", "-fPIC", "-o", str(library), str(source), "-ldl"], check=True)
    return library


def main() -> None:
    """Run the incidents until the days are over."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", type=float, default=7.0)
    options = parser.parse_args()
    results: list[Result] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        disk = folder / "disk"
        disk.mkdir()
        mounted = (
            subprocess.run(
                ["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", str(disk)],
                check=False,
                capture_output=True,
            ).returncode
            == 0
        )
        if not mounted:
            print("no tmpfs can be mounted: without a full disk")
        chaos = Chaos(folder, disk)
        try:
            chaos.start()
            begin = chaos.served.clock.steady()
            while not results or chaos.served.clock.steady() - begin < timedelta(days=options.days):
                for incident in chaos.incidents():
                    result = chaos.run(incident)
                    results.append(result)
                    print(
                        f"{result.name}: {result.gap_s:.2f} s without a cycle, driven by a plan "
                        f"after {result.recovered_s:.2f} s{_failures(result)}",
                        flush=True,
                    )
            chaos.stop()
            sound, samples = _integrity(chaos.record)
            fallbacks = _fallbacks(chaos.simulator)
        finally:
            chaos.stop()
            if mounted:
                subprocess.run(["umount", "-l", str(disk)], check=False)
    killed = [r.gap_s for r in results if r.name == "daemon killed"]
    failed = [f"{r.name}: {text}" for r in results for text in r.failed]
    print(
        json.dumps(
            {
                "incidents": len(results),
                "failed": failed,
                "after_kill_s": max(killed, default=None),
                "longest_gap_s": max(r.gap_s for r in results),
                "integrity": sound,
                "samples": samples,
                "lease_fallbacks": fallbacks,
            }
        )
    )
    sys.exit(1 if failed or not sound else 0)


def _failures(result: Result) -> str:
    return "".join(f"; FAILED: {text}" for text in result.failed)


def _integrity(record: Path) -> tuple[bool, int]:
    connection = sqlite3.connect(record)
    (verdict,) = connection.execute("PRAGMA integrity_check").fetchone()
    (count,) = connection.execute("SELECT count(*) FROM samples").fetchone()
    connection.close()
    return verdict == "ok", int(count)


def _fallbacks(simulator: Process | None) -> int | None:
    """Of the devices since the simulator was started last."""
    if simulator is None:
        return None
    lines = [json.loads(x) for x in simulator.log.read_text().splitlines() if x.startswith("{")]
    stopped = [line for line in lines if line.get("event") == "stopped"]
    return int(stopped[-1]["lease_fallbacks"]) if stopped else None


if __name__ == "__main__":
    try:
        main()
    except UserError as error:
        sys.exit(str(error))
