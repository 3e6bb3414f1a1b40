"""The control port of the simulator, where faults are requested: one JSON object per line, answered
by one each.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import asdict
from typing import Any

from drivers.simulated.faults import fault_from
from siteems.simulation.server import LOOPBACK, SimulatedSite


class ControlPort:
    """Takes `{"do": "fault", "link": ..., "kind": ...}`, `{"do": "clear", "link": ...}`, `{"do":
    "list"}`.
    """

    def __init__(self, simulated: SimulatedSite, port: int) -> None:
        self._simulated, self._port = simulated, port
        self._server: asyncio.Server | None = None

    async def start(self) -> int:
        """Listen; returns the port. Raises OSError when it is taken."""
        self._server = await asyncio.start_server(self._serve, LOOPBACK, self._port)
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    async def stop(self) -> None:
        """Stop listening."""
        if self._server is not None:
            self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while line := await reader.readline():
                writer.write(json.dumps(await self._answer(line)).encode() + b"\n")
                await writer.drain()
        except (ConnectionError, ValueError):
            pass  # hung up, or a line without an end
        finally:
            writer.close()

    async def _answer(self, line: bytes) -> dict[str, Any]:
        try:
            request = json.loads(line)
            if not isinstance(request, dict):
                raise ValueError("a line is one JSON object")
            action = request.pop("do", None)
            if action == "fault":
                link = str(request.pop("link", ""))
                await self._simulated.inject(link, fault_from(request))
            elif action == "clear":
                self._simulated.clear(str(request.get("link", "")))
            elif action != "list":
                raise ValueError("do is fault, clear or list")
        except ValueError as error:
            return {"ok": False, "error": str(error)}
        faults = {
            name: [asdict(fault) for fault in active]
            for name, active in self._simulated.faults().items()
        }
        return {"ok": True, "faults": faults}


async def ask(port: int, request: dict[str, Any]) -> dict[str, Any]:
    """Send one request to a control port and return its answer. Raises OSError when the port is
    closed.
    """
    async with asyncio.timeout(10):
        reader, writer = await asyncio.open_connection(LOOPBACK, port)
        try:
            writer.write(json.dumps(request).encode() + b"\n")
            answer: dict[str, Any] = json.loads(await reader.readline())
            return answer
        finally:
            writer.close()
