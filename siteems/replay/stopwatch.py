"""Where the CPU time of a replay goes: spans by name, each without the spans inside it."""

from __future__ import annotations

import time


class Stopwatch:
    """Adds up CPU time by activity: `with stopwatch("solve"): ...`.

    A span inside another one stops the outer one. Time in no span counts as `rest`.
    """

    def __init__(self, rest: str) -> None:
        self.spans_s = {rest: 0.0}
        self._open, self._since = [rest], time.process_time()

    def __call__(self, name: str) -> Stopwatch:
        """Begin a span of this name."""
        self._turn()
        self._open.append(name)
        return self

    def __enter__(self) -> None:
        """The span began when the stopwatch was called."""

    def __exit__(self, *error: object) -> None:
        self._turn()
        self._open.pop()

    def _turn(self) -> None:
        """Add the time since the last turn to the innermost span."""
        now, name = time.process_time(), self._open[-1]
        self.spans_s[name] = self.spans_s.get(name, 0.0) + now - self._since
        self._since = now
