"""How long to leave alone what does not answer: longer after each failure, up to a limit."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Backoff:
    """Pauses of `first_s`, twice that, and so on up to `longest_s`, seconds on any steady clock."""

    first_s: float
    longest_s: float
    failures: int = 0
    again_at_s: float = 0.0

    def failed(self, now_s: float) -> None:
        """Note a failure; the next attempt is due after a pause."""
        self.again_at_s = now_s + min(self.first_s * 2.0 ** min(self.failures, 30), self.longest_s)
        self.failures += 1

    def answered(self) -> None:
        """Forget all failures."""
        self.failures, self.again_at_s = 0, 0.0

    def resting(self, now_s: float) -> bool:
        """Whether it is too early for the next attempt."""
        return now_s < self.again_at_s
