"""The open line to DL/T 645 meters: bytes through a TCP serial server or a serial port."""

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

    async def receive(self) -> bytes:
        """The next bytes. Raises EOFError or OSError when the line is gone."""
        ...

    def send(self, data: bytes) -> None:
        """Send bytes. Raises OSError when the line is gone."""
        ...

    def flush(self) -> None:
        """Discard what was received and not read yet."""
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

    async def receive(self) -> bytes:
        data = await self._reader.read(4096)
        if not data:
            raise EOFError("the line was closed")
        return data

    def send(self, data: bytes) -> None:
        self._write(data)

    def flush(self) -> None:
        # What has arrived lies in the reader's buffer, which has no public method for this.
        self._reader._buffer.clear()  # type: ignore[attr-defined]  # private

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
