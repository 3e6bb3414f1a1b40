"""What hostile or broken servers and masters send to a site, for `make bench-dr`: events that no
standard allows, listings and frames with flipped, cut and doubled bytes.
"""

from __future__ import annotations

import json
import math
import random
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from served_site import Process, ServedSite

from siteems.demand_response.event import LARGEST_KW
from siteems.demand_response.event_log import EventLog
from siteems.demand_response.openadr3.client import VtnClient
from siteems.demand_response.openadr3.secrets import Secrets
from siteems.demand_response.openadr3.times import time_text
from siteems.demand_response.openadr3.ven import Ven
from siteems.demand_response.vtn_error import VtnError
from siteems.history.location import history_path
from siteems.history.store import History
from siteems.simulation.vtn import Fault, SimulatedVtn
from siteems.site.demand_response import OpenAdr

SITE: Final = "hangzhou-macro"
EDGES: Final = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 1.0)
WAVE: Final = 500
"""Malformed events that the VTN lists at once: ten pages."""


@contextmanager
def connected(folder: Path, poll_s: float) -> Iterator[tuple[ServedSite, SimulatedVtn]]:
    """A site whose file names a VTN; its clock is that of the VTN."""
    secrets = folder / "secrets.toml"
    secrets.write_text('client_id = "ven"\nclient_secret = "secret"\n', encoding="utf-8")
    secrets.chmod(0o600)
    served = ServedSite(folder, SITE, 1.0, begin_h=2.0)
    with SimulatedVtn(now=served.clock.now) as vtn:
        text = served.file.read_text(encoding="utf-8")
        served.file.write_text(
            f'{text}\n[openadr]\nurl = "{vtn.url}"\nven_name = "bench"\npoll_s = {poll_s}\n'
            f'secrets = "{secrets}"\n[demand_response]\nevents_a_day = 96\n',
            encoding="utf-8",
        )
        yield served, vtn


def capacity_limit(value: Any, start: datetime) -> dict[str, Any]:
    """An event that asks for an import limit for ten minutes."""
    payload = {"type": "IMPORT_CAPACITY_LIMIT", "values": [value]}
    return {
        "intervalPeriod": {"start": time_text(start), "duration": "PT10M"},
        "intervals": [{"id": 0, "payloads": [payload]}],
    }


STARTDT: Final = bytes.fromhex("680407000000")
FRAMES: Final = (
    bytes.fromhex("681200000000320106000100a10f000000c03f00"),  # a set point
    bytes.fromhex("680e0000000064010600010000000014"),  # an interrogation
    bytes.fromhex("6814000000006701060001000000000000000f04070c1a"),  # a time
)


VALUES: Final[tuple[Any, ...]] = (
    -1.0, -1e-9, 1e308, 1e7, -1e308, "lots", "1.5kW", "", None, True, [], {}, [[1.5]],
    {"x": 1.5}, 10**400, "NaN", "Infinity", "\x00", "一",
)  # fmt: skip
TIMES: Final[tuple[Any, ...]] = (
    "", "yesterday", "0000-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "1970-01-01T00:00:00Z",
    "2026-13-45T00:00:00Z", 7, None, [], "2026-07-15T04:00:00", "2300-01-01T00:00:00Z",
)  # fmt: skip
DURATIONS: Final[tuple[Any, ...]] = (
    "", "P", "PT", "PT0S", "-PT1H", "P1000000D", "PT1e9S", "P1Y2M", 60, None, [], "PT1H" * 99,
)  # fmt: skip


def hostile_event(draw: random.Random, now: datetime) -> dict[str, Any]:
    """An event with at least one part that no site can follow."""
    event = capacity_limit(draw.choice(VALUES), now)
    match draw.randrange(7):
        case 0:
            event["intervalPeriod"]["start"] = draw.choice(TIMES)
        case 1:
            event["intervalPeriod"]["duration"] = draw.choice(DURATIONS)
        case 2:
            event["intervals"] = event["intervals"] * draw.choice((2, 2000))
        case 3:
            event["intervals"][0]["payloads"][0]["type"] = draw.choice(("X" * 400, 7, None))
        case 4:
            event["priority"] = draw.choice((-1, 10**30, "high", 1.5, []))
        case 5:
            event["targets"] = draw.choice((7, "all", [7], [{"type": "VEN"}], ["x" * 9999]))
        case _:
            event["payloadDescriptors"] = draw.choice((7, [{}], [{"units": "MW"}], [None]))
    return event


def hostile_events(folder: Path, count: int) -> dict[str, float | None]:
    """A daemon whose VTN lists nothing but malformed events, several hundred in each poll."""
    draw = random.Random(7)
    print("malformed events", flush=True)
    with connected(folder, 1.0) as (served, vtn):
        programme = vtn.add_programme("summer")
        with served.simulator(), served.daemon() as daemon:
            served.clock.start()
            time.sleep(20.0)
            quiet = served.metrics()
            time.sleep(20.0)
            before, survived = served.metrics(), 0
            while survived < count:
                vtn.objects["events"].clear()
                for _ in range(min(WAVE, count - survived)):
                    vtn.add_event(programme, **hostile_event(draw, served.clock.now()))
                expected = survived + len(vtn.objects["events"])
                deadline = time.monotonic() + 60.0
                while daemon.log.read_bytes().count(b"openadr-event-refused") < expected:
                    if time.monotonic() > deadline or daemon.popen.poll() is not None:
                        lines = daemon.log.read_bytes().count(b"openadr-event-refused")
                        raise SystemExit(f"{lines} refusals of {expected} in the log")
                    time.sleep(0.2)
                survived = expected
                print(f"  {survived} of {count}", flush=True)
            after = served.metrics()
        history = History(history_path(served.state), read_only=True)
        followed = EventLog(history).open(served.clock.now())
        history.close()
        if followed:
            raise SystemExit(f"{len(followed)} malformed events are followed")
    return {
        "events_survived": float(survived),
        "cycle_p99_quiet_ms": 1000.0 * p99(quiet, before),
        "cycle_p99_malformed_ms": 1000.0 * p99(before, after),
    }


def p99(before: dict[str, float], after: dict[str, float]) -> float:
    """Delay that 99 % of the cycles between two looks at the metrics do not exceed."""
    name = "siteems_cycle_delay_seconds"
    cycles = after[f"{name}_count"] - before[f"{name}_count"]
    for edge in EDGES:
        key = f'{name}_bucket{{le="{edge:g}"}}'
        if after[key] - before[key] >= 0.99 * cycles:
            return edge
    return math.inf


async def hostile_bodies(folder: Path, count: int) -> int:
    """Listings with damaged bytes, polled one after the other; how many are survived."""
    draw, survived = random.Random(11), 0
    history = History(folder / "history.sqlite3")
    events = EventLog(history)
    print("malformed bodies", flush=True)
    with SimulatedVtn() as vtn:
        programme = vtn.add_programme("summer")
        client = VtnClient(vtn.url, Secrets("ven", "secret"))
        settings = OpenAdr(url=vtn.url, ven_name="bench", secrets="")
        ven = Ven(settings, "CNY", client, events, lambda *_: None, lambda start, end: 4.0)
        now = datetime.fromisoformat("2026-07-15T04:00:00+00:00")
        for _ in range(3):
            vtn.add_event(programme, **capacity_limit(1.5, now + timedelta(hours=1)))
        await ven.poll(now)
        listing = json.dumps(list(vtn.objects["events"].values())).encode()
        for number in range(count):
            body = _damaged(listing, draw)
            # The listing of programmes comes first, as it is.
            vtn.faults = [Fault(status=200, raw=json.dumps(_programmes(vtn)).encode())]
            vtn.faults.append(Fault(status=200, raw=body))
            try:
                await ven.poll(now)
            except VtnError as error:
                if "\n" in str(error):
                    raise SystemExit(f"several lines: {error}") from error
            for event in events.open(now):
                values = [interval.value for interval in event.intervals]
                if not all(0.0 <= value <= LARGEST_KW for value in values):
                    raise SystemExit(f"followed: {event}")
            survived += 1
            if number % 1000 == 999:
                print(f"  {number + 1} of {count}", flush=True)
        await client.close()
    history.close()
    return survived


def _programmes(vtn: SimulatedVtn) -> list[dict[str, Any]]:
    return list(vtn.objects["programs"].values())


def _damaged(body: bytes, draw: random.Random) -> bytes:
    """With some bytes flipped, cut, doubled or put in."""
    data = bytearray(body)
    for _ in range(draw.randint(1, 4)):
        at = draw.randrange(len(data)) if data else 0
        match draw.randrange(4):
            case 0:
                if data:
                    data[at] ^= 1 << draw.randrange(8)
            case 1:
                del data[at : at + draw.randint(1, 40)]
            case 2:
                data[at:at] = data[at : at + draw.randint(1, 40)]
            case _:
                data[at:at] = draw.choice((b"[" * 3000, b"{", b"null", b"1e999", b"\xff", b'"'))
    return bytes(data)


def damaged_frames(port: int, count: int, daemon: Process) -> int:
    """Send frames with damaged bytes, each over a connection of its own; how many are survived."""
    draw, survived = random.Random(13), 0
    print("malformed frames", flush=True)
    for number in range(count):
        data = STARTDT + _damaged(draw.choice(FRAMES), draw)
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=5.0) as line:
                line.sendall(data)
                if number % 50 == 0:
                    line.settimeout(0.2)
                    with suppress(TimeoutError):
                        line.recv(4096)
        except OSError as error:
            raise SystemExit(f"the station does not answer: {error}") from error
        if daemon.popen.poll() is not None:
            raise SystemExit("the daemon has ended")
        survived += 1
        if number % 1000 == 999:
            print(f"  {number + 1} of {count}", flush=True)
    return survived
