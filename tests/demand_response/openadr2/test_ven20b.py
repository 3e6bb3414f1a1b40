"""The VEN of OpenADR 2.0b against a VTN that is not ours: the server of openleadr, on loopback."""

from __future__ import annotations

import asyncio
import contextlib
import copy
import io
import logging
from collections.abc import AsyncIterator, Callable, Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from gateway_rig import free_port

from siteems.demand_response.event import DrEvent
from siteems.demand_response.event_log import EventLog
from siteems.demand_response.listing import Poll
from siteems.demand_response.openadr2.events import Participation
from siteems.demand_response.openadr2.ven import Ven2
from siteems.demand_response.vtn_error import VtnError
from siteems.history.store import History
from siteems.site.demand_response import OpenAdr

openleadr = pytest.importorskip("openleadr", reason="needs openleadr")

NOW = datetime.now(UTC).replace(microsecond=0)
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


class Rig:
    """openleadr's VTN, which keeps all in memory, and a VEN; either can be started anew."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.history = History(folder / "history.sqlite3")
        self.log = EventLog(self.history)
        self.refusals: dict[str, str] = {}
        self.declined: set[str] = set()
        self.answers: list[tuple[str, str]] = []
        self.reported: list[tuple[str, float]] = []
        self.registered: list[str] = []
        self.sample: dict[str, float | None] = {"grid_kw": 2.345, "battery_kw": -1.0}
        self.baseline_kw: float | None = 4.0
        self.now = NOW

    async def start_vtn(self) -> None:
        with contextlib.redirect_stdout(io.StringIO()):
            self.vtn: Any = openleadr.OpenADRServer(
                vtn_id="VTN",
                http_host="127.0.0.1",
                http_port=self.port,
                requested_poll_freq=timedelta(seconds=1),
            )
            self.vtn.add_handler("on_create_party_registration", self._register)
            self.vtn.add_handler("on_register_report", self._register_report)
            await self.vtn.run()

    def start_ven(self) -> None:
        """As after a restart of the site."""
        settings = OpenAdr(
            url=f"http://127.0.0.1:{self.port}/OpenADR2/Simple/2.0b",
            version="2.0b",
            ven_name="site-1",
        )
        participation = Participation("site-1", "CNY", simple_caps_kw=(3.0, 1.5), capacity_kwh=20.0)
        self.ven = Ven2(
            settings,
            participation,
            self.log,
            self._refuse,
            lambda start, end: self.baseline_kw,
            self.log.events_of(self.history.newest_event_rows(NOW - 24 * HOUR)),
            self.declined.__contains__,
            lambda: self.sample,
        )

    async def _register(self, info: dict[str, Any]) -> tuple[str, str]:
        self.registered.append(info["ven_name"])
        return "ven-7", "registration-7"

    def _register_report(  # openleadr looks at these names
        self,
        ven_id: str,
        resource_id: str,
        measurement: str,
        unit: str,
        scale: str,
        min_sampling_interval: timedelta,
        max_sampling_interval: timedelta,
    ) -> tuple[Callable[..., None], timedelta, timedelta]:
        def take(data: list[tuple[datetime, float]]) -> None:
            self.reported += [(resource_id, value) for _, value in data]

        return take, min_sampling_interval, min_sampling_interval

    def _refuse(self, event: DrEvent, others: Iterable[DrEvent], now: datetime) -> str | None:
        return self.refusals.get(event.kind)

    def add(self, value: float, signal: str = "SIMPLE", kind: str = "level") -> str:
        def answered(ven_id: str, event_id: str, opt_type: str) -> None:
            self.answers.append((event_id, opt_type))

        interval = {"dtstart": NOW + HOUR, "duration": HOUR, "signal_payload": value}
        id_ = self.vtn.add_event("ven-7", signal, kind, [interval], callback=answered)
        assert isinstance(id_, str)
        return id_

    def modify(self, id_: str, value: float) -> None:
        [event] = [e for e in self.vtn.events["ven-7"] if e.event_descriptor.event_id == id_]
        event.event_signals[0].intervals[0]["signal_payload"] = value
        event.event_descriptor.modification_number += 1
        self.vtn.event_callbacks[id_] = (event, self._callback())

    def _callback(self) -> Callable[..., None]:
        def answered(ven_id: str, event_id: str, opt_type: str) -> None:
            self.answers.append((event_id, opt_type))

        return answered

    async def poll(self) -> Poll:
        return await self.ven.poll(self.now)

    def caps(self) -> dict[str, float]:
        """Values of the open events by the VTN's id."""
        return {e.id.split(":")[1]: e.intervals[0].value for e in self.log.open(self.now)}

    async def close(self) -> None:
        await self.ven.close()
        await self.vtn.stop()
        self.history.close()


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[Rig]:
    rig = Rig(tmp_path)
    await rig.start_vtn()
    rig.start_ven()
    await rig.poll()
    yield rig
    await rig.close()


async def test_registered_created_answered_modified_cancelled(rig: Rig) -> None:
    assert rig.registered == ["site-1"]
    event = rig.add(1.0)
    poll = await rig.poll()
    assert [each.kind for each in poll.added] == ["import-cap"]
    assert rig.caps() == {event: 3.0}
    assert rig.answers == [(event, "optIn")]
    assert (await rig.poll()).added == (), "nothing twice"
    rig.modify(event, 2.0)
    await rig.poll()
    assert rig.caps() == {event: 1.5}
    assert rig.answers == [(event, "optIn")] * 2, "each modification is answered"
    rig.vtn.cancel_event("ven-7", event)
    await rig.poll()
    assert rig.caps() == {}
    await rig.poll()
    assert rig.caps() == {}, "and stays so when the VTN has forgotten it"


async def test_a_refused_event_is_opted_out_of(rig: Rig) -> None:
    rig.refusals["import-cap"] = "demand_response.kinds"
    event, unreadable = rig.add(1.0), rig.add(1.0, "BID_PRICE", "price")
    poll = await rig.poll()
    assert rig.caps() == {}
    assert len(poll.refused) == 2
    assert sorted(rig.answers) == sorted([(event, "optOut"), (unreadable, "optOut")])
    assert (await rig.poll()).refused == (), "reported once"


async def test_an_opt_out_at_the_site_reaches_the_vtn(rig: Rig) -> None:
    event = rig.add(1.0)
    await rig.poll()
    rig.vtn.event_callbacks[event] = (rig.vtn.events["ven-7"][0], rig._callback())
    rig.declined.add(f"openadr2:{event}:0")
    await rig.poll()
    assert rig.answers == [(event, "optIn"), (event, "optOut")]


async def test_a_restart_of_the_site_in_mid_event(rig: Rig) -> None:
    event = rig.add(1.0)
    await rig.poll()
    await rig.ven.close()
    rig.start_ven()
    rig.now = NOW + HOUR + 10 * MINUTE
    assert rig.caps() == {event: 3.0}, "known from the record"
    assert (await rig.poll()).added == (), "and it is the same event"
    rig.vtn.cancel_event("ven-7", event)
    await rig.poll()
    assert rig.caps() == {}


async def test_a_restart_of_the_vtn_in_mid_event(rig: Rig) -> None:
    event = rig.add(1.0)
    await rig.poll()
    await rig.vtn.stop()
    with pytest.raises(VtnError, match="no answer that can be used: "):
        await rig.poll()
    assert rig.caps() == {event: 3.0}, "it goes on by its own times"
    await rig.start_vtn()
    await rig.poll()
    assert rig.caps() == {}, "the VTN no longer has it: withdrawn"
    again = rig.add(2.0)
    await rig.poll()
    assert rig.caps() == {again: 1.5}
    assert rig.answers[-1] == (again, "optIn")


async def test_telemetry_arrives(rig: Rig) -> None:
    """The VTN asks for the shortest interval, ten seconds."""
    await until(lambda: len(rig.reported) >= 2, 25.0)
    assert {("grid", 2.345), ("battery", -1.0)} <= set(rig.reported)


async def test_telemetry_goes_on_after_a_restart_of_the_vtn(rig: Rig) -> None:
    """It has forgotten what reports it asked for."""
    await until(lambda: len(rig.reported) >= 2, 25.0)
    await rig.vtn.stop()
    with pytest.raises(VtnError):
        await rig.poll()
    rig.reported.clear()
    await rig.start_vtn()
    await rig.poll()
    assert rig.registered == ["site-1"] * 2
    await until(lambda: len(rig.reported) >= 2, 25.0)
    assert len(rig.ven._client.scheduler.get_jobs()) == 1, "what was asked for before has ended"


async def test_a_refused_modification_ends_the_event(rig: Rig) -> None:
    """The operator no longer asks for what it was, and the answer is opt-out."""
    event = rig.add(1.0)
    await rig.poll()
    rig.modify(event, 3.0)  # the site has two levels
    poll = await rig.poll()
    assert rig.caps() == {}
    assert ["level 3" in text for text in poll.refused] == [True]
    assert rig.answers == [(event, "optIn"), (event, "optOut")]
    await rig.poll()
    assert rig.answers == [(event, "optIn"), (event, "optOut")], "and it stays so"
    rig.modify(event, 2.0)
    await rig.poll()
    assert rig.caps() == {event: 1.5}
    assert rig.answers[-1] == (event, "optIn")


async def test_a_modification_beyond_the_limits_of_the_site_ends_the_event(rig: Rig) -> None:
    event = rig.add(1.0)
    await rig.poll()
    rig.refusals["import-cap"] = "events_a_day"
    rig.modify(event, 2.0)
    await rig.poll()
    await rig.poll()
    assert rig.caps() == {}
    assert rig.answers == [(event, "optIn"), (event, "optOut")]


async def test_a_cancellation_needs_no_baseline(rig: Rig) -> None:
    event = rig.add(-1000.0, "LOAD_DISPATCH", "delta")
    await rig.poll()
    assert rig.caps() == {event: 1.0}
    rig.baseline_kw = None
    assert (await rig.poll()).refused == ()
    assert rig.answers == [(event, "optIn")], "it was accepted, with the baseline of then"
    [wire] = rig.vtn.events["ven-7"]
    wire.event_descriptor.event_status = "cancelled"  # and the VTN goes on listing it
    assert [each.cancelled for each in (await rig.poll()).added] == [True]
    assert rig.caps() == {}
    assert (await rig.poll()).added == ()


async def test_an_event_of_which_one_signal_is_followed_is_opted_in_to(rig: Rig) -> None:
    rig.refusals["price"] = "demand_response.kinds"
    event = rig.add(1.0)
    [wire] = rig.vtn.events["ven-7"]
    price = copy.deepcopy(wire.event_signals[0])
    price.signal_name, price.signal_type, price.signal_id = "ELECTRICITY_PRICE", "price", "b"
    wire.event_signals.append(price)
    poll = await rig.poll()
    assert len(poll.refused) == 1
    assert rig.caps() == {event: 3.0}
    assert rig.answers == [(event, "optIn")]


async def test_an_event_for_another_is_opted_out_of_and_not_followed(rig: Rig) -> None:
    mine, other = rig.add(1.0), rig.add(2.0)
    for wire in rig.vtn.events["ven-7"]:
        name = "ven-7" if wire.event_descriptor.event_id == mine else "ven-8"
        wire.targets = [openleadr.objects.Target(ven_id=name)]
        wire.targets_by_type = {"ven_id": [name]}
    await rig.poll()
    assert rig.caps() == {mine: 3.0}
    assert sorted(rig.answers) == sorted([(mine, "optIn"), (other, "optOut")])


async def until(reached: Callable[[], bool], seconds: float) -> None:
    async with asyncio.timeout(seconds):
        while not reached():  # noqa: ASYNC110 - it is a list that a server fills
            await asyncio.sleep(0.1)


async def test_answers_that_are_none(tmp_path: Path) -> None:
    answers = [b"", b"HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n"]
    answers += [_http(body) for body in (b"<a>", b"nonsense", b"", b"\x00" * 100, b"<a/>" * 1000)]

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(65536)
        writer.write(answers[0])
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    rig = Rig(tmp_path)
    rig.port = server.sockets[0].getsockname()[1]
    rig.start_ven()
    while answers:
        with pytest.raises(VtnError) as error:
            await rig.poll()
        assert "\n" not in str(error.value)
        answers.pop(0)
        if not answers:
            break
    server.close()
    await rig.ven.close()
    rig.history.close()
    assert logging.getLogger("openleadr").propagate is False


def _http(body: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
