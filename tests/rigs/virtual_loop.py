"""An event loop whose clock jumps to the next timer: hours of waiting take no time, and a loaded
machine changes nothing.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class _JumpingSelector(selectors.DefaultSelector):
    """Waits for nothing: what would be waited for is added to the clock."""

    waited_s = 0.0

    def select(self, timeout: float | None = None) -> list[Any]:
        if events := super().select(0):
            return events
        if timeout is None:
            raise RuntimeError("nothing is awaited that could ever happen")
        self.waited_s += timeout
        return []


class _VirtualLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._jumping = _JumpingSelector()
        super().__init__(self._jumping)

    def time(self) -> float:
        return self._jumping.waited_s


def run_virtually(main: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine in virtual time. It must use no thread, process or terminal."""
    with asyncio.Runner(loop_factory=_VirtualLoop) as runner:
        return runner.run(main)
