"""A controlled station of IEC 60870-5-104: what a master may read and command, by address.

It knows addresses and numbers, and not what they mean: commands go to a function that accepts or
refuses them. The protocol's frames, windows and timers are those of the library `hat-drivers`.

- Measured values are short floating point (M_ME_NC), spontaneous ones with a time tag (M_ME_TF).
  While no master has started data transfer they are kept, the newest `MOST_BUFFERED`.
- Commands are set points (C_SE_NC) and single commands (C_SC_NA). Those that need it are executed
  only after they were selected with the same value, over the same connection, `SELECTED_S` ago at
  most.
- A clock synchronisation is confirmed and noted. It never sets the clock of this machine.
"""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any, Final

from hat.drivers import iec104, net

STATION: Final = 20
"""Qualifier of a general interrogation of the whole station."""
BROADCAST: Final = 65535
SELECTED_S: Final = 10.0
MOST_BUFFERED: Final = 10_000
"""Spontaneous values that are kept: three hours of one a second."""
MOST_CONNECTIONS: Final = 4
"""Two masters with a redundant line each."""
BATCH: Final = 100
"""Values that are sent at once."""
GOOD: Final = iec104.MeasurementQuality(
    invalid=False, not_topical=False, substituted=False, blocked=False, overflow=False
)
INVALID: Final = GOOD._replace(invalid=True)
UNKNOWN_ASDU_ADDRESS: Final = iec104.CommandResCause.UNKNOWN_ASDU_ADDRESS
UNKNOWN_IO_ADDRESS: Final = iec104.CommandResCause.UNKNOWN_IO_ADDRESS
CONFIRMED: Final = iec104.CommandResCause.ACTIVATION_CONFIRMATION
TERMINATED: Final = iec104.CommandResCause.ACTIVATION_TERMINATION


@dataclass(frozen=True)
class Point:
    """One measured value."""

    address: int
    deadband: float
    """A change that is smaller is not sent by itself."""


@dataclass(frozen=True)
class CommandPoint:
    """One thing that may be commanded."""

    address: int
    select: bool
    """Whether it has to be selected before it is executed."""
    single: bool = False
    """On or off, in place of a number."""


@dataclass(frozen=True)
class Command:
    """What a master asks for."""

    address: int
    value: float
    """1.0 and 0.0 for on and off."""
    peer: str


Decide = Callable[[Command], Awaitable[str | None]]
"""Executes a command; why it is refused, None where it is not."""
Note = Callable[[str, str], None]
"""Takes what happened with a peer, in a word and a sentence."""


class Station:
    """Serves masters from `start` to `stop`. All in one event loop."""

    def __init__(
        self,
        points: Sequence[Point],
        commands: Sequence[CommandPoint],
        decide: Decide,
        note: Note,
        *,
        common_address: int = 1,
        peers: Sequence[str] = (),
        zone: tzinfo = UTC,
        check: Decide | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """`peers` are the addresses that may connect, all where it is empty. `check` judges a value
        that is selected, without executing it. `zone` is that of time tags.
        """
        self._now = now
        self._points = {point.address: point for point in points}
        self._commands = {command.address: command for command in commands}
        self._decide, self._check, self._note = decide, check or _accept, note
        self._common_address, self._peers, self._zone = common_address, frozenset(peers), zone
        self._values: dict[int, float | None] = {}
        self._sent: dict[int, float | None] = {}
        self._buffer: deque[tuple[int, float | None, datetime]] = deque(maxlen=MOST_BUFFERED)
        self._connections: set[Any] = set()
        self._server: Any = None
        self._wake = asyncio.Event()
        self._sending: asyncio.Task[None] | None = None

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._server.info.addresses[0].port)

    async def start(self, host: str, port: int) -> None:
        """Listen. Raises `OSError` for an address that cannot be used."""
        # The library logs a traceback for each frame that is none; here it is noted in a line.
        logging.getLogger("hat.drivers").setLevel(logging.CRITICAL)
        self._server = await iec104.listen(self._serve, net.TcpAddress(host, port))
        self._sending = asyncio.create_task(self._send_kept())

    async def stop(self) -> None:
        """End all connections."""
        if self._sending is not None:
            self._sending.cancel()
        if self._server is not None:
            await self._server.async_close()

    def update(self, values: Mapping[int, float | None], when: datetime) -> None:
        """Take measured values; those that changed by their deadband or more are sent."""
        for address, value in values.items():
            point = self._points[address]
            self._values[address] = value
            if address in self._sent and not _changed(self._sent[address], value, point.deadband):
                continue
            self._sent[address] = value
            self._buffer.append((address, value, when))
        self._wake.set()

    @property
    def buffered(self) -> int:
        """Values that no master has got yet."""
        return len(self._buffer)

    # -- connections -------------------------------------------------------------------------------

    async def _serve(self, connection: Any) -> None:
        peer = str(connection.info.remote_addr.host)
        if self._peers and peer not in self._peers:
            self._note("refused", f"{peer} is not one of the peers")
            await connection.async_close()
            return
        if len(self._connections) >= MOST_CONNECTIONS:
            self._note("refused", f"{peer}: {MOST_CONNECTIONS} masters are connected")
            await connection.async_close()
            return
        selected: dict[int, tuple[float, float]] = {}
        self._connections.add(connection)
        handle = connection.register_enabled_cb(lambda _: self._wake.set())
        self._note("connected", peer)
        why = "closed"
        try:
            while True:
                for message in await connection.receive():
                    await self._handle(connection, message, selected, peer)
        except ConnectionError:
            pass
        except Exception as error:  # what cannot be decoded; the library raises many kinds
            why = f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
        finally:
            handle.cancel()
            self._connections.discard(connection)
            self._note("disconnected", f"{peer}: {why}")
            await connection.async_close()

    async def _send_kept(self) -> None:
        """Send what is kept, whenever there is something new or a master starts data transfer."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            await self._flush()

    async def _flush(self) -> None:
        """Send what is kept to every master that has started data transfer. A value is dropped when
        one of them has acknowledged it.
        """
        while self._buffer:
            enabled = [each for each in self._connections if each.is_enabled]
            if not enabled:
                return
            batch = [self._buffer.popleft() for _ in range(min(BATCH, len(self._buffer)))]
            messages = [self._data(*each) for each in batch]
            sent = False
            for connection in enabled:
                with suppress(ConnectionError):
                    await connection.send(messages, wait_ack=True)
                    sent = True
            if not sent:
                self._buffer.extendleft(reversed(batch))
                return

    # -- messages ----------------------------------------------------------------------------------

    async def _handle(
        self, connection: Any, message: Any, selected: dict[int, tuple[float, float]], peer: str
    ) -> None:
        mine = message.asdu_address in (self._common_address, BROADCAST)
        match message:
            case iec104.InterrogationMsg():
                await self._interrogate(connection, message, mine)
            case iec104.CommandMsg():
                answers = await self._command(message, selected, peer, mine)
                await connection.send(answers)
            case iec104.ClockSyncMsg():
                await connection.send([self._clock(message, peer, mine)])
            case iec104.ReadMsg():
                await connection.send(self._read(message, mine))
            case iec104.TestMsg():
                confirmed = iec104.ActivationResCause.ACTIVATION_CONFIRMATION
                await connection.send([message._replace(cause=confirmed)])
            case iec104.CounterInterrogationMsg():
                await connection.send([message._replace(is_negative_confirm=True, cause=CONFIRMED)])
            case _:
                self._note("ignored", f"{peer}: {type(message).__name__}")

    async def _interrogate(self, connection: Any, message: Any, mine: bool) -> None:
        if not mine:
            wrong = message._replace(is_negative_confirm=True, cause=UNKNOWN_ASDU_ADDRESS)
            await connection.send([wrong])
            return
        known = message.request == STATION and message.cause == iec104.CommandReqCause.ACTIVATION
        await connection.send([message._replace(is_negative_confirm=not known, cause=CONFIRMED)])
        if not known:
            return
        cause = iec104.DataResCause.INTERROGATED_STATION
        values = [self._value(address, cause) for address in sorted(self._points)]
        for first in range(0, len(values), BATCH):
            await connection.send(values[first : first + BATCH])
        await connection.send([message._replace(is_negative_confirm=False, cause=TERMINATED)])

    async def _command(
        self, message: Any, selected: dict[int, tuple[float, float]], peer: str, mine: bool
    ) -> list[Any]:
        """The answers to a command."""
        address, command = message.io_address, message.command
        no = message._replace(is_negative_confirm=True, cause=CONFIRMED)
        if not mine:
            return [no._replace(cause=UNKNOWN_ASDU_ADDRESS)]
        point = self._commands.get(address)
        value = _number(command)
        if point is None or value is None or point.single != _is_single(command):
            self._note("refused", f"{peer}: no such command at address {address}")
            return [no._replace(cause=UNKNOWN_IO_ADDRESS)]
        if message.cause == iec104.CommandReqCause.DEACTIVATION:
            selected.pop(address, None)
            return [message._replace(cause=iec104.CommandResCause.DEACTIVATION_CONFIRMATION)]
        if message.cause != iec104.CommandReqCause.ACTIVATION:
            return [no._replace(cause=iec104.CommandResCause.UNKNOWN_CAUSE)]
        asked = Command(address, value, peer)
        why = await self._judge(asked, command.select, point, selected)
        if why is not None:
            self._note("refused", f"{peer}: address {address}, {value:g}: {why}")
            return [no]
        confirmed = message._replace(is_negative_confirm=False, cause=CONFIRMED)
        if command.select:
            return [confirmed]
        self._note("accepted", f"{peer}: address {address}, {value:g}")
        return [confirmed, confirmed._replace(cause=TERMINATED)]

    async def _judge(
        self,
        asked: Command,
        select: bool,
        point: CommandPoint,
        selected: dict[int, tuple[float, float]],
    ) -> str | None:
        """Why a command is refused; None for one that is selected or executed."""
        if not math.isfinite(asked.value):
            return "no number"
        if select:
            why = await self._check(asked)
            if why is None:
                selected[asked.address] = asked.value, time.monotonic()
            return why
        if point.select:
            value, since_s = selected.pop(asked.address, (math.nan, -math.inf))
            if value != asked.value:
                return "it was not selected with this value"
            if time.monotonic() - since_s > SELECTED_S:
                return f"it was selected more than {SELECTED_S:g} s ago"
        return await self._decide(asked)

    def _clock(self, message: Any, peer: str, mine: bool) -> Any:
        if not mine:
            cause = iec104.ClockSyncResCause.UNKNOWN_ASDU_ADDRESS
            return message._replace(is_negative_confirm=True, cause=cause)
        theirs = datetime_of(message.time, self._zone)
        if theirs is None:
            self._note("clock", f"{peer}: a time that does not exist")
        else:
            by_s = (theirs - self._now()).total_seconds()
            self._note("clock", f"{peer}: its clock is {by_s:+.1f} s off this one")
        cause = iec104.ClockSyncResCause.ACTIVATION_CONFIRMATION
        return message._replace(is_negative_confirm=False, cause=cause)

    def _read(self, message: Any, mine: bool) -> list[Any]:
        if not mine or message.io_address not in self._points:
            unknown = iec104.ReadResCause
            cause = unknown.UNKNOWN_IO_ADDRESS if mine else unknown.UNKNOWN_ASDU_ADDRESS
            return [message._replace(cause=cause)]
        return [self._value(message.io_address, iec104.DataResCause.REQUEST)]

    def _value(self, address: int, cause: Any) -> Any:
        return self._message(address, self._values.get(address), None, cause)

    def _data(self, address: int, value: float | None, when: datetime) -> Any:
        tag = time_of(when, self._zone)
        return self._message(address, value, tag, iec104.DataResCause.SPONTANEOUS)

    def _message(self, address: int, value: float | None, tag: Any, cause: Any) -> Any:
        known = value is not None and math.isfinite(value)
        number = iec104.FloatingValue(float(value) if known and value is not None else 0.0)
        return iec104.DataMsg(
            is_test=False,
            originator_address=0,
            asdu_address=self._common_address,
            io_address=address,
            data=iec104.FloatingData(number, GOOD if known else INVALID),
            time=tag,
            cause=cause,
        )


def time_of(when: datetime, zone: tzinfo) -> Any:
    """A time as a tag of seven octets."""
    local = when.astimezone(zone)
    return iec104.Time(
        size=iec104.TimeSize.SEVEN,
        milliseconds=local.second * 1000 + local.microsecond // 1000,
        invalid=False,
        substituted=False,
        minutes=local.minute,
        summer_time=bool(local.dst()),
        hours=local.hour,
        day_of_week=local.isoweekday(),
        day_of_month=local.day,
        months=local.month,
        years=local.year % 100,
    )


def datetime_of(tag: Any, zone: tzinfo) -> datetime | None:
    """The inverse of `time_of` in this century, in UTC; None for a tag that is no time."""
    if tag.invalid or tag.years is None:
        return None
    seconds, milliseconds = divmod(tag.milliseconds, 1000)
    try:
        local = datetime(
            2000 + tag.years, tag.months, tag.day_of_month, tag.hours, tag.minutes, tzinfo=zone
        )
    except (ValueError, TypeError):
        return None
    return local.astimezone(UTC) + timedelta(seconds=seconds, milliseconds=milliseconds)


async def _accept(_: Command) -> str | None:
    return None


def _changed(before: float | None, now: float | None, deadband: float) -> bool:
    if before is None or now is None:
        return before is not now
    return abs(now - before) >= deadband and now != before


def _number(command: Any) -> float | None:
    if isinstance(command, iec104.FloatingCommand):
        return float(command.value.value)
    if isinstance(command, iec104.SingleCommand):
        return float(command.value.value)
    return None


def _is_single(command: Any) -> bool:
    return isinstance(command, iec104.SingleCommand)
