"""A hold: someone keeps the battery at a power for a while.

An operator's hold comes after DR events. A service hold, for someone who works on the battery,
comes before them. Neither comes before safety, the grid connection or the backup reserve.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from siteems.clock import Clock
from siteems.control import reasons
from siteems.control.bounds import Bound


@dataclass(frozen=True, slots=True)
class Hold:
    """One hold, until it ends or is released."""

    battery_kw: float
    """+ charging, - discharging."""
    until: datetime
    owner: str
    """The user who asked for it."""
    service: bool = False
    """For work at the battery: before DR events."""

    def bound(self) -> Bound:
        """The one power that it allows."""
        kw, until = self.battery_kw, f"{self.until:%m-%d %H:%M} UTC"
        reason = reasons.HELD(battery_kw=kw, owner=self.owner, until=until)
        return Bound("service-hold" if self.service else "operator-hold", kw, kw, reason)


class Holds:
    """Those of a site: at most one of each kind. They last as long as was asked for, also where the
    clock is set meanwhile.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._held: dict[bool, tuple[Hold, datetime]] = {}
        """By whether it is for service: the hold, and the steady time of its end."""

    def begin(self, hold: Hold) -> None:
        """Hold from now on, in place of another of the same kind. One that is over is ignored."""
        left = hold.until - self._clock.now()
        self._held[hold.service] = hold, self._clock.steady() + left

    def end(self) -> tuple[Hold, ...]:
        """Release all; returns those that were in force."""
        ended = self.in_force()
        self._held.clear()
        return ended

    def in_force(self) -> tuple[Hold, ...]:
        """The holds of now, a service hold first."""
        if not self._held:
            return ()
        steady = self._clock.steady()
        self._held = {kind: each for kind, each in self._held.items() if each[1] > steady}
        return tuple(self._held[kind][0] for kind in (True, False) if kind in self._held)
