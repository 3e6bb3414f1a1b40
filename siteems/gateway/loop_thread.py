"""A thread of the daemon with an event loop of its own: whatever happens on the network, no control
cycle waits for it.
"""

from __future__ import annotations

import asyncio
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import suppress
from typing import Final

CLOSE_WITHIN_S: Final = 2.0


class LoopThread(ABC):
    """Runs `_serve` from `start` to `close`."""

    def __init__(self, name: str) -> None:
        """`name` is that of the thread."""
        self._stop = threading.Event()
        self._wake: Callable[[], None] = lambda: None
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    @abstractmethod
    async def _serve(self, stopped: asyncio.Event) -> None:
        """What the thread does. It returns soon after `stopped` is set."""

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def close(self) -> None:
        """Stop, and wait for it `CLOSE_WITHIN_S` seconds at most."""
        self._stop.set()
        with suppress(RuntimeError):  # the loop has ended by itself
            self._wake()
        self._thread.join(CLOSE_WITHIN_S)

    def _run(self) -> None:
        with suppress(asyncio.CancelledError):
            asyncio.run(self._serve_until_stopped())

    async def _serve_until_stopped(self) -> None:
        loop, stopped = asyncio.get_running_loop(), asyncio.Event()

        def wake() -> None:
            loop.call_soon_threadsafe(stopped.set)

        self._wake = wake
        if self._stop.is_set():  # before `close` could wake this loop
            return
        await self._serve(stopped)
