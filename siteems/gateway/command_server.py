"""The daemon's end of the command channel: reads a request, has it executed, logs who gave it.

It shares the event loop with the control cycle, so everything is bounded: the length of a line, the
number of connections and how long one may take. No request can raise anything here.
"""

from __future__ import annotations

import asyncio
import grp
import json
import os
import socket
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import structlog

from siteems.clock import Clock
from siteems.errors import UserError
from siteems.history.audit_log import AuditLog
from siteems.messages.json_text import json_text
from siteems.operations.command_channel import LONGEST_LINE, SOCKET_NAME, Caller, bind, caller_of

log = structlog.get_logger()

MOST_CONNECTIONS: Final = 8
REQUEST_WITHIN_S: Final = 5.0
"""For the request to arrive. A command line sends it at once."""

Handler = Callable[[Mapping[str, Any], Caller], Mapping[str, Any]]
"""Executes a command. Raises `UserError` for one that is refused; it must not wait for anything."""


class CommandServer:
    """Takes commands until it is closed."""

    def __init__(
        self, folder: Path, handlers: Mapping[str, Handler], clock: Clock, group: str | None
    ) -> None:
        """`group` names who may give commands beside the daemon's own user."""
        self._folder, self._handlers, self._clock, self._group = folder, handlers, clock, group
        self._audit = AuditLog(folder)
        self._logging = asyncio.Lock()
        self._open = 0
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Begin to listen. A site is also controlled where that fails: it is logged."""
        try:
            listening = bind(self._folder)
            self._share(self._folder / SOCKET_NAME)
            self._server = await asyncio.start_unix_server(
                self._serve, sock=listening, limit=LONGEST_LINE
            )
        except OSError as error:
            log.error("no-commands", error=str(error))

    def _share(self, path: Path) -> None:
        if self._group is None:
            return
        try:
            group_id = grp.getgrnam(self._group).gr_gid
            for each, mode in ((path, 0o660), (self._folder, 0o750)):
                os.chown(each, -1, group_id)
                each.chmod(mode)
        except (KeyError, OSError) as error:
            log.error("commands-not-shared", group=self._group, error=str(error))

    async def close(self) -> None:
        """Take no more commands."""
        if self._server is not None:
            self._server.close()
            (self._folder / SOCKET_NAME).unlink(missing_ok=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open += 1
        try:
            if self._open <= MOST_CONNECTIONS:
                connection: socket.socket = writer.get_extra_info("socket")
                caller = caller_of(connection)
                line = await asyncio.wait_for(reader.readline(), REQUEST_WITHIN_S)
                answer = await self._answer(line, caller)
                writer.write((json_text(answer, indent=None) + "\n").encode())
                await asyncio.wait_for(writer.drain(), REQUEST_WITHIN_S)
        except (OSError, ValueError, TimeoutError) as error:
            log.warning("command-lost", error=str(error))
        finally:
            self._open -= 1
            writer.close()

    async def _answer(self, line: bytes, caller: Caller) -> dict[str, Any]:
        """Execute a request and log it; what was refused is logged too."""
        command, errors = "?", tuple[str, ...]()
        arguments: Mapping[str, Any] = {}
        result: Mapping[str, Any] = {}
        try:
            command, arguments = _parsed(line)
            handler = self._handlers.get(command)
            if handler is None:
                known = ", ".join(sorted(self._handlers))
                raise UserError(f"no command {command!r}; this daemon knows {known}")
            result = handler(arguments, caller)
        except UserError as error:
            errors = error.lines
        except Exception as error:
            log.exception("command-failed", command=command)
            errors = (f"{command} failed: {error}",)
        log.info("command", command=command, user=caller.user, refused=list(errors))
        await self._record(caller, command, arguments, errors)
        return {"ok": False, "error": list(errors)} if errors else {"ok": True, "result": result}

    async def _record(
        self,
        caller: Caller,
        command: str,
        arguments: Mapping[str, Any],
        errors: tuple[str, ...],
    ) -> None:
        """In a thread, because a disk may be slow, and one after the other."""
        outcome = "refused" if errors else "done"
        who = {"user": caller.user, "uid": caller.uid, "pid": caller.pid}
        entry = {"who": who, "command": command, "arguments": arguments, "outcome": outcome}
        if errors:
            entry["error"] = list(errors)
        async with self._logging:
            try:
                await asyncio.to_thread(self._audit.add, self._clock.now(), entry)
            except OSError as error:
                log.error("audit-log-failed", error=str(error), entry=entry)


def _parsed(line: bytes) -> tuple[str, Mapping[str, Any]]:
    """The command and its arguments. Raises `UserError`."""
    try:
        request = json.loads(line)
        command, arguments = request["command"], request["arguments"]
        if isinstance(command, str) and isinstance(arguments, dict):
            return command, arguments
    except (ValueError, TypeError, KeyError, RecursionError):
        pass
    raise UserError("not a request; allowed: one line of JSON with `command` and `arguments`")
