"""An RTU bus with all that field reports describe: echo, repeated and late answers, another master,
noise, frames in pieces. Registers hold what follows from unit and address, so that a value of
another register is seen.
"""

from __future__ import annotations

import asyncio
import os
import random
import struct
import tty
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from drivers.modbus.rtu_frames import framed, frames_in

UNITS = (1, 2)
ABSENT = 9
Send = Callable[[bytes], object]


@dataclass(frozen=True)
class Habits:
    """What a bus does, mostly as probabilities for each frame. Times in seconds."""

    echoes: int = 0
    unsteady_echo: float = 0.0
    """Requests with one echo more or less."""
    slowest_s: float = 0.004
    silent: float = 0.0
    """Requests that are not answered."""
    late: float = 0.0
    """Answers that come after the time-out, within twice of it."""
    repeated: float = 0.0
    repeated_after_s: float = 0.05
    """Longest time until the copy."""
    foreign: float = 0.0
    """Requests of ours that fall together with one of another master."""
    foreign_is_heard: bool = True
    """Whether its requests are heard, or only the answers."""
    foreign_instead: float = 0.0
    """Of these, how often only the other master is answered."""
    idle_s: float = 0.0
    """The other master asks this often on its own, at random."""
    noise: float = 0.0
    longest_noise: int = 3
    torn: float = 0.0
    """Frames of the other master that end too early."""
    pieces: float = 0.0
    """Frames that arrive in pieces."""


def register_at(unit: int, function: int, address: int) -> int:
    return (unit * 20011 + function * 3001 + address * 7) & 0xFFFF


@dataclass
class Bus:
    """Takes what we send, and says what is sent on the line."""

    habits: Habits
    random: random.Random
    reply_s: float
    send: Send = lambda data: None
    written: dict[tuple[int, int], int] = field(default_factory=dict)
    shapes: list[tuple[int, int]] = field(default_factory=lambda: [(3, 1)])
    """Function and count of our latest reads, which the other master copies."""
    _sent: int = 0
    _busy_until_s: float = 0.0
    fixed: bool = False
    """Whether the other master always asks for the same registers."""
    _timers: set[asyncio.TimerHandle] = field(default_factory=set)
    _task: asyncio.Task[None] | None = None

    def start(self) -> None:
        if self.habits.idle_s:
            self._task = asyncio.create_task(self._ask_on_its_own())

    def stop(self) -> None:
        for timer in self._timers:
            timer.cancel()
        if self._task is not None:
            self._task.cancel()

    def take(self, data: bytes) -> None:
        for frame in frames_in(data).frames:
            self._asked(frame)

    def _asked(self, frame: bytes) -> None:
        unit, function, address, count = struct.unpack(">BBHH", frame[:6])
        habits, chance = self.habits, self.random.random
        if function in (3, 4):
            self.shapes = [*self.shapes[-3:], (function, count)]
        echoes = habits.echoes
        if chance() < habits.unsteady_echo:
            echoes = max(0, echoes + self.random.choice((-1, 1)))
        for _ in range(echoes):
            self._say(frame, 0.0)
        at_s = self._usual_s()
        lost = unit not in UNITS or chance() < habits.silent
        if chance() < habits.foreign:
            at_s = self._another_exchange(at_s)
            lost |= chance() < habits.foreign_instead
            if not habits.foreign_is_heard or chance() < 0.5:
                at_s += self._usual_s()  # ours comes after it
        if lost:
            return
        answer = self._answer(unit, function, address, count, frame)
        if chance() < habits.late:
            at_s = self.reply_s * self.random.uniform(1.02, 1.9)
        self._say(answer, at_s)
        if chance() < habits.repeated:
            self._say(answer, at_s + self.random.uniform(0.0, habits.repeated_after_s))
        if chance() < habits.foreign / 4:
            self._another_exchange(at_s + self._usual_s())

    def _usual_s(self) -> float:
        return self.random.uniform(0.0, self.habits.slowest_s)

    def _another_exchange(self, at_s: float) -> float:
        """Another master asks and is answered, mostly with what could be our answer. Returns when
        it is answered.
        """
        unit, (function, count) = self.random.choice(UNITS), self.random.choice(self.shapes)
        address = 4242 if self.fixed else self.random.randrange(5000)
        request = framed(unit, struct.pack(">BHH", function, address, count))
        answer = self._answer(unit, function, address, count, request)
        torn = self.random.random() < self.habits.torn
        if self.habits.foreign_is_heard:
            self._say(request, at_s)
        at_s += self._usual_s()
        self._say(answer[: self.random.randrange(1, len(answer))] if torn else answer, at_s)
        return at_s

    def _answer(self, unit: int, function: int, address: int, count: int, frame: bytes) -> bytes:
        if function in (3, 4):
            registers = [self.value(unit, function, at) for at in range(address, address + count)]
            return framed(unit, struct.pack(f">BB{count}H", function, 2 * count, *registers))
        values = [count] if function == 6 else struct.unpack(f">{count}H", frame[7:-2])
        self.written |= {(unit, address + i): value for i, value in enumerate(values)}
        return framed(unit, frame[1:6])

    def value(self, unit: int, function: int, address: int) -> int:
        if function == 3 and (unit, address) in self.written:
            return self.written[unit, address]
        return register_at(unit, function, address)

    def _say(self, frame: bytes, at_s: float) -> None:
        chance = self.random.random
        if chance() < self.habits.noise:
            extra = self.random.randbytes(self.random.randint(1, self.habits.longest_noise))
            frame = extra + frame if chance() < 0.5 else frame + extra
        cut = len(frame)
        if chance() < self.habits.pieces and len(frame) > 1:
            cut = self.random.randrange(1, len(frame))
        # The order is kept: two timers of one time may be swapped.
        self._sent += 1
        self._at(asyncio.get_running_loop().time() + at_s + 1e-7 * self._sent, frame, cut)

    def _at(self, at_s: float, frame: bytes, cut: int) -> None:
        loop = asyncio.get_running_loop()
        self._timers = {timer for timer in self._timers if timer.when() > loop.time()}
        self._timers.add(loop.call_later(at_s - loop.time(), self._speak, frame, cut))

    def _speak(self, frame: bytes, cut: int) -> None:
        """Send a frame in two pieces, once no other frame is being sent."""
        now_s = asyncio.get_running_loop().time()
        if now_s < self._busy_until_s:
            self._at(self._busy_until_s + 1e-6, frame, cut)
            return
        self.send(frame[:cut])
        if frame[cut:]:
            self._busy_until_s = now_s + self.random.uniform(0.0, 0.002)
            self._timers.add(
                asyncio.get_running_loop().call_later(
                    self._busy_until_s - now_s, lambda: self.send(frame[cut:])
                )
            )

    async def _ask_on_its_own(self) -> None:
        while True:
            await asyncio.sleep(self.random.uniform(0.0, 2.0 * self.habits.idle_s))
            self._another_exchange(0.0)


class MemoryWire:
    """The line of a bus without a kernel between; see `drivers/wire.py`."""

    is_open = True

    def __init__(self, bus: Bus) -> None:
        self._bus, self._buffer, self._arrived = bus, bytearray(), asyncio.Event()
        bus.send = self._put

    def _put(self, data: bytes) -> None:
        self._buffer += data
        self._arrived.set()

    async def receive(self) -> bytes:
        await self._arrived.wait()
        return await self.arrived()

    async def arrived(self) -> bytes:
        data = bytes(self._buffer)
        self._buffer.clear()
        self._arrived.clear()
        return data

    def send(self, data: bytes) -> None:
        self._bus.take(data)

    def close(self) -> None:
        """Nothing is heard any more."""
        self._bus.send = lambda data: None


@asynccontextmanager
async def behind_a_serial_server(bus: Bus) -> AsyncIterator[str]:
    """The newest connection receives all that is sent on the line."""
    newest: list[asyncio.StreamWriter] = []

    def send(data: bytes) -> None:
        if newest and not newest[-1].is_closing():
            newest[-1].write(data)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        newest.append(writer)
        try:
            while data := await reader.read(256):
                bus.take(data)
        except (asyncio.CancelledError, OSError):
            pass  # the end of the test, or of the connection
        writer.close()

    bus.send = send
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    bus.start()
    try:
        yield f"rtu+tcp://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        bus.stop()
        server.close()


@asynccontextmanager
async def on_a_serial_line(bus: Bus) -> AsyncIterator[str]:
    """A pseudo-terminal."""
    ours, theirs = os.openpty()
    tty.setraw(ours)
    bus.send = lambda data: os.write(ours, data)
    loop = asyncio.get_running_loop()
    loop.add_reader(ours, lambda: bus.take(os.read(ours, 256)))
    bus.start()
    try:
        yield f"rtu://{os.ttyname(theirs)}?baud=115200"
    finally:
        bus.stop()
        loop.remove_reader(ours)
        os.close(ours)
        os.close(theirs)
