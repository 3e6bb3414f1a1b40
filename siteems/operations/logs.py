"""Structured logs: one JSON object per line on standard output, for journald or a collector.

Lines are written by a thread. A reader that is stuck stops the lines and nothing else.
"""

from __future__ import annotations

import atexit
import io
import logging
import os
import sys
import threading
import time
from collections import deque
from contextlib import suppress
from typing import Final, TextIO, cast

import structlog

LINES_KEPT: Final = 10_000
"""Lines that wait for a reader: some hours of an ordinary day, in a few megabytes. Beyond that the
oldest ones are lost, and a line says how many.
"""
DRAIN_S: Final = 2.0
"""How long the process waits at its end for the last lines to be read."""
FULL_PAUSE_S: Final = 0.05
"""Before a pipe that is full, and was made not to wait, is tried again."""


class QueuedLines(io.TextIOBase):
    """A text stream that never waits: what is written to it goes to a queue, and a thread writes
    the queue to the real stream.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._lines: deque[str] = deque()
        self._lost = 0
        self._changed = threading.Condition()
        self._writing = False
        threading.Thread(target=self._run, name="log", daemon=True).start()

    def write(self, text: str) -> int:
        """Take a line; the oldest one is lost where too many wait."""
        with self._changed:
            if len(self._lines) >= LINES_KEPT:
                self._lines.popleft()
                self._lost += 1
            self._lines.append(text)
            self._changed.notify_all()
        return len(text)

    def drain(self, limit_s: float) -> bool:
        """Wait until all is written, but at most so long; whether it is."""
        end = time.monotonic() + limit_s
        with self._changed:
            while self._lines or self._writing:
                left_s = end - time.monotonic()
                if left_s <= 0.0 or not self._changed.wait(left_s):
                    return False
        return True

    def _run(self) -> None:
        while True:
            with self._changed:
                self._writing = False
                self._changed.notify_all()
                while not self._lines:
                    self._changed.wait()
                text = self._lines.popleft()
                if self._lost:
                    text = f'{{"event": "log-lines-lost", "lines": {self._lost}}}\n{text}'
                    self._lost = 0
                self._writing = True
            self._write(text)

    def _write(self, text: str) -> None:
        """Past the buffers of Python, which would be emptied, and waited for, at the exit."""
        try:
            number = self._stream.fileno()
        except (OSError, ValueError):  # a stream in memory, or a closed one
            with suppress(ValueError):
                self._stream.write(text)
            return
        data = text.encode("utf-8", "backslashreplace")
        while data:
            try:
                data = data[os.write(number, data) :]
            except BlockingIOError:
                time.sleep(FULL_PAUSE_S)
            except OSError:
                return  # the reader is gone


def configure_logs(site_id: str) -> None:
    """Send structlog's events and the warnings of other libraries to standard output."""
    lines = QueuedLines(sys.stdout)
    atexit.register(lines.drain, DRAIN_S)
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    structlog.configure(
        processors=[*shared, structlog.processors.JSONRenderer(ensure_ascii=False)],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.WriteLoggerFactory(file=cast("TextIO", lines)),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(lines)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared, processor=structlog.processors.JSONRenderer()
        )
    )
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    structlog.contextvars.bind_contextvars(site=site_id)
