"""How a command reaches the daemon: one line of JSON over a local Unix socket, one line back.

The socket is in the state folder. Its mode says who may use it, and the kernel says who does
(`Caller`). The daemon alone validates, executes and logs.
"""

from __future__ import annotations

import json
import os
import pwd
import socket
import struct
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from siteems.errors import UserError

SOCKET_NAME: Final = "commands.sock"
LONGEST_LINE: Final = 65_536
"""Bytes of a request or an answer: far more than any of them needs."""
ANSWER_WITHIN_S: Final = 15.0
"""How long an answer may take: the daemon is at work on a cycle, or its disk is slow."""


class DaemonUnavailable(UserError):
    """No daemon takes commands for this record."""

    exit_code = 3


@dataclass(frozen=True)
class Caller:
    """Who gives a command, as the kernel states it."""

    uid: int
    pid: int

    @property
    def user(self) -> str:
        """The login name, or the number of a user without one."""
        try:
            return pwd.getpwuid(self.uid).pw_name
        except KeyError:
            return f"uid {self.uid}"


def caller_of(connection: socket.socket) -> Caller:
    """The process at the other end. Raises OSError."""
    form = "3i"  # struct ucred: pid, uid, gid
    data = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize(form))
    pid, uid, _ = struct.unpack(form, data)
    return Caller(uid, pid)


def send(folder: Path, command: str, arguments: Mapping[str, object]) -> dict[str, Any]:
    """Give a command to the daemon of a state folder, and return its result.

    Raises `DaemonUnavailable` where none takes commands, and `UserError` with what the daemon
    answers to a command that it refuses.
    """
    request = json.dumps({"command": command, "arguments": dict(arguments)}) + "\n"
    try:
        with socket.socket(socket.AF_UNIX) as connection, _address(folder) as address:
            connection.settimeout(ANSWER_WITHIN_S)
            connection.connect(address)
            connection.sendall(request.encode())
            answer = json.loads(_line(connection))
    except PermissionError as error:
        raise UserError(
            f"{folder / SOCKET_NAME}: this user may not give commands; allowed are the user of the "
            "daemon and, where the site file states one, the group `control.command_group`"
        ) from error
    except (OSError, ValueError) as error:
        raise DaemonUnavailable(
            f"{folder}: no running daemon takes the command ({error}); nothing was done. "
            "Start it with `siteems run`, or name its folder with --state"
        ) from error
    if not answer.get("ok"):
        raise UserError(*(str(line) for line in answer.get("error", ["refused"])))
    result: dict[str, Any] = answer["result"]
    return result


def bind(folder: Path) -> socket.socket:
    """The daemon's end, which only its own user may use. One left by a killed daemon is replaced.

    Raises OSError.
    """
    listening = socket.socket(socket.AF_UNIX)
    mask = os.umask(0o177)
    try:
        with suppress(FileNotFoundError):
            (folder / SOCKET_NAME).unlink()
        with _address(folder) as address:
            listening.bind(address)
    except OSError:
        listening.close()
        raise
    finally:
        os.umask(mask)
    return listening


@contextmanager
def _address(folder: Path) -> Iterator[str]:
    """A short name of the socket: its address may have 107 bytes, and folders have longer paths."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{handle}/{SOCKET_NAME}"
    finally:
        os.close(handle)


def _line(connection: socket.socket) -> bytes:
    received = b""
    while not received.endswith(b"\n"):
        part = connection.recv(LONGEST_LINE)
        if not part:
            raise ConnectionError("it closed the connection")
        received += part
        if len(received) > LONGEST_LINE:
            raise ConnectionError("its answer is too long")
    return received
