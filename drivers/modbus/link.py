"""One Modbus connection: one owner per socket or port, one request at a time, every failure raised
as an error of `drivers/errors.py`.

The rules come from field trouble. The link never retries a request: the next control cycle is the
retry. No answer that is late, or meant for another master, may pass as another register's value
(`voices.py`). A unit that does not answer is asked less often, so that it does not slow the others
(`silent_units.py`).
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Final

from drivers.address import parse_address
from drivers.backoff import Backoff, growing_pauses
from drivers.counters import Counters
from drivers.errors import (
    BadReply,
    DeviceRefused,
    DriverError,
    LinkDown,
    LinkError,
    LinkTimeout,
)
from drivers.modbus.protocol import (
    EXCEPTION_CODES,
    GATEWAY_CODES,
    MAX_READ,
    MAX_WRITE,
    READ_HOLDING,
    READ_INPUT,
    WRITE_MORE,
    WRITE_ONE,
    Space,
)
from drivers.modbus.request import Answer, Disturbed, Request
from drivers.modbus.rtu_line import LineBusy, RtuLine, gap_s
from drivers.modbus.silent_units import SilentUnits, UnitState
from drivers.modbus.transport import Credentials, TcpConnection
from drivers.modbus.voices import Voices
from drivers.reachability import why_unreachable
from drivers.serialport import PORT_ERRORS
from drivers.wire import open_wire

RECONNECT_PAUSES_S: Final = growing_pauses(0.25, 5.0)
"""Rests after failed connections, seconds: short enough that a restarted gateway is back within a
few control cycles, long enough that a host that is gone costs little.
"""
PRESENT_S: Final = 5.0
"""On an RTU line, one register is written alone only to a unit that answered within so many
seconds: the control loop reads each unit far more often.
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
        self._units = SilentUnits(timeout_s=timeout_s, gap_s=gap_s)
        self._lock = asyncio.Lock()
        self._connection: TcpConnection | RtuLine | None = None
        self._connected_before = False
        self._connecting = Backoff(RECONNECT_PAUSES_S)
        self._last_exchange_s = -math.inf
        self._asking = False
        self._counters = Counters()
        self._voices = Voices(self._counters) if self._address.is_rtu else None

    @property
    def counters(self) -> Counters:
        """A snapshot of the counters of the link."""
        return replace(self._counters)

    @property
    def unit_counters(self) -> Mapping[int, Counters]:
        """A snapshot of the counters of each unit that was asked."""
        return {number: replace(unit.counters) for number, unit in self._units}

    @property
    def echoes(self) -> bool | None:
        """Whether the line repeats each request to its sender; None = not known, or no RTU line."""
        line = self._connection
        if not isinstance(line, RtuLine) or line.echoes is None:
            return None
        return line.echoes > 0

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
        self._check(unit, address, count, MAX_READ)
        function = READ_INPUT if space == "input" else READ_HOLDING
        request = Request(unit, function, address, count)
        answer = await self._exchange(request, urgent)
        if len(answer.registers) != count:
            answered = f"answered {len(answer.registers)} registers, asked for {count}"
            raise self._bad(request, answered)
        return answer.registers

    async def write(
        self, unit: int, address: int, registers: Sequence[int], *, urgent: bool = False
    ) -> None:
        """Write holding registers from a 0-based `address`: FC6 for one register, FC16 for more.

        `urgent` and the errors are those of `read`.
        """
        self._check(unit, address, len(registers), MAX_WRITE)
        if not all(0 <= register <= 0xFFFF for register in registers):
            raise DriverError(f"registers must be 0..65535, not {list(registers)}")
        function = WRITE_ONE if len(registers) == 1 else WRITE_MORE
        request = Request(unit, function, address, len(registers), tuple(registers))
        if self._voices is not None and function == WRITE_ONE and not self._is_present(unit):
            # The echo of such a write is the same as its confirmation, so an absent unit would seem
            # to confirm it. A read shows whether the line has an echo, and whether the unit is
            # there.
            with suppress(DeviceRefused):
                await self.read(unit, "holding", address, 1, urgent=urgent)
        answer = await self._exchange(request, urgent)
        if answer.address != address:
            raise self._bad(request, f"confirmed a write at {answer.address}")
        if len(registers) == 1 and answer.registers != tuple(registers):
            # The unit is there and says what it holds; nothing is on its way.
            self._counters.refused += 1
            confirmed = f"confirmed {answer.registers[0] if answer.registers else 'nothing'}"
            raise DeviceRefused(f"{self._of(request)}: {confirmed}, sent {registers[0]}", 0)
        if len(registers) > 1 and answer.count != len(registers):
            confirmed = f"confirmed {answer.count} registers, asked for {len(registers)}"
            raise self._bad(request, confirmed)

    def _is_present(self, unit: int) -> bool:
        """Whether the unit answered lately, on a line that has shown whether it has an echo."""
        answered_s = self._units.state(unit).answered_s
        return self.echoes is not None and _now() - answered_s < PRESENT_S

    def answers(self, unit: int) -> None:
        """Do not let a unit rest: it answers other requests than the one it left unanswered."""
        self._units.state(unit).silence.succeeded()

    async def close(self) -> None:
        """Close the connection; the next use opens it again."""
        self._drop()

    async def _exchange(self, request: Request, urgent: bool) -> Answer:
        """The answer of the unit, other than a refusal."""
        known = self._units.state(request.unit)
        self._refuse_resting(request.unit, known, urgent)
        async with self._lock:
            # Again, because the unit may have begun to rest while this request waited.
            self._refuse_resting(request.unit, known, urgent)
            if self._voices is not None:
                await self._wait_until_quiet(self._voices)
            connection = self._connection
            if connection is None or not connection.connected:
                connection = await self._connect(urgent)
            if (wait_s := self._last_exchange_s + known.gap_s - _now()) > 0:
                await asyncio.sleep(wait_s)
            self._counters.requests += 1
            known.counters.requests += 1
            try:
                self._asking = True
                answer = await connection.ask(request, known.reply_s)
            except TimeoutError:
                raise self._timed_out(request, known, connection) from None
            except LineBusy:
                raise LinkTimeout(f"{self._of(request)}: the line is never silent") from None
            except Disturbed as exc:
                raise self._bad(request, str(exc), waits=not exc.answered) from None
            except (*PORT_ERRORS, EOFError) as exc:
                self._drop()
                raise LinkDown(f"{self.url}: connection lost: {exc}", sent=True) from exc
            except BaseException:
                self._abandon(request, known)  # cancelled: the reply may still come
                raise
            finally:
                self._asking = False
                self._last_exchange_s = (
                    connection.last_byte_s if isinstance(connection, RtuLine) else _now()
                )
            return self._checked(request, known, answer)

    def _received(self) -> None:
        """Count data that arrives on Modbus TCP while nothing is asked."""
        self._counters.late += not self._asking

    async def _wait_until_quiet(self, voices: Voices) -> None:
        """Return when no late reply can arrive any more on an RTU line."""
        if (wait_s := voices.quiet_from_s - _now()) > 0:
            await asyncio.sleep(wait_s)

    def _checked(self, request: Request, known: UnitState, answer: Answer) -> Answer:
        """The answer when it is one to the request; raises otherwise."""
        if answer.code:
            self._counters.refused += 1
            known.counters.refused += 1
        if answer.code in GATEWAY_CODES:
            self._units.unanswered(known, _now())
            silence = f"does not answer: {GATEWAY_CODES[answer.code]}"
            raise LinkTimeout(f"{self._of(request)}: {silence}", sent=True)
        known.silence.succeeded()
        known.answered_s = _now()
        if answer.code:
            meaning = EXCEPTION_CODES.get(answer.code, "unknown reason")
            raise DeviceRefused(
                f"{self._of(request)}: refused, {meaning} (code {answer.code})", answer.code
            )
        if answer.function != request.function:
            answered = f"answered function {answer.function}, asked for {request.function}"
            raise self._bad(request, answered)
        return answer

    def _bad(self, request: Request, answered: str, *, waits: bool = False) -> BadReply:
        """The error of a reply that does not fit its request; `waits` as in `_abandon`."""
        known = self._units.state(request.unit)
        self._abandon(request, known, waits=waits)
        self._counters.bad += 1
        known.counters.bad += 1
        return BadReply(f"{self._of(request)}: {answered}")

    def _timed_out(
        self, request: Request, known: UnitState, connection: TcpConnection | RtuLine
    ) -> LinkError:
        was_connected = connection.connected
        self._abandon(request, known)
        self._counters.timeouts += 1
        known.counters.timeouts += 1
        self._units.unanswered(known, _now())
        if not was_connected:
            return LinkDown(
                f"{self.url}: connection lost while unit {request.unit} was asked", sent=True
            )
        other = connection.answered_as if isinstance(connection, TcpConnection) else None
        silence = f"did not answer within {known.reply_s:g} s"
        if other is not None:
            silence += f", but it was answered as unit {other}"
        return LinkTimeout(f"{self._of(request)}: {silence}", sent=True, answered_as=other)

    def _abandon(self, request: Request, known: UnitState, *, waits: bool = True) -> None:
        """Make sure that the answer to the last request is never taken for another one's.

        A new TCP connection receives nothing of the old one. Behind a serial server, and on a
        serial port, the line itself may still bring the answer; then the link `waits` as well. A
        serial port stays open: opening it again would discard nothing.
        """
        if self._voices is None:
            self._drop()
            return
        self._voices.given_up(request, _now(), known.reply_s, waits=waits)
        if waits and not self._address.is_serial:
            self._drop()

    def _refuse_resting(self, unit: int, known: UnitState, urgent: bool) -> None:
        if not urgent and self._units.resting(known, _now()):
            raise LinkTimeout(
                f"{self.url} unit {unit} was not asked; "
                f"unanswered requests before: {known.silence.failures}"
            )

    async def _connect(self, urgent: bool) -> TcpConnection | RtuLine:
        self._drop()
        if not urgent and self._connecting.resting(_now()):
            raise LinkDown(f"{self.url}: no connection, next attempt soon")
        answered, opened = True, None
        try:
            async with asyncio.timeout(self._timeout_s):
                opened = await self._open()
        except TimeoutError:
            answered = False
        except PORT_ERRORS:
            pass
        if opened is None:
            self._connecting.failed(_now())
            why = await why_unreachable(self._address, self._timeout_s) if answered else "no answer"
            raise LinkDown(f"{self.url}: cannot connect: {why}")
        self._connecting.succeeded()
        self._counters.reconnects += int(self._connected_before)
        self._connected_before = True
        self._connection = opened
        return opened

    async def _open(self) -> TcpConnection | RtuLine | None:
        """A new connection; None, or OSError, when it cannot be opened."""
        if self._voices is not None:
            return RtuLine(await open_wire(self._address), self._voices, gap_s(self._address))
        connection = TcpConnection(self._address, self._tls, self._received)
        try:
            opened = await connection.open()
        except BaseException:
            connection.close()
            raise
        if not opened:
            connection.close()
            return None
        return connection

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _of(self, request: Request) -> str:
        space = "input" if request.function == READ_INPUT else "holding"
        return f"{self.url} unit {request.unit}, {space} {request.address}"

    def _check(self, unit: int, address: int, count: int, most: int) -> None:
        if not (0 <= unit <= 255 and 1 <= count <= most and 0 <= address <= 65536 - count):
            raise DriverError(
                f"Modbus cannot carry unit {unit}, address {address}, count {count} "
                f"(at most {most})"
            )
        if unit == 0 and self._voices is not None:
            raise DriverError(
                f"{self.url}: unit 0 addresses all units of an RTU line, and none of them answers"
            )


def _now() -> float:
    return asyncio.get_running_loop().time()
