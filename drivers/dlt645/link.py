"""One line to DL/T 645 meters: one owner, one request at a time, every failure raised as an error
of `drivers/errors.py`.

A reply names its meter and the data that was asked for, so a late one is recognised and passed
over. What arrived before a request is discarded unread. After a time-out a TCP connection is opened
anew.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from drivers.address import parse_address
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
from drivers.reachability import why_unreachable
from drivers.serialport import PORT_ERRORS
from drivers.wire import Wire, open_wire

RECONNECT_PAUSES_S: Final = growing_pauses(0.25, 5.0)
"""Rests after failed connections, seconds; as on a Modbus link."""
METER_PAUSE_MAX: Final = 10.0
"""A silent meter rests for at most this many of its time-outs, so that a line spends at most a
tenth of its time on each of them.
"""
MAX_FOLLOWING: Final = 16
"""Follow-up frames of one reply; none of the items in our maps needs more than one."""

_ERRORS: Final[Mapping[int, str]] = {
    0x01: "other error",
    0x02: "no such data",
    0x04: "wrong password or not authorised",
    0x08: "the baud rate cannot be changed",
    0x10: "too many yearly time zones",
    0x20: "too many daily time periods",
    0x40: "too many tariff rates",
}
"""Bits of the error byte in a reply that refuses (DL/T 645-2007, error information word ERR)."""


@dataclass(slots=True)
class _Meter:
    """What the link knows of one meter."""

    silence: Backoff
    counters: Counters = field(default_factory=Counters)


class Dlt645Link:
    """A line to one or more meters, opened on first use and again whenever it broke.

    `url` is one of the DL/T 645 forms in `drivers/address.py`; `timeout_s` bounds connecting and
    each reply. Raises ValueError for a bad URL. Use it in one event loop only.
    """

    def __init__(self, url: str, *, timeout_s: float = 1.0) -> None:
        self.url = url
        self._address, self._timeout_s = parse_address(url), timeout_s
        self._lock = asyncio.Lock()
        self._wire: Wire | None = None
        self._connecting = Backoff(RECONNECT_PAUSES_S)
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
        """The data bytes of one data identifier, such as 0x02030000, of the meter at an address of
        12 digits. Follow-up frames are joined.

        Raises LinkDown, LinkTimeout, DeviceRefused, BadReply; DriverError for an invalid address.
        """
        wanted = item.to_bytes(4, "little")
        reply = await self._exchange(Frame(address, READ, wanted), wanted)
        data, following = reply.data[4:], 0
        while reply.control & MORE:
            following += 1
            if following > MAX_FOLLOWING:
                raise BadReply(
                    f"{self._of(address)} sends {item:08X} in more than {MAX_FOLLOWING} parts"
                )
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
            raise BadReply(f"{self.url}: a meter answered without an address")
        return found

    async def close(self) -> None:
        """Close the line; the next use opens it again."""
        self._drop()
        await asyncio.sleep(0)  # the event loop releases a serial port in its next iteration

    async def _exchange(self, request: Frame, echoed: bytes) -> Frame:
        longest_s = METER_PAUSE_MAX * self._timeout_s
        meter = self._meters.setdefault(
            request.address, _Meter(Backoff(growing_pauses(self._timeout_s, longest_s)))
        )
        try:
            sent = encode_frame(request)
        except ValueError as exc:
            raise DriverError(f"{self.url}: {exc}") from None
        self._refuse_resting(request.address, meter)
        async with self._lock:
            self._refuse_resting(request.address, meter)
            wire = await self._connected()
            for counters in (self._counters, meter.counters):
                counters.requests += 1
            try:
                await wire.arrived()  # it answers nothing that is asked now
                wire.send(sent)
                async with asyncio.timeout(self._timeout_s):
                    reply = await _answer(wire, request, echoed)
            except TimeoutError:
                meter.silence.failed(_now())
                if not self._address.is_serial:
                    # A serial server that went away may leave a connection that looks open.
                    self._drop()
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

    def _refuse_resting(self, address: str, meter: _Meter) -> None:
        if meter.silence.resting(_now()):
            raise LinkTimeout(
                f"{self._of(address)} was not asked; "
                f"unanswered requests before: {meter.silence.failures}"
            )

    async def _connected(self) -> Wire:
        if self._wire is not None:
            return self._wire
        if self._connecting.resting(_now()):
            raise LinkDown(f"{self.url}: no connection, next attempt soon")
        try:
            async with asyncio.timeout(self._timeout_s):
                self._wire = await open_wire(self._address)
        except (*PORT_ERRORS, ValueError) as exc:  # TimeoutError is an OSError
            self._connecting.failed(_now())
            why = "no answer"
            if not isinstance(exc, TimeoutError):
                why = await why_unreachable(self._address, self._timeout_s)
            raise LinkDown(f"{self.url}: cannot connect: {why}") from None
        self._connecting.succeeded()
        self._counters.reconnects += int(self._connected_before)
        self._connected_before = True
        return self._wire

    def _drop(self) -> None:
        if self._wire is not None:
            self._wire.close()
            self._wire = None

    def _of(self, address: str) -> str:
        return f"{self.url} meter {address}"


async def _answer(wire: Wire, request: Frame, echoed: bytes) -> Frame:
    """The frame that answers the request. Noise, and frames of other requests, are passed over."""
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
