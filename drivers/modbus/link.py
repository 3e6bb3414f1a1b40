"""One Modbus connection: one owner per socket or port, one request at a time, every failure raised
as an error of `drivers/errors.py`.

The rules come from field trouble. The link never retries a request: the next control cycle is the
retry. After a time-out nothing late may pass as another register's value (`late_replies.py`). A
unit that does not answer is asked less often, so that it does not slow the others
(`silent_units.py`).
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Final

from pymodbus.exceptions import ModbusException
from pymodbus.pdu import ModbusPDU

from drivers.address import parse_address
from drivers.backoff import Backoff, growing_pauses
from drivers.counters import Counters
from drivers.errors import (
    BadReply,
    DeviceError,
    DeviceRefused,
    DriverError,
    LinkDown,
    LinkError,
    LinkTimeout,
)
from drivers.modbus.late_replies import LateReplies
from drivers.modbus.protocol import EXCEPTION_CODES, GATEWAY_CODES, MAX_READ, MAX_WRITE, Space
from drivers.modbus.silent_units import SilentUnits, UnitState
from drivers.modbus.transport import Client, Credentials, discard_input, drop_echo, new_client
from drivers.reachability import why_unreachable
from drivers.serialport import PORT_ERRORS

# pymodbus dumps packets at ERROR; what matters arrives as an exception.
logging.getLogger("pymodbus").setLevel(logging.CRITICAL)

RECONNECT_PAUSES_S: Final = growing_pauses(0.25, 5.0)
"""Rests after failed connections, seconds: short enough that a restarted gateway is back within a
few control cycles, long enough that a host that is gone costs little.
"""


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
            raise ValueError(f"link url {url!r} is not a Modbus link")
        if (self._address.protocol == "tls") != (credentials is not None):
            raise ValueError(
                f"link url {url!r}: a tls link needs credentials, and no other link has any"
            )
        self._tls = None if credentials is None else credentials.context()
        self.url = url
        self._timeout_s = timeout_s
        self._is_rtu = self._address.protocol in ("rtu", "rtu+tcp")
        self._units = SilentUnits(timeout_s=timeout_s, gap_s=gap_s)
        self._lock = asyncio.Lock()
        self._client: Client | None = None
        self._connected_before = False
        self._connecting = Backoff(RECONNECT_PAUSES_S)
        self._last_exchange_s = -math.inf
        self._counters = Counters()
        self._echoes: bool | None = None
        """Whether the line repeats each request to its sender; None = no read has shown it yet."""
        self._late = LateReplies(self._counters, is_rtu=self._is_rtu)

    @property
    def counters(self) -> Counters:
        """A snapshot of the counters of the link."""
        return replace(self._counters)

    @property
    def unit_counters(self) -> Mapping[int, Counters]:
        """A snapshot of the counters of each unit that was asked."""
        return {number: replace(unit.counters) for number, unit in self._units}

    def expect(self, unit: int, *, reply_s: float, gap_s: float) -> None:
        """Allow a unit a slower reply or a longer gap, seconds, than the link's own `timeout_s` and
        `gap_s`; the larger value holds.
        """
        known = self._units.state(unit)
        known.reply_s, known.gap_s = max(known.reply_s, reply_s), max(known.gap_s, gap_s)

    async def read(
        self, unit: int, space: Space, address: int, count: int, *, urgent: bool = False
    ) -> tuple[int, ...]:
        """`count` registers (0..65535 each) from a 0-based `address`: FC3 for holding, FC4 for
        input registers.

        `urgent` asks at once, even while the unit or its host rests after failures. Raises
        LinkDown, LinkTimeout, DeviceRefused, BadReply; DriverError for a request that Modbus cannot
        carry.
        """
        _check(unit, address, count, MAX_READ)

        def ask(client: Client) -> Awaitable[ModbusPDU]:
            if space == "input":
                return client.read_input_registers(address, count=count, device_id=unit)
            return client.read_holding_registers(address, count=count, device_id=unit)

        what = f"{space} {address}"
        reply = await self._exchange(unit, what, 4 if space == "input" else 3, ask, urgent)
        if len(reply.registers) != count:
            answered = f"answered {len(reply.registers)} registers, asked for {count}"
            raise self._bad(unit, what, answered)
        return tuple(reply.registers)

    async def write(
        self, unit: int, address: int, registers: Sequence[int], *, urgent: bool = False
    ) -> None:
        """Write holding registers from a 0-based `address`: FC6 for one register, FC16 for more.

        `urgent` and the errors are those of `read`.
        """
        _check(unit, address, len(registers), MAX_WRITE)
        if not all(0 <= register <= 0xFFFF for register in registers):
            raise DriverError(f"registers must be 0..65535, not {list(registers)}")

        def ask(client: Client) -> Awaitable[ModbusPDU]:
            if len(registers) == 1:
                return client.write_register(address, registers[0], device_id=unit)
            return client.write_registers(address, list(registers), device_id=unit)

        if self._is_rtu and len(registers) == 1 and self._echoes is None:
            # The echo of such a write is the same as its confirmation.
            with suppress(DeviceError):
                await self.read(unit, "holding", address, 1, urgent=urgent)
        what = f"holding {address}"
        reply = await self._exchange(unit, what, 6 if len(registers) == 1 else 16, ask, urgent)
        if reply.address != address:
            raise self._bad(unit, what, f"confirmed a write at {reply.address}")
        if len(registers) > 1 and reply.count != len(registers):
            confirmed = f"confirmed {reply.count} registers, asked for {len(registers)}"
            raise self._bad(unit, what, confirmed)

    def answers(self, unit: int) -> None:
        """Do not let a unit rest: it answers other requests than the one it left unanswered."""
        self._units.state(unit).silence.succeeded()

    async def close(self) -> None:
        """Close the connection; the next use opens it again."""
        self._drop()

    async def _exchange(
        self,
        unit: int,
        what: str,
        function: int,
        ask: Callable[[Client], Awaitable[ModbusPDU]],
        urgent: bool,
    ) -> ModbusPDU:
        """The reply to one request; `what` is its space and address, for messages."""
        known = self._units.state(unit)
        self._refuse_resting(unit, known, urgent)
        async with self._lock:
            # Again, because the unit may have begun to rest while this request waited.
            self._refuse_resting(unit, known, urgent)
            await self._late.wait_until_quiet()
            client = await self._connected(urgent)
            if (gap_s := self._last_exchange_s + known.gap_s - _now()) > 0:
                await asyncio.sleep(gap_s)
            self._counters.requests += 1
            known.counters.requests += 1
            try:
                if self._is_rtu:
                    discard_input(client)  # received while this process was not running
                    drop_echo(client, bool(self._echoes))
                self._late.expecting = True
                async with asyncio.timeout(known.reply_s):
                    reply = await ask(client)
            except TimeoutError:
                raise self._timed_out(unit, what, known, client.connected) from None
            except (ModbusException, *PORT_ERRORS) as exc:
                self._drop()
                raise LinkDown(f"{self.url}: connection lost: {exc}", sent=True) from exc
            except BaseException:
                self._abandon(known)  # cancelled: the reply may still come
                raise
            finally:
                self._late.expecting = False
                self._last_exchange_s = _now()
            if self._is_rtu and self._echoes is None and function != 6:
                self._echoes = False  # it was answered, and nothing came before the answer
            return self._checked(unit, what, known, function, reply)

    def _echoed(self) -> None:
        """The line repeats requests: the next ones are dropped, this exchange is lost."""
        if self._is_rtu:
            self._echoes = True

    def _checked(
        self, unit: int, what: str, known: UnitState, function: int, reply: ModbusPDU
    ) -> ModbusPDU:
        """The reply when it answers the request; raises otherwise."""
        code = reply.exception_code if reply.isError() else 0
        if code:
            self._counters.refused += 1
            known.counters.refused += 1
        if code in GATEWAY_CODES:
            self._units.unanswered(known, _now())
            silence = f"does not answer: {GATEWAY_CODES[code]}"
            raise LinkTimeout(f"{self._of(unit, what)}: {silence}", sent=True)
        known.silence.succeeded()
        if code:
            meaning = EXCEPTION_CODES.get(code, "unknown reason")
            raise DeviceRefused(f"{self._of(unit, what)}: refused, {meaning} (code {code})", code)
        if reply.function_code != function:
            answered = f"answered function {reply.function_code}, asked for {function}"
            raise self._bad(unit, what, answered)
        return reply

    def _bad(self, unit: int, what: str, answered: str) -> BadReply:
        """The error of a reply that does not fit its request: the next one may be as wrong."""
        known = self._units.state(unit)
        self._abandon(known)
        self._counters.bad += 1
        known.counters.bad += 1
        return BadReply(f"{self._of(unit, what)}: {answered}")

    def _timed_out(self, unit: int, what: str, known: UnitState, connected: bool) -> LinkError:
        self._abandon(known)
        self._counters.timeouts += 1
        known.counters.timeouts += 1
        self._units.unanswered(known, _now())
        if not connected:
            return LinkDown(f"{self.url}: connection lost while unit {unit} was asked", sent=True)
        silence = f"did not answer within {known.reply_s:g} s"
        return LinkTimeout(f"{self._of(unit, what)}: {silence}", sent=True)

    def _abandon(self, known: UnitState) -> None:
        """Make sure that the answer to the last request is never taken for another one's.

        A new TCP connection receives nothing of the old one. Behind a serial server, and on a
        serial port, the line itself may still bring the answer, so the link waits as well. A serial
        port stays open: opening it again would discard nothing.
        """
        self._late.abandoned(known.reply_s)
        if not self._address.is_serial:
            self._drop()

    def _refuse_resting(self, unit: int, known: UnitState, urgent: bool) -> None:
        if not urgent and self._units.resting(known, _now()):
            raise LinkTimeout(
                f"{self._of(unit)} was not asked; "
                f"unanswered requests before: {known.silence.failures}"
            )

    async def _connected(self, urgent: bool) -> Client:
        if self._client is not None and self._client.connected:
            return self._client
        self._drop()
        if not urgent and self._connecting.resting(_now()):
            raise LinkDown(f"{self.url}: no connection, next attempt soon")
        answered = True
        client = new_client(self._address, self._tls, self._late.received, self._echoed)
        try:
            async with asyncio.timeout(self._timeout_s):
                opened = await client.connect()
        except TimeoutError:
            opened = answered = False
        except PORT_ERRORS:
            opened = False
        except BaseException:
            client.close()
            raise
        if not opened:
            client.close()
            self._connecting.failed(_now())
            why = await why_unreachable(self._address, self._timeout_s) if answered else "no answer"
            raise LinkDown(f"{self.url}: cannot connect: {why}")
        self._connecting.succeeded()
        self._counters.reconnects += int(self._connected_before)
        self._connected_before = True
        self._client = client
        return client

    def _drop(self) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None

    def _of(self, unit: int, what: str = "") -> str:
        return f"{self.url} unit {unit}{what and f', {what}'}"


def _now() -> float:
    return asyncio.get_running_loop().time()


def _check(unit: int, address: int, count: int, most: int) -> None:
    if not (0 <= unit <= 255 and 1 <= count <= most and 0 <= address <= 65536 - count):
        raise DriverError(
            f"Modbus cannot carry unit {unit}, address {address}, count {count} (at most {most})"
        )
