"""Times of methods, their medians and ratios, and the memory of a process."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import numpy as np

Answer = TypeVar("Answer")


class Times:
    """Seconds per method, measured in turns, so that noise affects all methods alike."""

    def __init__(self) -> None:
        self.of: dict[str, list[float]] = defaultdict(list)

    def measure(self, method: str, call: Callable[[], Answer]) -> Answer:
        """Time one call; returns its result."""
        begin = time.perf_counter()
        answer = call()
        self.of[method].append(time.perf_counter() - begin)
        return answer

    def add(self, more: Times) -> None:
        """Add the times of another measurement."""
        for method, seconds in more.of.items():
            self.of[method] += seconds

    def median_s(self, method: str) -> float:
        """Median in seconds; NaN for a method that was not timed."""
        return float(np.median(self.of[method])) if self.of.get(method) else float("nan")

    def over(self, method: str, base: str) -> float | None:
        """Ratio of the medians; None where one of them was not timed."""
        ratio = self.median_s(method) / self.median_s(base)
        return round(ratio, 3) if np.isfinite(ratio) else None

    def print(self, title: str, base: str) -> None:
        print(f"\n{title}\n{'':38}{'median ms':>11}{'p95 ms':>10}{'n':>6}{f'/ {base}':>18}")
        for method, seconds in self.of.items():
            p95 = 1e3 * float(np.percentile(seconds, 95))
            ratio = self.median_s(method) / self.median_s(base)
            median_ms = 1e3 * self.median_s(method)
            print(f"{method:38}{median_ms:11.3f}{p95:10.3f}{len(seconds):6d}{ratio:18.2f}")


def rss_mb(pid: int | str = "self", *, peak: bool = False) -> float:
    """Resident memory of a process in MB, now or at its highest."""
    wanted = "VmHWM:" if peak else "VmRSS:"
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(wanted):
            return int(line.split()[1]) / 1024
    raise LookupError(f"process {pid} does not report its memory")
