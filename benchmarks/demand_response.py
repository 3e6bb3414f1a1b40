"""`make bench-dr`: a grid operator's server, the real daemon and the real simulator, at real speed.

Four parts; the last line is one JSON object.

1. Polling: from the VTN publishing an event until the measured grid power has changed.
2. Notification: the same with an MQTT broker (mosquitto; left out where it is not installed), while
   a poll would come minutes later.
3. IEC 60870-5-104: the same from a master's set point (c104; left out where it is not installed).
4. Malformed bodies: events that no standard allows, and listings with flipped, cut and doubled
   bytes. Nothing may be followed, the daemon's cycles must not become slower, and each refusal is
   one line of the log. Then as many damaged frames against the 104 station.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import random
import tempfile
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import numpy as np
from hostile import (
    capacity_limit,
    connected,
    damaged_frames,
    hostile_bodies,
    hostile_events,
    p99,
)
from served_site import ServedSite, free_port

from siteems.operations.command_channel import send
from siteems.simulation.broker import LocalBroker, installed_broker

SITE: Final = "hangzhou-macro"
POLL_S: Final = 2.0
RARE_S: Final = 600.0
"""Between two polls in the second part: what is measured is the notification."""
STEP_KW: Final = 1.0
"""How much less an event allows than is imported."""
LOOK_S: Final = 0.01


def main() -> None:
    """Run all parts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=100, help="events of each latency")
    parser.add_argument("--malformed", type=int, default=10_000, help="malformed bodies")
    options = parser.parse_args()
    result: dict[str, float | None] = {}
    with tempfile.TemporaryDirectory() as folder:
        result |= _named("latency_poll", latencies(Path(folder), options.trials, None))
    program = installed_broker()
    if program is None:
        print("notification: needs mosquitto, left out", flush=True)
        result["latency_push_p95_s"] = None
    else:
        with tempfile.TemporaryDirectory() as folder:
            broker = LocalBroker(program, Path(folder))
            broker.start()
            try:
                result |= _named("latency_push", latencies(Path(folder), options.trials, broker))
            finally:
                broker.stop()
    if find_spec("c104") is None:
        print("104: needs c104, left out", flush=True)
        result["latency_104_p95_s"] = None
    else:
        with tempfile.TemporaryDirectory() as folder:
            found, frames = latencies_104(Path(folder), options.trials, options.malformed)
            result |= _named("latency_104", found) | {"frames_survived": float(frames)}
    with tempfile.TemporaryDirectory() as folder:
        result |= hostile_events(Path(folder), options.malformed // 2)
    with tempfile.TemporaryDirectory() as folder:
        count = options.malformed - options.malformed // 2
        survived = asyncio.run(hostile_bodies(Path(folder), count))
    result["malformed_survived"] = (result.pop("events_survived") or 0) + survived
    print(json.dumps(result))


def _named(name: str, found: list[float]) -> dict[str, float | None]:
    p95_s, median_s = float(np.quantile(found, 0.95)), float(np.median(found))
    print(f"  {name}: p95 {p95_s:.2f} s, median {median_s:.2f} s of {len(found)}", flush=True)
    return {f"{name}_p95_s": p95_s, f"{name}_median_s": median_s}


def latencies_104(folder: Path, trials: int, frames: int) -> tuple[list[float], int]:
    """Seconds from each set point until half of the change has been measured; and how many damaged
    frames the station has survived.
    """
    import c104

    port = free_port()
    served = ServedSite(folder, SITE, 1.0, begin_h=2.0)
    text = served.file.read_text(encoding="utf-8")
    served.file.write_text(
        f"{text}\n[iec104]\nport = {port}\ncommand_min = 10\n[demand_response]\n", encoding="utf-8"
    )
    with served.simulator(), served.daemon() as daemon:
        served.clock.start()
        client = c104.Client(tick_rate_ms=100, command_timeout_ms=5000)
        connection = client.add_connection(ip="127.0.0.1", port=port, init=c104.Init.NONE)
        station = connection.add_station(common_address=1)
        cap = station.add_point(io_address=4001, type=c104.Type.C_SE_NC_1)
        release = station.add_point(io_address=4102, type=c104.Type.C_SC_NA_1)
        time.sleep(2.0)
        client.start()
        while not connection.is_connected:
            time.sleep(0.1)
        connection.unmute()
        time.sleep(0.5)

        def begin(kw: float) -> str:
            cap.value = kw
            if not cap.transmit(cause=c104.Cot.ACTIVATION):
                raise SystemExit("a set point is not confirmed")
            return ""

        def end(_: str) -> None:
            release.value = True
            release.transmit(cause=c104.Cot.ACTIVATION)

        found = asyncio.run(_trials(served, begin, end, trials))
        client.stop()
        before = served.metrics()
        survived = damaged_frames(port, frames, daemon)
        time.sleep(5.0)
        print(f"  cycle p99 {1000.0 * p99(before, served.metrics()):g} ms meanwhile", flush=True)
        return found, survived


def latencies(folder: Path, trials: int, broker: LocalBroker | None) -> list[float]:
    """Seconds from each event until half of the change has been measured."""
    with connected(folder, POLL_S if broker is None else RARE_S) as (served, vtn):
        if broker is not None:
            vtn.broker, vtn.publish = broker.url, broker.publish
        programme = vtn.add_programme("summer")
        with served.simulator(), served.daemon() as daemon:
            served.clock.start()
            if broker is not None:
                while b"openadr-notified" not in daemon.log.read_bytes():
                    time.sleep(0.1)

            def begin(kw: float) -> str:
                return vtn.add_event(programme, **capacity_limit(kw, served.clock.now()))

            return asyncio.run(_trials(served, begin, vtn.delete_event, trials))


async def _trials(
    served: ServedSite,
    begin: Callable[[float], str],
    end: Callable[[str], None],
    trials: int,
) -> list[float]:
    meter, link = served.meter()

    async def grid_kw() -> float:
        value = (await meter.read()).points["active_power_kw"].value
        return math.nan if value is None else float(value)

    async def until(reached: Callable[[float], bool]) -> None:
        begin_s = time.monotonic()
        while not reached(await grid_kw()):
            await asyncio.sleep(LOOK_S)
            if time.monotonic() - begin_s > 30.0:
                raise SystemExit("the grid power has not changed within 30 s")

    hold = {"battery_kw": 2.0, "duration_s": 6 * 3600.0}
    await asyncio.to_thread(send, served.state, "hold", hold)
    await asyncio.sleep(5.0)
    found = []
    for trial in range(trials):
        await asyncio.sleep(1.0 + POLL_S * random.random())
        usual_kw = await grid_kw()
        edge_kw = usual_kw - STEP_KW / 2
        begin_s = time.monotonic()
        event = await asyncio.to_thread(begin, usual_kw - STEP_KW)
        await until(lambda kw, edge_kw=edge_kw: kw < edge_kw)
        found.append(time.monotonic() - begin_s)
        await asyncio.to_thread(end, event)
        await until(lambda kw, edge_kw=edge_kw: kw > edge_kw)
        if trial % 20 == 19:
            print(f"  {trial + 1} of {trials}", flush=True)
    await link.close()
    return found


if __name__ == "__main__":
    main()
