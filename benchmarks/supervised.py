"""A daemon that is started again whenever it ends, and what its metrics show meanwhile."""

from __future__ import annotations

import threading
import time
from typing import Final

from served_site import Process, ServedSite

RESTART_S: Final = 1.0
"""Pause of systemd before it starts the daemon again."""
RECOVERED_WITHIN_S: Final = 30.0
LOOK_S: Final = 0.05


class Supervised:
    """The daemon, started again whenever it ends, and what its metrics show."""

    def __init__(self, served: ServedSite, environment: dict[str, str]) -> None:
        self._served, self._environment = served, environment
        self.starts = 0
        self.process: Process | None = None
        self._ends = threading.Event()
        self._thread = threading.Thread(target=self._supervise, daemon=True)
        self._looking = threading.Thread(target=self._look, daemon=True)
        self.succeeded_at = time.monotonic()
        """When a new control cycle was last seen."""
        self.longest_gap_s = 0.0
        self.by_plan = False

    def start(self) -> None:
        """Start it, and wait until it controls."""
        self._thread.start()
        self._looking.start()
        self.await_plan()
        self.longest_gap_s = 0.0

    def stop(self) -> None:
        """End it, for good."""
        self._ends.set()
        if self.process is not None:
            self.process.end()
        self._thread.join(30.0)
        self._looking.join(30.0)

    @property
    def pid(self) -> int:
        """Of the daemon that runs now."""
        assert self.process is not None
        return self.process.popen.pid

    @property
    def reader_pid(self) -> int:
        """Of what reads its log."""
        assert self.process is not None
        assert self.process.reader is not None
        return self.process.reader.pid

    def await_plan(self) -> float:
        """Wait until cycles succeed and follow a fresh plan; how long that took."""
        begin_s = time.monotonic()
        while time.monotonic() - begin_s < RECOVERED_WITHIN_S:
            time.sleep(LOOK_S)
            if self.by_plan and self.succeeded_at > begin_s:
                return time.monotonic() - begin_s
        raise SystemExit(f"not driven by a plan within {RECOVERED_WITHIN_S:g} s")

    def _supervise(self) -> None:
        while not self._ends.is_set():
            self.starts += 1
            self.process = self._served.start(
                "run", f"--state={self._served.state}", environment=self._environment, piped=True
            )
            self.process.popen.wait()
            if self.process.reader is not None:
                self.process.reader.wait()
            self._ends.wait(RESTART_S)

    def _look(self) -> None:
        count = -1.0
        while not self._ends.is_set():
            time.sleep(LOOK_S)
            try:
                shown = self._served.metrics(timeout_s=1.0)
            except (OSError, ValueError):
                self.by_plan = False
                continue
            self.by_plan = shown.get('siteems_control_level{level="plan"}') == 1.0
            if (cycles := shown["siteems_cycle_seconds_count"]) != count:
                now_s = time.monotonic()
                self.longest_gap_s = max(self.longest_gap_s, now_s - self.succeeded_at)
                self.succeeded_at, count = now_s, cycles
