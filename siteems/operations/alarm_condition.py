"""A condition that counts only when it has lasted: on-delay before it is raised, off-delay before
it is cleared.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal

Change = Literal["raised", "cleared"]


class Condition:
    """One alarm condition. It reads no clock: every update is handed the site's time."""

    def __init__(self, on_delay: timedelta, off_delay: timedelta = timedelta(0)) -> None:
        """With an on-delay of zero the first update that finds the condition present raises it;
        with an off-delay of zero the first one that finds it absent clears it.
        """
        self._on_delay, self._off_delay = on_delay, off_delay
        self.active = False
        """Raised and not yet cleared."""
        self._differs_since: datetime | None = None
        """Since when the observations have contradicted `active` without a break."""

    @property
    def pending(self) -> bool:
        """Whether a delay is running: present but not yet raised, or absent but not yet cleared."""
        return self._differs_since is not None

    def update(self, present: bool | None, now: datetime) -> Change | None:
        """Takes one observation and returns the change that it causes, if any.

        `None` means that the condition cannot be judged now, for instance because a measurement is
        missing: the state stays, and a running delay starts again. A delay starts again too when
        the clock is set back.
        """
        if present is None or present == self.active:
            self._differs_since = None
            return None
        if self._differs_since is None or now < self._differs_since:
            self._differs_since = now
        if now - self._differs_since < (self._off_delay if self.active else self._on_delay):
            return None
        self.active, self._differs_since = present, None
        return "raised" if present else "cleared"

    def reset(self) -> None:
        """Back to the start: not raised, no delay running."""
        self.active, self._differs_since = False, None
