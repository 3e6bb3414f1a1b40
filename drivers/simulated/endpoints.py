"""Where simulated devices are served: a TCP port, plain or with TLS, or a pseudo-terminal instead
of a serial port.
"""

from __future__ import annotations

import asyncio
import os
import ssl
import termios
import tty
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final, Protocol

Send = Callable[[bytes], None]
"""Sends bytes to the client."""
Receive = Callable[[bytes], None]
"""Takes the bytes that a client has sent."""
Accept = Callable[[Send], Receive]
"""Called for each new connection."""

CHUNK: Final = 4096
"""Most bytes that are read at once."""


class Endpoint(Protocol):
    """What a link can connect to. After it was closed it can be opened again under the same
    address.
    """

    async def open(self, accept: Accept) -> int:
        """Begin to serve. Returns the TCP port, or 0 where there is none. Raises OSError when it
        cannot be opened.
        """
        ...

    async def close(self) -> None:
        """Close all connections and stop serving."""
        ...


class TcpEndpoint:
    """A TCP port. 0 lets the operating system choose one, which is then kept. With `tls` it is
    Modbus TCP security.

    A `shared` one is a transparent serial server: every connection receives all that arrives on the
    line behind it.
    """

    def __init__(
        self, host: str, port: int, *, shared: bool = False, tls: ssl.SSLContext | None = None
    ) -> None:
        self._host, self._port, self._shared, self._tls = host, port, shared, tls
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()

    async def open(self, accept: Accept) -> int:
        """Listen."""

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            self._writers.add(writer)
            receive = accept(
                self._send_to_all if self._shared else lambda data: _send(writer, data)
            )
            try:
                while data := await reader.read(CHUNK):
                    receive(data)
            except OSError:
                pass  # the client closed the connection
            finally:
                self._writers.discard(writer)
                writer.close()

        try:
            self._server = await asyncio.start_server(serve, self._host, self._port, ssl=self._tls)
        except OSError as error:
            raise OSError(
                error.errno,
                f"cannot listen on {self._host}:{self._port}, perhaps the port is in use",
            ) from None
        self._port = self._server.sockets[0].getsockname()[1]
        return self._port

    async def close(self) -> None:
        """Stop listening and close all connections."""
        if self._server is not None:
            self._server.close()
            for writer in self._writers:
                writer.close()
            await self._server.wait_closed()
            self._server = None

    def _send_to_all(self, data: bytes) -> None:
        for writer in self._writers:
            _send(writer, data)


def _send(writer: asyncio.StreamWriter, data: bytes) -> None:
    if not writer.is_closing():
        writer.write(data)


class PtyEndpoint:
    """A pseudo-terminal under `path`, like the serial port of a machine. The path is a symbolic
    link to the terminal that is open at the moment.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._ours, self._theirs = -1, -1

    async def open(self, accept: Accept) -> int:
        """Open a pair of terminals and link the path to the client's end.

        A dangling link, left by a simulator that was killed, is replaced; anything else at the path
        is kept, and raises OSError.
        """
        if self._path.is_symlink() and not self._path.exists():
            self._path.unlink()
        # The client's end stays open here, so that a client may close it and open it again.
        self._ours, self._theirs = os.openpty()
        tty.setraw(self._theirs, termios.TCSANOW)
        os.set_blocking(self._ours, False)
        try:
            self._path.symlink_to(os.ttyname(self._theirs))
        except OSError as error:
            await self._close_pair()
            if isinstance(error, FileExistsError):
                raise OSError(
                    error.errno, f"{self._path} exists already, and is not replaced"
                ) from None
            raise OSError(
                error.errno, f"cannot put a serial port at {self._path}: {error.strerror}"
            ) from None
        receive = accept(self._send)
        asyncio.get_running_loop().add_reader(
            self._ours, lambda: receive(os.read(self._ours, CHUNK))
        )
        return 0

    async def close(self) -> None:
        """Remove the port, as if unplugged: a client that has it open reads an error."""
        if self._ours >= 0:
            asyncio.get_running_loop().remove_reader(self._ours)
            self._path.unlink(missing_ok=True)
            await self._close_pair()

    async def _close_pair(self) -> None:
        os.close(self._ours)
        os.close(self._theirs)
        self._ours, self._theirs = -1, -1

    def _send(self, data: bytes) -> None:
        if self._ours >= 0:
            with suppress(BlockingIOError):  # no client reads; a line does not buffer either
                os.write(self._ours, data)
