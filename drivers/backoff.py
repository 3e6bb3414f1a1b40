"""When to try again after a failure: the one retry timer of links, meters, setpoints and devices.

The caller hands in the time as seconds of its own clock: `loop.time()`, or `datetime.timestamp()`
where the clock of the site counts. A clock that is set back ends the pause, so a wrong clock never
blocks a device for longer than the pause itself. Use one `Backoff` for each thing that can fail,
for example `defaultdict(lambda: Backoff(growing_pauses(30.0, 3600.0, factor=4.0)))` by device name.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


def growing_pauses(first_s: float, longest_s: float, *, factor: float = 2.0) -> tuple[float, ...]:
    """Pauses in seconds: `first_s`, then each `factor` times the one before, up to `longest_s`.

    A longest_s of 0 means no pause at all. Raises ValueError unless first_s > 0, longest_s >= 0 and
    factor > 1.
    """
    if not (first_s > 0.0 and longest_s >= 0.0 and factor > 1.0):
        raise ValueError(f"pauses {first_s:g}..{longest_s:g} s by {factor:g} do not grow")
    pauses: list[float] = []
    pause_s = first_s
    while pause_s < longest_s:
        pauses.append(pause_s)
        pause_s *= factor
    return (*pauses, longest_s)


@dataclass(slots=True)
class Backoff:
    """Counts the failures in a row of one thing, and makes it rest after each of them."""

    pauses_s: Sequence[float] = (0.0,)
    """Rest after the first failure, after the second, and so on, seconds; the last one repeats."""
    failures: int = 0
    """Failures since the last success."""
    _rest_began_s: float = 0.0
    _rest_s: float = 0.0

    def failed(self, now_s: float) -> None:
        """Count a failure and begin the pause that follows it."""
        pause_s = self.pauses_s[min(self.failures, len(self.pauses_s) - 1)]
        self.failures += 1
        self.rest(now_s, pause_s)

    def succeeded(self) -> None:
        """Forget all failures; the next attempt may follow at once."""
        self.failures = 0
        self._rest_s = 0.0

    def rest(self, now_s: float, pause_s: float) -> None:
        """Begin a pause of this length instead, without counting a failure."""
        self._rest_began_s, self._rest_s = now_s, pause_s

    def resting(self, now_s: float) -> bool:
        """Whether it is too early for the next attempt."""
        return 0.0 <= now_s - self._rest_began_s < self._rest_s
