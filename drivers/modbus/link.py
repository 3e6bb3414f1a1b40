"""One Modbus connection: one owner per socket or port, one request at a time, every failure in our
exception tree.

The rules that field trouble asks for: no retry here (the next cycle is the retry); after a time-out
a TCP socket is closed, and an RTU line, whose frames do not say which request they answer, stays
quiet until nothing late can come any more, so that a late reply can never pass as another
register's value; a unit that does not answer is left alone for a while, so that it does not slow
the others on the same link.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, Literal

from pymodbus.exceptions import ModbusException
from pymodbus.pdu import ModbusPDU

from drivers.address import parse_address
from drivers.backoff import Backoff, growing_pauses
from drivers.counters import Counters
from drivers.errors import BadReply, DeviceRefused, DriverError, LinkDown, LinkError, LinkTimeout
from drivers.modbus.transport import Client, Credentials, discard_input, new_client
from drivers.serialport import PORT_ERRORS

# pymodbus dumps packets at ERROR; what matters arrives as an exception.
logging.getLogger("pymodbus").setLevel(logging.CRITICAL)

Space = Literal["input", "holding"]

MAX_READ: Final = 125
MAX_WRITE: Final = 123
RECONNECT_FIRST_S: Final = 0.25
RECONNECT_MAX_S: Final = 5.0
STRIKES: Final = 3
"""After this many unanswered requests in a row a unit counts as dead; before, it is asked again
almost at once.
"""
DEAD_PAUSE_S: Final = 20.0
"""A dead unit is asked again after this pause: it costs the link a percent or two, and is back
within half a minute.
"""
LATEST_REPLY: Final = 2.0
"""On an RTU line nothing comes any more after this many of a unit's time-outs, which are its
slowest known reply.
"""
LINE_SILENCE_S: Final = 0.05
"""An RTU line on which bytes still arrive is not quiet yet."""

_GATEWAY_CODES: Final = {
    10: "the gateway has no path to it",
    11: "the gateway got no answer from it",
}
_CODES: Final = {
    1: "function not supported",
    2: "no such address",
    3: "value not accepted",
    4: "device failure",
    5: "acknowledged, not finished",
    6: "device busy",
    8: "memory parity error",
}


@dataclass(slots=True)
class _Unit:
    """What the link remembers of one unit."""

    reply_s: float
    gap_s: float
    silent: int = 0
    """Unanswered requests in a row."""
    ask_again_s: float = -math.inf
    counters: Counters = field(default_factory=Counters)

    @property
    def is_dead(self) -> bool:
        return self.silent >= STRIKES


class ModbusLink:
    """A Modbus connection, opened on first use and again whenever it broke.

    `url` is one of the Modbus forms in `drivers/address.py`; `timeout_s` bounds connecting and each
    reply; `gap_s` is the pause between two requests; `credentials` are for tls. Raises ValueError
    for a bad URL, OSError for credentials that cannot be read. Use it in one event loop only.
    """

    def __init__(
        self,
        url: str,
        *,
        timeout_s: float = 1.0,
        gap_s: float = 0.0,
        credentials: Credentials | None = None,
    ) -> None:
        self._address = parse_address(url)
        if self._address.is_dlt645:
            raise ValueError(f"link url {url!r} is no Modbus link")
        if (self._address.protocol == "tls") != (credentials is not None):
            raise ValueError(
                f"link url {url!r}: a tls link needs credentials, and no other link has any"
            )
        self._tls = None if credentials is None else credentials.context()
        self.url = url
        self._timeout_s, self._gap_s = timeout_s, gap_s
        self._is_rtu = self._address.protocol in ("rtu", "rtu+tcp")
        self._units: dict[int, _Unit] = {}
        self._lock = asyncio.Lock()
        self._client: Client | None = None
        self._connected_before = False
        self._connecting = Backoff(growing_pauses(RECONNECT_FIRST_S, RECONNECT_MAX_S))
        self._last_exchange = -math.inf
        self._quiet_until = -math.inf
        self._ask_dead_again_s = -math.inf
        self._asking = False
        self._counters = Counters()

    @property
    def counters(self) -> Counters:
        """A snapshot of the counters of the link."""
        return replace(self._counters)

    @property
    def unit_counters(self) -> Mapping[int, Counters]:
        """A snapshot of the counters of each unit that was asked."""
        return {number: replace(unit.counters) for number, unit in sorted(self._units.items())}

    def expect(self, unit: int, *, reply_s: float, gap_s: float) -> None:
        """Make known that a unit is slower than the link's own `timeout_s` or `gap_s`; the larger
        value holds.
        """
        known = self._unit(unit)
        known.reply_s, known.gap_s = max(known.reply_s, reply_s), max(known.gap_s, gap_s)

    async def read(
        self, unit: int, space: Space, address: int, count: int, *, urgent: bool = False
    ) -> tuple[int, ...]:
        """`count` registers (0..65535 each) from a 0-based `address`: FC3 for holding, FC4 for
        input registers.

        Raises LinkDown, LinkTimeout, DeviceRefused, BadReply; DriverError for a request that Modbus
        cannot carry. `urgent` asks at once, also a unit or a host that is being left alone after
        failures.
        """
        _check(unit, address, count, MAX_READ)

        def ask(client: Client) -> Awaitable[ModbusPDU]:
            call = (
                client.read_input_registers if space == "input" else client.read_holding_registers
            )
            return call(address, count=count, device_id=unit)

        reply = await self._exchange(unit, 4 if space == "input" else 3, ask, urgent)
        if len(reply.registers) != count:
            raise self._bad(
                unit,
                f"{self._of(unit)} answered {len(reply.registers)} registers, asked for {count} at {space} {address}",
            )
        return tuple(reply.registers)

    async def write(
        self, unit: int, address: int, registers: Sequence[int], *, urgent: bool = False
    ) -> None:
        """Write holding registers from a 0-based `address`: FC6 for one register, FC16 for more.
        Raises as `read`.
        """
        _check(unit, address, len(registers), MAX_WRITE)
        if not all(0 <= register <= 0xFFFF for register in registers):
            raise DriverError(f"registers must be 0..65535, not {list(registers)}")

        def ask(client: Client) -> Awaitable[ModbusPDU]:
            if len(registers) == 1:
                return client.write_register(address, registers[0], device_id=unit)
            return client.write_registers(address, list(registers), device_id=unit)

        reply = await self._exchange(unit, 6 if len(registers) == 1 else 16, ask, urgent)
        if reply.address != address:
            raise self._bad(
                unit, f"{self._of(unit)} confirmed a write at {reply.address}, asked for {address}"
            )
        if len(registers) > 1 and reply.count != len(registers):
            raise self._bad(
                unit,
                f"{self._of(unit)} confirmed {reply.count} registers, asked for {len(registers)}",
            )

    async def close(self) -> None:
        """Close the socket; the next use opens it again."""
        self._drop()

    async def _exchange(
        self, unit: int, function: int, ask: Callable[[Client], Awaitable[ModbusPDU]], urgent: bool
    ) -> ModbusPDU:
        known = self._unit(unit)
        self._let_rest(unit, known, urgent)
        async with self._lock:
            self._let_rest(unit, known, urgent)
            await self._quiet()
            client = await self._connected(urgent)
            if (gap_s := self._last_exchange + known.gap_s - _now()) > 0:
                await asyncio.sleep(gap_s)
            self._counters.requests += 1
            known.counters.requests += 1
            try:
                if self._is_rtu:
                    discard_input(client)  # what came while this process was held up
                self._asking = True
                async with asyncio.timeout(known.reply_s):
                    reply = await ask(client)
            except TimeoutError:
                raise self._silent(unit, known, client.connected) from None
            except (ModbusException, *PORT_ERRORS) as exc:
                self._drop()
                raise LinkDown(f"{self.url}: connection lost: {exc}", sent=True) from exc
            except BaseException:
                self._abandon(known)  # cancelled: the reply may still come
                raise
            finally:
                self._asking = False
                self._last_exchange = _now()
            return self._judge(unit, known, function, reply)

    async def _quiet(self) -> None:
        """Wait until nothing late can come any more."""
        while (wait_s := self._quiet_until - _now()) > 0:  # noqa: ASYNC110  # what arrives while waiting prolongs it
            await asyncio.sleep(wait_s)

    def _received(self) -> None:
        """Note that bytes have arrived; those that nobody has asked for are late."""
        if not self._asking:
            self._counters.late += 1
            if self._is_rtu:
                self._quiet_until = max(self._quiet_until, _now() + LINE_SILENCE_S)

    def _judge(self, unit: int, known: _Unit, function: int, reply: ModbusPDU) -> ModbusPDU:
        """The reply when it answers the request; raises otherwise."""
        code = reply.exception_code if reply.isError() else 0
        if code:
            self._counters.refused += 1
            known.counters.refused += 1
        if code in _GATEWAY_CODES:
            self._rest(known)
            raise LinkTimeout(
                f"{self._of(unit)} does not answer: {_GATEWAY_CODES[code]}", sent=True
            )
        known.silent, known.ask_again_s = 0, -math.inf
        if code:
            raise DeviceRefused(
                f"{self._of(unit)} refused: {_CODES.get(code, 'unknown reason')} (code {code})",
                code,
            )
        if reply.function_code != function:
            raise self._bad(
                unit,
                f"{self._of(unit)} answered function {reply.function_code}, asked for {function}",
            )
        return reply

    def _bad(self, unit: int, message: str) -> BadReply:
        """A reply that does not fit: what else is on its way may be as wrong."""
        known = self._unit(unit)
        self._abandon(known)
        self._counters.bad += 1
        known.counters.bad += 1
        return BadReply(message)

    def _silent(self, unit: int, known: _Unit, connected: bool) -> LinkError:
        self._abandon(known)
        self._counters.timeouts += 1
        known.counters.timeouts += 1
        self._rest(known)
        if not connected:
            return LinkDown(f"{self.url}: connection lost while unit {unit} was asked", sent=True)
        return LinkTimeout(f"{self._of(unit)} did not answer within {known.reply_s:g} s", sent=True)

    def _abandon(self, known: _Unit) -> None:
        """Make sure that the answer to the last request is never taken for another one's.

        A new TCP connection sees nothing of the old one; behind a serial server, and on a port of
        our own, the line itself may still bring it, so there we wait as well. A port stays open: to
        open it anew throws nothing away.
        """
        if self._is_rtu:
            self._quiet_until = _now() + (LATEST_REPLY - 1.0) * known.reply_s + LINE_SILENCE_S
        if not self._address.is_serial:
            self._drop()

    def _rest(self, known: _Unit) -> None:
        """Leave a unit alone for a while. The dead are asked one at a time, so that no poll pays
        for all of them.
        """
        known.silent += 1
        now = _now()
        known.ask_again_s = now + (DEAD_PAUSE_S if known.is_dead else known.silent * known.reply_s)
        if known.is_dead:
            dead = sum(unit.is_dead for unit in self._units.values())
            self._ask_dead_again_s = now + min(4.0 * known.reply_s, DEAD_PAUSE_S / (2.0 * dead))

    def _let_rest(self, unit: int, known: _Unit, urgent: bool) -> None:
        again_s = (
            max(known.ask_again_s, self._ask_dead_again_s) if known.is_dead else known.ask_again_s
        )
        if not urgent and _now() < again_s:
            raise LinkTimeout(
                f"{self._of(unit)} is left alone for a while; unanswered requests: {known.silent}"
            )

    async def _connected(self, urgent: bool) -> Client:
        if self._client is not None and self._client.connected:
            return self._client
        self._drop()
        if not urgent and self._connecting.resting(_now()):
            raise LinkDown(f"{self.url}: no connection, next attempt soon")
        client = new_client(self._address, self._tls, self._received)
        try:
            async with asyncio.timeout(self._timeout_s):
                opened = await client.connect()
        except (TimeoutError, *PORT_ERRORS):
            opened = False
        except BaseException:
            client.close()
            raise
        if not opened:
            client.close()
            self._connecting.failed(_now())
            raise LinkDown(f"{self.url}: cannot connect")
        self._connecting.succeeded()
        self._counters.reconnects += int(self._connected_before)
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


def _now() -> float:
    return asyncio.get_running_loop().time()


def _check(unit: int, address: int, count: int, most: int) -> None:
    if not (0 <= unit <= 255 and 1 <= count <= most and 0 <= address <= 65536 - count):
        raise DriverError(
            f"Modbus cannot carry unit {unit}, address {address}, count {count} (at most {most})"
        )
