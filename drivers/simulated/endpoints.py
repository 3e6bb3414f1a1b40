"""Where simulated devices are served: a TCP port, plain or with TLS, or a pseudo-terminal in the
place of a port.
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

Say = Callable[[bytes], None]
Hear = Callable[[bytes], None]
Meet = Callable[[Say], Hear]
"""Called for each connection: what takes the bytes that come, given what sends the answers."""

PIECE: Final = 4096


class Endpoint(Protocol):
    """Somewhere that a link can lead to. It may be opened again after it was closed, and is then
    the same place.
    """

    async def open(self, meet: Meet) -> int:
        """Begin to serve; returns the TCP port, or 0 where there is none. Raises OSError when it
        cannot be had.
        """
        ...

    async def close(self) -> None:
        """Close all connections and serve no more."""
        ...


class TcpEndpoint:
    """A TCP port; 0 lets the operating system choose, and stays. With `tls`, Modbus TCP security.

    A `shared` one is a transparent serial server: every connection hears whatever the line behind
    it brings.
    """

    def __init__(
        self, host: str, port: int, *, shared: bool = False, tls: ssl.SSLContext | None = None
    ) -> None:
        self._host, self._port, self._shared, self._tls = host, port, shared, tls
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()

    async def open(self, meet: Meet) -> int:
        """Listen."""

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            self._writers.add(writer)
            hear = meet(self._say_to_all if self._shared else lambda data: _say(writer, data))
            try:
                while data := await reader.read(PIECE):
                    hear(data)
            except OSError:
                pass  # the client hung up
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

    def _say_to_all(self, data: bytes) -> None:
        for writer in self._writers:
            _say(writer, data)


def _say(writer: asyncio.StreamWriter, data: bytes) -> None:
    if not writer.is_closing():
        writer.write(data)


class PtyEndpoint:
    """A pseudo-terminal, found under `path` like the serial port of a machine: a link to the
    terminal of the moment.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._ours, self._theirs = -1, -1

    async def open(self, meet: Meet) -> int:
        """Open a pair and put a link to its other end at the path. Never puts away what is not left
        over there.
        """
        if self._path.is_symlink() and not self._path.exists():
            self._path.unlink()  # of a simulator that was killed
        # The other end stays open here, so that a client may hang up and come back.
        self._ours, self._theirs = os.openpty()
        tty.setraw(self._theirs, termios.TCSANOW)
        os.set_blocking(self._ours, False)
        try:
            self._path.symlink_to(os.ttyname(self._theirs))
        except OSError as error:
            await self._let_go()
            if isinstance(error, FileExistsError):
                raise OSError(
                    error.errno, f"{self._path} is there already, and is not replaced"
                ) from None
            raise OSError(
                error.errno, f"cannot put a serial port at {self._path}: {error.strerror}"
            ) from None
        hear = meet(self._say)
        asyncio.get_running_loop().add_reader(self._ours, lambda: hear(os.read(self._ours, PIECE)))
        return 0

    async def close(self) -> None:
        """Pull the port out: whoever has it open reads an error."""
        if self._ours >= 0:
            asyncio.get_running_loop().remove_reader(self._ours)
            self._path.unlink(missing_ok=True)
            await self._let_go()

    async def _let_go(self) -> None:
        os.close(self._ours)
        os.close(self._theirs)
        self._ours, self._theirs = -1, -1

    def _say(self, data: bytes) -> None:
        if self._ours >= 0:
            with suppress(BlockingIOError):  # nobody reads, and a line keeps nothing
                os.write(self._ours, data)
