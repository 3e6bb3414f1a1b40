"""How many values were written to a device today: memory wears out, so its map sets a limit."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date


@dataclass(slots=True)
class DailyBudget:
    """Counts the values sent since midnight UTC. A frame of several values counts each of them."""

    _day: date | None = None
    _writes: int = 0

    def used(self, today: date) -> int:
        """Values sent today, failed ones included."""
        return self._writes if self._day == today else 0

    def add(self, today: date, writes: int) -> None:
        """Count values that were sent now."""
        self._day, self._writes = today, self.used(today) + writes
