"""`make bench-control`: the real daemon beside the real simulator, on the cores of this machine.

Four parts; the last line is one JSON object.

1. Start: from the start of the process until it is ready, and after kill -9 until the devices are
   written again.
2. Jitter: how long after its time each cycle of 1 s begins. Each device is on a slow link of its
   own; meanwhile plans are solved and a replay with a report runs, again and again.
3. Demand response: from an event placed until the measured grid power has changed, at real speed.
4. Memory of the daemon and its solver: after one and after seven days on a fast clock.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Final

import numpy as np
from served_site import Process, ServedSite

from siteems.history.location import history_path
from siteems.history.store import History
from siteems.operations.command_channel import send

SITE: Final = "hangzhou-macro"
"""The ready site with the most devices."""
SLOW_S: Final = 0.1
"""Of each answer: a radio modem. A poll of the monitoring unit takes several of them."""
STEP_KW: Final = 1.0
"""How much less an event allows than is imported."""
LOOK_S: Final = 0.01
"""Between two reads of the meter, which limits the resolution of a latency."""
EDGES: Final = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 1.0)
FAST: Final = 2000.0


def main() -> None:
    """Run the parts that were asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jitter-s", type=float, default=180.0, help="length of the second part")
    parser.add_argument("--trials", type=int, default=200, help="events of the third part")
    parser.add_argument("--days", type=float, default=7.0, help="length of the fourth part")
    options = parser.parse_args()
    result: dict[str, float] = {}
    result |= _part("start", start)
    result |= _part("jitter", lambda folder: jitter(folder, options.jitter_s))
    result |= _part("demand response", lambda folder: demand_response(folder, options.trials))
    result |= _part("memory", lambda folder: memory(folder, options.days))
    print(json.dumps(result))


def _part(name: str, run: Callable[[Path], dict[str, float]]) -> dict[str, float]:
    print(f"{name}:", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        result = run(Path(folder))
    for key, value in result.items():
        print(f"  {key} {value:g}", flush=True)
    return result


def start(folder: Path) -> dict[str, float]:
    """Seconds of real time."""
    served = ServedSite(folder, SITE, 1.0, begin_h=2.0)
    served.clock.start()
    with served.simulator():
        ready_s, written_s = [], []
        for _ in range(5):
            begin_s, begin = time.monotonic(), served.clock.now()
            process = served.start("run", f"--state={served.state}")
            process.await_ready()
            ready_s.append(time.monotonic() - begin_s)
            time.sleep(3.0)
            process.end(signal.SIGKILL)
            history = History(history_path(served.state), read_only=True)
            (first, *_) = history.commands(begin, served.clock.now())
            history.close()
            written_s.append((first.time - begin).total_seconds())
    return {
        "start_s": float(np.median(ready_s)),
        "restart_to_first_write_s": float(np.max(written_s)),
    }


def jitter(folder: Path, length_s: float) -> dict[str, float]:
    """Delays of the cycles, from the metrics of the daemon."""
    served = ServedSite(folder, SITE, 1.0, begin_h=2.0)
    with served.simulator(), served.daemon():
        served.clock.start()
        served.slow(SLOW_S)
        time.sleep(10.0)
        before = served.metrics()
        with _busy(folder, served):
            _wait(length_s, "busy")
            after = served.metrics()
    counts = [
        after[name] - before[name]
        for name in (f'siteems_cycle_delay_seconds_bucket{{le="{edge:g}"}}' for edge in EDGES)
    ]
    cycles = (
        after["siteems_cycle_delay_seconds_count"] - before["siteems_cycle_delay_seconds_count"]
    )
    longest = next((e for e, n in zip(EDGES, counts, strict=True) if n >= 0.99 * cycles), 9.9)
    late = after["siteems_cycles_late_total"] - before["siteems_cycles_late_total"]
    mean_s = (after["siteems_cycle_seconds_sum"] - before["siteems_cycle_seconds_sum"]) / cycles
    return {
        "jitter_p99_ms": 1000.0 * longest,
        "cycles": cycles,
        "cycle_mean_ms": 1000.0 * mean_s,
        "cycles_late": late,
    }


@contextmanager
def _busy(folder: Path, served: ServedSite) -> Iterator[None]:
    """Plans are solved, and a day is replayed with a report, again and again."""
    profile = served.file.parent / "day.csv"
    programs = [
        ["plan", str(served.file), "--at=2026-07-15T00:00", "--soc=0.6", "--json"],
        ["replay", str(served.file), str(profile), f"--out={folder / 'report'}"],
    ]
    shell = 'while true; do "$0" "$@" >/dev/null 2>&1; done'
    loops = [
        subprocess.Popen(
            ["/bin/sh", "-c", shell, sys.executable, "-m", "siteems", *arguments],
            start_new_session=True,
        )
        for arguments in programs
    ]
    try:
        yield
    finally:
        for loop in loops:
            os.killpg(loop.pid, signal.SIGKILL)
            loop.wait()


def demand_response(folder: Path, trials: int) -> dict[str, float]:
    """Seconds until half of the change has been measured, placing and cancelling alike."""
    served = ServedSite(folder, SITE, 1.0, begin_h=2.0)
    with served.simulator(), served.daemon():
        served.clock.start()
        return asyncio.run(_trials(served, trials))


async def _trials(served: ServedSite, trials: int) -> dict[str, float]:
    meter, link = served.meter()

    async def grid_kw() -> float:
        value = (await meter.read()).points["active_power_kw"].value
        return float("nan") if value is None else float(value)

    async def until(reached: Callable[[float], bool]) -> float:
        begin_s = time.monotonic()
        while not reached(await grid_kw()):
            await asyncio.sleep(LOOK_S)
            if time.monotonic() - begin_s > 20.0:
                raise SystemExit("the grid power has not changed within 20 s")
        return time.monotonic() - begin_s

    hold = {"battery_kw": 2.0, "duration_s": 6 * 3600.0}
    await asyncio.to_thread(send, served.state, "hold", hold)
    await asyncio.sleep(5.0)
    placed_s, cancelled_s = [], []
    for trial in range(trials):
        await asyncio.sleep(1.5 + random.random())
        usual_kw = await grid_kw()
        edge_kw = usual_kw - STEP_KW / 2
        arguments = {
            "limit_kw": usual_kw - STEP_KW,
            "start": served.clock.now().isoformat(),
            "duration_s": 600.0,
            "confirmed": True,
        }
        begin_s = time.monotonic()
        event = await asyncio.to_thread(send, served.state, "dr-limit-import", arguments)
        await until(lambda kw, edge_kw=edge_kw: kw < edge_kw)
        placed_s.append(time.monotonic() - begin_s)
        await asyncio.sleep(1.5 + random.random())
        begin_s = time.monotonic()
        await asyncio.to_thread(send, served.state, "dr-cancel", {"id": event["id"]})
        await until(lambda kw, edge_kw=edge_kw: kw > edge_kw)
        cancelled_s.append(time.monotonic() - begin_s)
        if trial % 20 == 19:
            print(f"  {trial + 1} of {trials}", flush=True)
    await link.close()
    return {
        "dr_latency_p95_s": float(np.quantile(placed_s, 0.95)),
        "dr_latency_median_s": float(np.median(placed_s)),
        "dr_end_p95_s": float(np.quantile(cancelled_s, 0.95)),
    }


def memory(folder: Path, days: float) -> dict[str, float]:
    """Resident memory of the daemon and its solver, MB of 10^6 bytes."""
    served = ServedSite(folder, SITE, FAST, begin_h=0.0)
    sizes = []
    with served.simulator(), served.daemon() as daemon:
        served.clock.start()
        begin = served.clock.now()
        for day in np.arange(1.0, days + 1.0):
            while served.clock.now() - begin < timedelta(days=float(day)):
                time.sleep(1.0)
            sizes.append(daemon.resident_mb())
            print(f"  day {day:g}: {sizes[-1]:.1f} MB", flush=True)
        parts = _parts(daemon)
    return {"rss_mb": sizes[-1], "rss_growth_mb": sizes[-1] - sizes[0]} | parts


def _parts(daemon: Process) -> dict[str, float]:
    alone = Process(daemon.popen, daemon.log)
    pid = Path(f"/proc/{alone.popen.pid}/statm")
    own = int(pid.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6
    return {"rss_daemon_mb": own}


def _wait(length_s: float, what: str) -> None:
    end_s = time.monotonic() + length_s
    while (left_s := end_s - time.monotonic()) > 0:
        time.sleep(min(30.0, left_s))
        print(f"  {what}, {max(0.0, end_s - time.monotonic()):.0f} s left", flush=True)


if __name__ == "__main__":
    main()
