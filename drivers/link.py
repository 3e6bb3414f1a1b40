"""One Modbus TCP connection: one owner per socket, one request at a time, every failure in our exception tree.

The rules that field trouble asks for: no retry here (the next cycle is the retry); after a time-out the socket is
closed, so that a late reply can never pass as another register's value; a unit that does not answer is left alone for
a while, so that it does not slow the others on the same link.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal
from urllib.parse import urlsplit

from pymodbus.client import AsyncModbusTcpClient
from pymodbus.exceptions import ModbusException
from pymodbus.pdu import ModbusPDU

from drivers.errors import BadReply, DeviceRefused, DriverError, LinkDown, LinkError, LinkTimeout

# pymodbus dumps packets at ERROR; what matters arrives as an exception.
logging.getLogger("pymodbus").setLevel(logging.CRITICAL)

Space = Literal["input", "holding"]

MAX_READ: Final = 125
MAX_WRITE: Final = 123
RECONNECT_FIRST_S: Final = 0.25
RECONNECT_MAX_S: Final = 5.0
UNIT_PAUSE_MAX: Final = 10.0
"""A silent unit is asked again after at most this many of its time-outs: it costs the link less than a tenth."""

_GATEWAY_CODES: Final = {10: "the gateway has no path to it", 11: "the gateway got no answer from it"}
_CODES: Final = {
    1: "function not supported",
    2: "no such address",
    3: "value not accepted",
    4: "device failure",
    5: "acknowledged, not finished",
    6: "device busy",
    8: "memory parity error",
}


@dataclass(frozen=True, slots=True)
class Counters:
    """What a link has done since it was made."""

    requests: int = 0
    timeouts: int = 0
    refused: int = 0
    reconnects: int = 0


@dataclass(slots=True)
class _Unit:
    """What the link remembers of one unit."""

    reply_s: float
    gap_s: float
    silent: int = 0
    ask_again: float = 0.0


class ModbusLink:
    """A Modbus TCP connection, opened on first use and again whenever it broke.

    `url` is `tcp://host:port`; `timeout_s` bounds connecting and each reply; `gap_s` is the pause between two
    requests. Raises ValueError for a bad URL. Use it in one event loop only.
    """

    def __init__(self, url: str, *, timeout_s: float = 1.0, gap_s: float = 0.0) -> None:
        parts = urlsplit(url)
        if parts.scheme != "tcp" or not parts.hostname or not parts.port or parts.path:
            raise ValueError(f"link url {url!r} must look like tcp://host:port")
        self.url = url
        self._host, self._port = parts.hostname, parts.port
        self._timeout_s, self._gap_s = timeout_s, gap_s
        self._units: dict[int, _Unit] = {}
        self._lock = asyncio.Lock()
        self._client: AsyncModbusTcpClient | None = None
        self._connected_before = False
        self._connect_failures = 0
        self._connect_again = 0.0
        self._last_exchange = -math.inf
        self._counters = Counters()

    @property
    def counters(self) -> Counters:
        """A snapshot of the counters."""
        return self._counters

    def expect(self, unit: int, *, reply_s: float, gap_s: float) -> None:
        """Make known that a unit is slower than the link's own `timeout_s` or `gap_s`; the larger value holds."""
        known = self._unit(unit)
        known.reply_s, known.gap_s = max(known.reply_s, reply_s), max(known.gap_s, gap_s)

    async def read(self, unit: int, space: Space, address: int, count: int, *, urgent: bool = False) -> tuple[int, ...]:
        """`count` registers (0..65535 each) from a 0-based `address`: FC3 for holding, FC4 for input registers.

        Raises LinkDown, LinkTimeout, DeviceRefused, BadReply; DriverError for a request that Modbus cannot carry.
        `urgent` asks at once, also a unit or a host that is being left alone after failures.
        """
        _check(unit, address, count, MAX_READ)

        def ask(client: AsyncModbusTcpClient) -> Awaitable[ModbusPDU]:
            call = client.read_input_registers if space == "input" else client.read_holding_registers
            return call(address, count=count, device_id=unit)

        reply = await self._exchange(unit, 4 if space == "input" else 3, ask, urgent)
        if len(reply.registers) != count:
            self._drop()
            raise BadReply(
                f"{self._of(unit)} answered {len(reply.registers)} registers, asked for {count} at {space} {address}"
            )
        return tuple(reply.registers)

    async def write(self, unit: int, address: int, registers: Sequence[int], *, urgent: bool = False) -> None:
        """Write holding registers from a 0-based `address`: FC6 for one register, FC16 for more. Raises as `read`."""
        _check(unit, address, len(registers), MAX_WRITE)
        if not all(0 <= register <= 0xFFFF for register in registers):
            raise DriverError(f"registers must be 0..65535, not {list(registers)}")

        def ask(client: AsyncModbusTcpClient) -> Awaitable[ModbusPDU]:
            if len(registers) == 1:
                return client.write_register(address, registers[0], device_id=unit)
            return client.write_registers(address, list(registers), device_id=unit)

        reply = await self._exchange(unit, 6 if len(registers) == 1 else 16, ask, urgent)
        if reply.address != address:
            self._drop()
            raise BadReply(f"{self._of(unit)} confirmed a write at {reply.address}, asked for {address}")

    async def close(self) -> None:
        """Close the socket; the next use opens it again."""
        self._drop()

    async def _exchange(
        self, unit: int, function: int, ask: Callable[[AsyncModbusTcpClient], Awaitable[ModbusPDU]], urgent: bool
    ) -> ModbusPDU:
        known = self._unit(unit)
        self._let_rest(unit, known, urgent)
        async with self._lock:
            self._let_rest(unit, known, urgent)
            client = await self._connected(urgent)
            await asyncio.sleep(self._last_exchange + known.gap_s - _now())
            self._count(requests=1)
            try:
                async with asyncio.timeout(known.reply_s):
                    reply = await ask(client)
            except TimeoutError:
                raise self._silent(unit, known, client.connected) from None
            except (ModbusException, OSError) as exc:
                self._drop()
                raise LinkDown(f"{self.url}: connection lost: {exc}", sent=True) from exc
            except BaseException:
                self._drop()  # cancelled: the reply may still come
                raise
            finally:
                self._last_exchange = _now()
            return self._judge(unit, known, function, reply)

    def _judge(self, unit: int, known: _Unit, function: int, reply: ModbusPDU) -> ModbusPDU:
        """The reply when it answers the request; raises otherwise."""
        code = reply.exception_code if reply.isError() else 0
        self._count(refused=int(code != 0))
        if code in _GATEWAY_CODES:
            self._rest(known)
            raise LinkTimeout(f"{self._of(unit)} does not answer: {_GATEWAY_CODES[code]}", sent=True)
        known.silent, known.ask_again = 0, 0.0
        if code:
            raise DeviceRefused(f"{self._of(unit)} refused: {_CODES.get(code, 'unknown reason')} (code {code})", code)
        if reply.function_code != function:
            self._drop()
            raise BadReply(f"{self._of(unit)} answered function {reply.function_code}, asked for {function}")
        return reply

    def _silent(self, unit: int, known: _Unit, connected: bool) -> LinkError:
        self._drop()
        self._count(timeouts=1)
        self._rest(known)
        if not connected:
            return LinkDown(f"{self.url}: connection lost while unit {unit} was asked", sent=True)
        return LinkTimeout(f"{self._of(unit)} did not answer within {known.reply_s:g} s", sent=True)

    def _rest(self, known: _Unit) -> None:
        known.silent += 1
        known.ask_again = _now() + known.reply_s * min(2.0 ** (known.silent - 1), UNIT_PAUSE_MAX)

    def _let_rest(self, unit: int, known: _Unit, urgent: bool) -> None:
        if not urgent and _now() < known.ask_again:
            raise LinkTimeout(f"{self._of(unit)} is left alone for a while; unanswered requests: {known.silent}")

    async def _connected(self, urgent: bool) -> AsyncModbusTcpClient:
        if self._client is not None and self._client.connected:
            return self._client
        self._drop()
        if not urgent and _now() < self._connect_again:
            raise LinkDown(f"{self.url}: no connection, next attempt soon")
        # A client of its own for each connection: nothing of a broken one can reach the next. Time-outs are ours.
        client = AsyncModbusTcpClient(self._host, port=self._port, timeout=3600, retries=0, reconnect_delay=0)
        try:
            async with asyncio.timeout(self._timeout_s):
                opened = await client.connect()
        except TimeoutError:
            opened = False
        if not opened:
            pause = min(RECONNECT_FIRST_S * 2**self._connect_failures, RECONNECT_MAX_S)
            self._connect_failures = min(self._connect_failures + 1, 10)
            self._connect_again = _now() + pause
            raise LinkDown(f"{self.url}: cannot connect")
        self._connect_failures = 0
        self._count(reconnects=int(self._connected_before))
        self._connected_before = True
        self._client = client
        return client

    def _drop(self) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None

    def _unit(self, unit: int) -> _Unit:
        return self._units.setdefault(unit, _Unit(self._timeout_s, self._gap_s))

    def _of(self, unit: int) -> str:
        return f"{self.url} unit {unit}"

    def _count(self, *, requests: int = 0, timeouts: int = 0, refused: int = 0, reconnects: int = 0) -> None:
        old = self._counters
        self._counters = replace(
            old,
            requests=old.requests + requests,
            timeouts=old.timeouts + timeouts,
            refused=old.refused + refused,
            reconnects=old.reconnects + reconnects,
        )


def _now() -> float:
    return asyncio.get_running_loop().time()


def _check(unit: int, address: int, count: int, most: int) -> None:
    if not (0 <= unit <= 255 and 1 <= count <= most and 0 <= address <= 65536 - count):
        raise DriverError(f"Modbus cannot carry unit {unit}, address {address}, count {count} (at most {most})")
