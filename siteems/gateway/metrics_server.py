"""HTTP on loopback: `/metrics` for Prometheus, `/healthz` and `/readyz` for a supervisor.

It shares the event loop with the control cycle, so everything is bounded: the length of a request,
the number of connections and how long one may take. An answer takes under a millisecond. Nothing
can be changed here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from http import HTTPStatus
from typing import Final

import structlog

from siteems.messages.json_text import json_text
from siteems.operations.metrics import DaemonView, alive, metrics_text, ready

log = structlog.get_logger()

HOST: Final = "127.0.0.1"
MOST_CONNECTIONS: Final = 8
REQUEST_WITHIN_S: Final = 2.0
ANSWER_WITHIN_S: Final = 2.0
LONGEST_REQUEST: Final = 8192
"""Bytes of a request with its headers."""

TEXT: Final = "text/plain; version=0.0.4; charset=utf-8"
JSON: Final = "application/json"


class MetricsServer:
    """Answers until it is closed."""

    def __init__(self, port: int, view: Callable[[], DaemonView]) -> None:
        self._port, self._view = port, view
        self._open = 0
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Begin to listen. A site is also controlled where that fails: it is logged."""
        try:
            self._server = await asyncio.start_server(
                self._serve, HOST, self._port, limit=LONGEST_REQUEST
            )
        except OSError as error:
            log.error("no-metrics", port=self._port, error=str(error))

    async def close(self) -> None:
        """Take no more requests."""
        if self._server is not None:
            self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open += 1
        try:
            if self._open <= MOST_CONNECTIONS:
                request = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), REQUEST_WITHIN_S)
                writer.write(self._answer(request))
                await asyncio.wait_for(writer.drain(), ANSWER_WITHIN_S)
        except (OSError, EOFError, TimeoutError, asyncio.LimitOverrunError):
            pass  # a peer that is slow, gone or talks without end gets no answer
        except Exception:
            log.exception("metrics-failed")
        finally:
            self._open -= 1
            if writer.transport.get_write_buffer_size():
                writer.transport.abort()
            else:
                writer.close()

    def _answer(self, request: bytes) -> bytes:
        method, _, rest = request.partition(b" ")
        path = rest.partition(b" ")[0].partition(b"?")[0]
        if method not in (b"GET", b"HEAD"):
            return _response(HTTPStatus.METHOD_NOT_ALLOWED, TEXT, "allowed: GET\n")
        if path == b"/metrics":
            status, kind, body = HTTPStatus.OK, TEXT, metrics_text(self._view())
        elif path in (b"/healthz", b"/readyz"):
            good, text = (alive if path == b"/healthz" else ready)(self._view())
            status = HTTPStatus.OK if good else HTTPStatus.SERVICE_UNAVAILABLE
            kind, body = JSON, json_text({"ok": good, "reason": text}) + "\n"
        else:
            status, kind = HTTPStatus.NOT_FOUND, TEXT
            body = "there are: /metrics, /healthz, /readyz\n"
        return _response(status, kind, body, head_only=method == b"HEAD")


def _response(status: HTTPStatus, kind: str, text: str, *, head_only: bool = False) -> bytes:
    body = text.encode()
    head = (
        f"HTTP/1.1 {status.value} {status.phrase}\r\n"
        f"Content-Type: {kind}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    return head.encode() + (b"" if head_only else body)
