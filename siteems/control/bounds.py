"""Nested bounds on battery power: each has an owner and a reason, and a lower one never widens a
higher one.

The bounds are applied in order of priority, and each can only choose from the range that the higher
ones have left. A bound inside that range narrows it. A bound that lies partly outside is cut off at
the edge. A bound that lies wholly outside leaves the one point of the range that is nearest to it.
With charging positive:

    safety          -8 ........................ +8     range -8..+8
    backup reserve              0 ...........  inf     range  0..+8
    DR event       -inf ... -2                         range  0..0: the reserve allows no less
    plan requests +3                                   result 0, limited by the DR event
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from siteems.messages.message import Message

Owner = Literal[
    "safety",
    "grid-connection",
    "backup-reserve",
    "service-hold",
    "dr-event",
    "operator-hold",
    "month-peak",
]
"""Who sets a bound, highest priority first."""


@dataclass(frozen=True, slots=True)
class Bound:
    """A range of battery power in kW (+ charging), whose it is and why it holds."""

    owner: Owner
    low_kw: float
    high_kw: float
    reason: Message


@dataclass(frozen=True, slots=True)
class Range:
    """What nested bounds leave, and which of them set either end (none: that end is open)."""

    low_kw: float = -math.inf
    high_kw: float = math.inf
    low_set_by: Bound | None = None
    high_set_by: Bound | None = None

    def nearest(self, wanted_kw: float) -> tuple[float, Bound | None]:
        """The power in the range that is nearest to the request, and the bound that changed it."""
        if wanted_kw < self.low_kw:
            return self.low_kw, self.low_set_by
        if wanted_kw > self.high_kw:
            return self.high_kw, self.high_set_by
        return wanted_kw, None


def nest(bounds: Iterable[Bound]) -> Range:
    """The range that the bounds leave, the one of highest priority first."""
    left = Range()
    for bound in bounds:
        low_kw = min(max(bound.low_kw, left.low_kw), left.high_kw)
        high_kw = max(min(bound.high_kw, left.high_kw), left.low_kw)
        left = Range(
            low_kw,
            high_kw,
            bound if low_kw > left.low_kw else left.low_set_by,
            bound if high_kw < left.high_kw else left.high_set_by,
        )
    return left
