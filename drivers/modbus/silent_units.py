"""Which units of a link do not answer, and when each of them is asked again.

Each request to a silent unit costs the link a whole time-out, during which no other unit is read. A
unit that missed a reply or two is asked again almost at once; one that stays silent counts as dead
and is asked seldom. Dead units are asked one at a time, so that no poll pays for all of them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from drivers.backoff import Backoff
from drivers.counters import Counters

DEAD_AFTER: Final = 3
"""Unanswered requests in a row after which a unit counts as dead."""
DEAD_PAUSE_S: Final = 20.0
"""Pause before a dead unit is asked again. The requests to it cost the link one or two percent of
its time, and a unit that returns is read again within half a minute.
"""


@dataclass(slots=True)
class UnitState:
    """What the link knows of one unit."""

    reply_s: float
    """Time-out of a reply, seconds."""
    gap_s: float
    """Pause that the unit needs before a request, seconds."""
    silence: Backoff = field(default_factory=Backoff)
    """Unanswered requests in a row, and the pause after them."""
    counters: Counters = field(default_factory=Counters)
    answered_s: float = -math.inf
    """When it answered last."""

    @property
    def is_dead(self) -> bool:
        """Whether it has not answered for so many requests that it is asked only seldom."""
        return self.silence.failures >= DEAD_AFTER


class SilentUnits:
    """The state of each unit of one link, by unit number. Times are seconds of the event loop."""

    def __init__(self, *, timeout_s: float, gap_s: float) -> None:
        self._timeout_s, self._gap_s = timeout_s, gap_s
        self._units: dict[int, UnitState] = {}
        self._next_dead = Backoff()
        """The pause before any dead unit of this link is asked."""

    def __iter__(self) -> Iterator[tuple[int, UnitState]]:
        """Number and state of each unit that was named so far, by number."""
        return iter(sorted(self._units.items()))

    def state(self, unit: int) -> UnitState:
        """The state of a unit; a new one has the time-out and gap of the link."""
        known = self._units.get(unit)
        if known is None:
            known = self._units[unit] = UnitState(self._timeout_s, self._gap_s)
        return known

    def resting(self, known: UnitState, now_s: float) -> bool:
        """Whether it is too early to ask this unit."""
        if known.silence.resting(now_s):
            return True
        return known.is_dead and self._next_dead.resting(now_s)

    def unanswered(self, known: UnitState, now_s: float) -> None:
        """Note that a unit did not answer."""
        known.silence.pauses_s = (known.reply_s, 2.0 * known.reply_s, DEAD_PAUSE_S)
        known.silence.failed(now_s)
        if known.is_dead:
            dead = sum(unit.is_dead for unit in self._units.values())
            # Twice as many requests fit into DEAD_PAUSE_S as there are dead units, so that none of
            # them waits for its turn much longer than its own pause.
            pause_s = min(4.0 * known.reply_s, DEAD_PAUSE_S / (2.0 * dead))
            self._next_dead.rest(now_s, pause_s)
