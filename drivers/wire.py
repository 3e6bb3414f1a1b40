"""The open line to devices, as bytes: through a TCP serial server or a serial port."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from typing import Protocol

import serial

from drivers.address import Address
from drivers.serialport import parity_of


class Wire(Protocol):
    """An open line, whatever carries it."""

    @property
    def is_open(self) -> bool:
        """Whether nothing has shown yet that the line is gone."""
        ...

    async def receive(self) -> bytes:
        """The next bytes. Raises EOFError or OSError when the line is gone."""
        ...

    async def arrived(self) -> bytes:
        """What has arrived and was not read yet, also while this process was not running."""
        ...

    def send(self, data: bytes) -> None:
        """Send bytes. Raises OSError when the line is gone."""
        ...

    def close(self) -> None:
        """Close the line."""
        ...


class _StreamWire:
    """A line read through an asyncio stream; `write` sends bytes and `close` ends it."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        write: Callable[[bytes], object],
        close: Callable[[], object],
    ) -> None:
        self._reader, self._write, self._close = reader, write, close

    @property
    def is_open(self) -> bool:
        return not self._reader.at_eof() and self._reader.exception() is None

    async def receive(self) -> bytes:
        data = await self._reader.read(4096)
        if not data:
            raise EOFError("the line was closed")
        return data

    async def arrived(self) -> bytes:
        # The event loop looks at the line in its next iteration, and hands out what it found there
        # in the one after.
        for _ in range(2):
            await asyncio.sleep(0)
        # What has arrived lies in the reader's buffer, which has no public method for this.
        buffer: bytearray = self._reader._buffer  # type: ignore[attr-defined]  # private
        return await self._reader.read(len(buffer)) if buffer else b""

    def send(self, data: bytes) -> None:
        self._write(data)

    def close(self) -> None:
        self._close()


async def open_wire(address: Address) -> Wire:
    """The line that an address names. Raises OSError or termios.error when it cannot be opened."""
    return await (_open_serial(address) if address.is_serial else _open_tcp(address))


async def _open_tcp(address: Address) -> Wire:
    reader, writer = await asyncio.open_connection(address.host, address.port)
    return _StreamWire(reader, writer.write, writer.close)


async def _open_serial(address: Address) -> Wire:
    """A serial port with 8 data bits, opened for this process alone."""
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
