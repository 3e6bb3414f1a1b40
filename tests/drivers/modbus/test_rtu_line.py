"""What the link does on an RTU line in single cases, in virtual time."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from virtual_loop import run_virtually

from drivers.errors import BadReply, DriverError, LinkTimeout
from drivers.modbus import link as link_module
from drivers.modbus.link import ModbusLink
from drivers.modbus.rtu_frames import framed

ANSWER_S = 0.02
Sent = list[tuple[float, bytes]]
"""After how many seconds which bytes are sent."""


def read_answer(frame: bytes, value: int | None = None, function: int | None = None) -> bytes:
    """The answer to a read: each register holds its address, or a value."""
    unit, asked, address, count = struct.unpack(">BBHH", frame[:6])
    words = [address + i if value is None else value for i in range(count)]
    return framed(unit, struct.pack(f">BB{count}H", function or asked, 2 * count, *words))


def other_request(address: int = 77, count: int = 1, unit: int = 1) -> bytes:
    return framed(unit, struct.pack(">BHH", 3, address, count))


class Line:
    """A line in memory that says what a function makes of each request."""

    is_open = True

    def __init__(self, says: Callable[[bytes], Sent]) -> None:
        self._says = says
        self._queue: asyncio.Queue[bytes] = asyncio.Queue()
        self.sent: list[bytes] = []
        self.sent_s: list[float] = []
        self.heard_s: list[float] = []

    def say(self, data: bytes, after_s: float = 0.0) -> None:
        asyncio.get_running_loop().call_later(after_s, self._say, data)

    def _say(self, data: bytes) -> None:
        self.heard_s.append(asyncio.get_running_loop().time())
        self._queue.put_nowait(data)

    async def receive(self) -> bytes:
        return await self._queue.get()

    async def arrived(self) -> bytes:
        await asyncio.sleep(0)
        data = b""
        while not self._queue.empty():
            data += self._queue.get_nowait()
        return data

    def send(self, data: bytes) -> None:
        self.sent.append(data)
        self.sent_s.append(asyncio.get_running_loop().time())
        for after_s, frame in self._says(data):
            self.say(frame, after_s)

    def close(self) -> None:
        pass


def on_a_line(
    monkeypatch: pytest.MonkeyPatch,
    says: Callable[[bytes], Sent],
    test: Callable[[ModbusLink, Line], Coroutine[Any, Any, None]],
    url: str = "rtu:///dev/none?baud=9600",
) -> ModbusLink:
    """Run a test with a link to a line that says these things."""

    async def run() -> ModbusLink:
        line = Line(says)

        async def open_wire(_: object) -> Line:
            return line

        monkeypatch.setattr(link_module, "open_wire", open_wire)
        link = ModbusLink(url, timeout_s=0.5)
        await test(link, line)
        await link.close()
        return link

    return run_virtually(run())


def answered(frame: bytes) -> Sent:
    return [(ANSWER_S, read_answer(frame) if frame[1] in (3, 4) else framed(frame[0], frame[1:6]))]


def echoed(frame: bytes) -> Sent:
    return [(0.0, frame), *answered(frame)]


@pytest.mark.parametrize(
    ("baud", "gap_s"), [(1200, 0.0321), (9600, 0.00401), (19200, 0.002), (115200, 0.00175)]
)
def test_between_two_frames_there_is_the_silence_of_the_standard(
    monkeypatch: pytest.MonkeyPatch, baud: int, gap_s: float
) -> None:
    async def test(link: ModbusLink, line: Line) -> None:
        for address in range(5):
            assert await link.read(1, "holding", address, 1) == (address,)
        await asyncio.sleep(100.0)  # nothing strange was heard for long
        line.sent_s.clear()
        line.heard_s.clear()
        for address in range(5):
            assert await link.read(1, "holding", address, 1) == (address,)
        gaps = [
            sent - frame for frame, sent in zip(line.heard_s[:-1], line.sent_s[1:], strict=True)
        ]
        assert gaps == pytest.approx([gap_s] * 4, rel=0.01)

    on_a_line(monkeypatch, answered, test, f"rtu:///dev/none?baud={baud}")


def test_the_first_read_shows_the_echo_and_is_not_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(link: ModbusLink, line: Line) -> None:
        assert link.echoes is None
        assert await link.read(1, "holding", 5, 3) == (5, 6, 7)
        assert link.echoes is True
        await link.write(1, 5, [9])
        await link.write(1, 5, [9, 9])
        assert len(line.sent) == 3

    link = on_a_line(monkeypatch, echoed, test)
    assert link.counters.bad == link.counters.timeouts == link.counters.foreign == 0


@pytest.mark.parametrize("echoes", [0, 1, 2])
def test_no_echo_confirms_a_single_write(monkeypatch: pytest.MonkeyPatch, echoes: int) -> None:
    """Unit 1 answers reads, but no writes; unit 9 nothing at all."""

    def says(frame: bytes) -> Sent:
        echo = [(0.0, frame)] * echoes
        return echo + (answered(frame) if frame[0] == 1 and frame[1] == 3 else [])

    async def test(link: ModbusLink, line: Line) -> None:
        for unit in (9, 1, 9, 1):
            with pytest.raises(LinkTimeout):
                await link.write(unit, 5, [7], urgent=True)
        assert {frame[0] for frame in line.sent if frame[1] == 6} == {1}

    on_a_line(monkeypatch, says, test)


@pytest.mark.parametrize("later", [False, True])
def test_a_line_that_never_falls_silent_costs_a_bounded_time(
    monkeypatch: pytest.MonkeyPatch, later: bool
) -> None:
    async def test(link: ModbusLink, line: Line) -> None:
        await link.read(1, "holding", 1, 1)
        for i in range(2_000):
            line.say(b"\x55", after_s=0.001 * i)
        if later:
            await asyncio.sleep(0.01)
        begin_s = asyncio.get_running_loop().time()
        with pytest.raises(DriverError, match=r"never silent|without an end"):
            await link.read(1, "holding", 2, 1)
        assert asyncio.get_running_loop().time() - begin_s < 1.1
        assert len(line.sent) == (1 if later else 2)

    assert on_a_line(monkeypatch, answered, test).counters.noise_bytes > 600


def test_another_master_gets_its_answer_before_we_ask(monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(link: ModbusLink, line: Line) -> None:
        await link.read(1, "holding", 1, 1)
        request = other_request()
        line.say(request)
        line.say(read_answer(request), after_s=0.3)
        await asyncio.sleep(0.05)
        assert await link.read(1, "holding", 2, 1) == (2,)
        assert line.sent_s[1] > line.heard_s[2] + 0.003

    assert on_a_line(monkeypatch, answered, test).counters.foreign == 2


@pytest.mark.parametrize(
    "beside",
    [
        [(0.001, other_request()), (0.01, read_answer(other_request()))],
        [(0.01, read_answer(other_request()))],  # before ours
        [(0.03, read_answer(other_request()))],  # after ours
        [(0.01, other_request()[:5])],
        [(0.01, bytes(20))],
    ],
)
def test_an_answer_that_did_not_come_alone_is_refused(
    monkeypatch: pytest.MonkeyPatch, beside: Sent
) -> None:
    calm = True

    async def test(link: ModbusLink, line: Line) -> None:
        nonlocal calm
        await link.read(1, "holding", 1, 1)
        calm = False
        with pytest.raises(BadReply):
            await link.read(1, "holding", 2, 1)
        calm = True
        assert await link.read(1, "holding", 3, 2) == (3, 4)

    link = on_a_line(monkeypatch, lambda frame: answered(frame) + ([] if calm else beside), test)
    assert link.counters.bad == 1
    assert link.counters.foreign + link.counters.noise_bytes >= 1


def test_two_bytes_of_noise_are_only_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(link: ModbusLink, line: Line) -> None:
        for address in range(50):
            assert await link.read(1, "holding", address, 1) == (address,)

    link = on_a_line(
        monkeypatch, lambda frame: [(0.01, b"\x00"), *answered(frame), (0.021, b"\xff")], test
    )
    assert (link.counters.noise_bytes, link.counters.bad) == (100, 0)


def test_an_answer_that_comes_again_is_not_taken_for_the_next_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The copy arrives before the true answer, or instead of it."""
    before: list[bytes] = []

    def says(frame: bytes) -> Sent:
        copies = [(0.001, each) for each in before[-1:]]
        before.append(read_answer(frame))
        return copies + (answered(frame) if len(before) % 5 else [])

    async def test(link: ModbusLink, line: Line) -> None:
        read = 0
        for address in range(100):
            try:
                assert await link.read(1, "holding", address, 1, urgent=True) == (address,)
                read += 1
            except DriverError:
                before.clear()
        assert read > 10

    assert on_a_line(monkeypatch, says, test).counters.repeated > 10


def test_registers_with_the_same_content_can_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """Their answers are byte for byte the same, as if one had come twice."""

    async def test(link: ModbusLink, line: Line) -> None:
        for address in range(20):
            assert await link.read(1, "holding", address, 2) == (0, 0)

    link = on_a_line(monkeypatch, lambda frame: [(ANSWER_S, read_answer(frame, value=0))], test)
    assert link.counters.bad == link.counters.repeated == 0


def test_beside_a_master_that_is_not_heard_a_value_is_read_twice(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its answers come instead of ours, which the unit did not hear."""
    lost = False

    async def test(link: ModbusLink, line: Line) -> None:
        nonlocal lost
        assert await link.read(1, "holding", 1, 1) == (1,)
        line.say(read_answer(other_request(count=3)))
        await asyncio.sleep(0.1)
        assert await link.read(1, "holding", 2, 1) == (2,)
        assert len(line.sent) == 3, "read twice"
        lost = True
        with pytest.raises(BadReply, match="read twice, with two results"):
            await link.read(1, "holding", 3, 1)
        lost = False
        await asyncio.sleep(70.0)
        assert await link.read(1, "holding", 4, 1) == (4,)
        assert len(line.sent) == 6, "once again"

    def says(frame: bytes) -> Sent:
        nonlocal lost
        if not lost:
            return answered(frame)
        lost = False
        return [(ANSWER_S, read_answer(other_request()))]

    on_a_line(monkeypatch, says, test)


def test_unit_0_addresses_all_units_and_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(link: ModbusLink, line: Line) -> None:
        with pytest.raises(DriverError, match="unit 0 addresses all units of an RTU line"):
            await link.read(0, "holding", 1, 1)
        with pytest.raises(DriverError, match="unit 0 addresses all units of an RTU line"):
            await link.write(0, 1, [1])
        assert line.sent == []

    on_a_line(monkeypatch, answered, test)
