"""One line to DL/T 645 meters: one owner, one request at a time, every failure in our exception
tree.

A reply names its meter and what was asked for, so a late one is told apart; and before each request
what is still in the line is thrown away, so that it is not even looked at. After a time-out a TCP
connection is opened anew.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final, Protocol

from drivers.address import Address, parse_address
from drivers.backoff import Backoff, growing_pauses
from drivers.counters import Counters
from drivers.dlt645.frame import (
    ANYONE,
    MORE,
    READ,
    READ_ADDRESS,
    READ_MORE,
    REFUSED,
    REPLY,
    Frame,
    encode_frame,
    take_frames,
)
from drivers.errors import BadReply, DeviceRefused, DriverError, LinkDown, LinkTimeout
from drivers.serialport import PORT_ERRORS, parity_of

RECONNECT_FIRST_S: Final = 0.25
RECONNECT_MAX_S: Final = 5.0
METER_PAUSE_MAX: Final = 10.0
"""A silent meter is asked again after at most this many of its time-outs."""
MOST_FOLLOWING: Final = 16
"""A reply that goes on for ever is none."""

_ERRORS: Final = {
    0x01: "other error",
    0x02: "it has no such data",
    0x04: "not authorised",
    0x08: "the baud rate cannot be changed",
    0x10: "too many yearly zones",
    0x20: "too many daily periods",
    0x40: "too many rates",
}


class Wire(Protocol):
    """An open line, whatever carries it."""

    async def receive(self) -> bytes:
        """The next bytes. Raises EOFError or OSError when the line is gone."""
        ...

    def send(self, data: bytes) -> None:
        """Send bytes. Raises OSError when the line is gone."""
        ...

    def flush(self) -> None:
        """Forget what was received and not yet taken."""
        ...

    def close(self) -> None:
        """Hang up."""
        ...


class _StreamWire:
    """A line read through an asyncio stream; `sink` takes what is sent, `hang_up` ends it."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        sink: Callable[[bytes], object],
        hang_up: Callable[[], object],
    ) -> None:
        self._reader, self._sink, self._hang_up = reader, sink, hang_up

    async def receive(self) -> bytes:
        data = await self._reader.read(4096)
        if not data:
            raise EOFError("the line was closed")
        return data

    def send(self, data: bytes) -> None:
        self._sink(data)

    def flush(self) -> None:
        # What has arrived lies in the reader's buffer, which has no method for this.
        self._reader._buffer.clear()  # type: ignore[attr-defined]  # private

    def close(self) -> None:
        self._hang_up()


@dataclass(slots=True)
class _Meter:
    """What the line remembers of one meter."""

    silence: Backoff
    counters: Counters = field(default_factory=Counters)


class Dlt645Link:
    """A line to one or more meters, opened on first use and again whenever it broke.

    `timeout_s` bounds connecting and each reply. Raises ValueError for a bad URL. Use it in one
    event loop only.
    """

    def __init__(self, url: str, *, timeout_s: float = 1.0) -> None:
        self.url = url
        self._address, self._timeout_s = parse_address(url), timeout_s
        self._lock = asyncio.Lock()
        self._wire: Wire | None = None
        self._connecting = Backoff(growing_pauses(RECONNECT_FIRST_S, RECONNECT_MAX_S))
        self._meters: dict[str, _Meter] = {}
        self._counters = Counters()
        self._connected_before = False

    @property
    def counters(self) -> Counters:
        """A snapshot of the counters of the line."""
        return replace(self._counters)

    @property
    def unit_counters(self) -> Mapping[str, Counters]:
        """A snapshot of the counters of each meter that was asked, by address."""
        return {address: replace(meter.counters) for address, meter in sorted(self._meters.items())}

    async def read(self, address: str, item: int) -> bytes:
        """The data of one identifier, such as 0x02030000, of the meter at an address; follow-up
        frames joined.

        Raises LinkDown, LinkTimeout, DeviceRefused, BadReply; DriverError for an address that is
        none.
        """
        wanted = item.to_bytes(4, "little")
        reply = await self._exchange(Frame(address, READ, wanted), wanted)
        data, following = reply.data[4:], 0
        while reply.control & MORE:
            following += 1
            if following > MOST_FOLLOWING:
                raise BadReply(f"{self._of(address)} goes on with {item:08X} for ever")
            number = bytes((following,))
            reply = await self._exchange(Frame(address, READ_MORE, wanted + number), wanted)
            if reply.data[-1:] != number:
                raise BadReply(
                    f"{self._of(address)} sent another part of {item:08X} than was asked for"
                )
            data += reply.data[4:-1]
        return data

    async def find_address(self) -> str:
        """The address of the one meter on the line. Raises as `read`."""
        reply = await self._exchange(Frame(ANYONE, READ_ADDRESS, b""), b"")
        if len(reply.data) != 6 or not (found := reply.data[::-1].hex()).isdecimal():
            raise BadReply(f"{self.url}: a meter told no address")
        return found

    async def close(self) -> None:
        """Hang up; the next use connects again."""
        self._drop()
        await asyncio.sleep(0)  # the event loop lets go of a serial port in its next turn

    async def _exchange(self, request: Frame, echoed: bytes) -> Frame:
        longest_s = METER_PAUSE_MAX * self._timeout_s
        meter = self._meters.setdefault(
            request.address, _Meter(Backoff(growing_pauses(self._timeout_s, longest_s)))
        )
        try:
            sent = encode_frame(request)
        except ValueError as exc:
            raise DriverError(f"{self.url}: {exc}") from None
        self._let_rest(request.address, meter)
        async with self._lock:
            self._let_rest(request.address, meter)
            wire = await self._connected()
            for counters in (self._counters, meter.counters):
                counters.requests += 1
            try:
                wire.flush()
                wire.send(sent)
                async with asyncio.timeout(self._timeout_s):
                    reply = await _answer(wire, request, echoed)
            except TimeoutError:
                meter.silence.failed(_now())
                if not self._address.is_serial:
                    self._drop()  # a serial server that went away may leave a connection that looks open
                for counters in (self._counters, meter.counters):
                    counters.timeouts += 1
                text = f"{self._of(request.address)} did not answer within {self._timeout_s:g} s"
                raise LinkTimeout(text, sent=True) from None
            except (*PORT_ERRORS, EOFError) as exc:
                self._drop()
                raise LinkDown(f"{self.url}: connection lost: {exc}", sent=True) from exc
        meter.silence.succeeded()
        if reply.control & REFUSED:
            for counters in (self._counters, meter.counters):
                counters.refused += 1
            code = reply.data[0] if reply.data else 0
            why = ", ".join(text for bit, text in _ERRORS.items() if code & bit) or "unknown reason"
            raise DeviceRefused(f"{self._of(request.address)} refused: {why} (code {code})", code)
        return reply

    def _let_rest(self, address: str, meter: _Meter) -> None:
        if meter.silence.resting(_now()):
            raise LinkTimeout(
                f"{self._of(address)} is left alone for a while; unanswered requests: {meter.silence.failures}"
            )

    async def _connected(self) -> Wire:
        if self._wire is not None:
            return self._wire
        if self._connecting.resting(_now()):
            raise LinkDown(f"{self.url}: no connection, next attempt soon")
        try:
            async with asyncio.timeout(self._timeout_s):
                self._wire = await self._open()
        except (*PORT_ERRORS, ValueError) as exc:  # TimeoutError is an OSError
            self._connecting.failed(_now())
            raise LinkDown(f"{self.url}: cannot connect: {exc or 'no answer'}") from None
        self._connecting.succeeded()
        self._counters.reconnects += int(self._connected_before)
        self._connected_before = True
        return self._wire

    def _open(self) -> Awaitable[Wire]:
        return open_serial(self._address) if self._address.is_serial else open_tcp(self._address)

    def _drop(self) -> None:
        if self._wire is not None:
            self._wire.close()
            self._wire = None

    def _of(self, address: str) -> str:
        return f"{self.url} meter {address}"


async def open_tcp(address: Address) -> Wire:
    """A line through a transparent serial server. Raises OSError when it cannot be reached."""
    reader, writer = await asyncio.open_connection(address.host, address.port)
    return _StreamWire(reader, writer.write, writer.close)


async def open_serial(address: Address) -> Wire:
    """A serial line with 8 data bits, held by us alone.

    Raises OSError when it cannot be opened.
    """
    import serial

    port = serial.Serial(
        address.device,
        address.baud,
        parity=parity_of(address),
        stopbits=address.stop_bits,
        timeout=0,
        write_timeout=0,
        exclusive=True,
    )
    reader = asyncio.StreamReader()
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), port
    )
    return _StreamWire(reader, lambda data: os.write(port.fileno(), data), transport.close)


async def _answer(wire: Wire, request: Frame, echoed: bytes) -> Frame:
    """The frame that answers the request; whatever else comes is passed over."""
    received = bytearray()
    while True:
        received += await wire.receive()
        for frame in take_frames(received):
            ours = (
                request.address in (frame.address, ANYONE)
                and frame.control & 0x1F == request.control
            )
            refused = frame.control & REFUSED
            if ours and frame.control & REPLY and (refused or frame.data.startswith(echoed)):
                return frame


def _now() -> float:
    return asyncio.get_running_loop().time()
