"""From commands of a control room to neutral events, and why one is refused.

A command holds for a stated time after it was last sent. So a master that is lost, or a line that
is cut, holds a site for that time at most.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final, cast

from siteems.demand_response.event import DrEvent, Interval, Kind
from siteems.demand_response.iec104.objects import CommandObject, Objects
from siteems.demand_response.listing import Added, Refuse

SOURCE: Final = "iec104"
SHORTEST_MIN: Final = 1.0
LONGEST_MIN: Final = 24.0 * 60.0
BaselineOf = Callable[[datetime, datetime], float | None]


class Commands:
    """What was commanded over 104. Not for several tasks at once."""

    def __init__(
        self,
        objects: Objects,
        events: Added,
        refuse: Refuse,
        baseline: BaselineOf,
        command_min: float,
        known: Iterable[DrEvent],
    ) -> None:
        """`known` are the newest revisions that the record has, cancelled ones too."""
        self._objects = {each.address: each for each in objects.command}
        self._events, self._refuse, self._baseline = events, refuse, baseline
        self._minutes = command_min
        self._known = {event.id: event for event in known if event.source == SOURCE}

    def check(self, address: int, value: float, now: datetime) -> str | None:
        """Why a command would be refused; None where it would be executed."""
        found = self._judged(address, value, now)
        return found if isinstance(found, str) else None

    def execute(self, address: int, value: float, now: datetime) -> str | None:
        """Carry out a command; why it is refused, None where it is not."""
        found = self._judged(address, value, now)
        if isinstance(found, str):
            return found
        command = self._objects[address]
        if command.does == "duration":
            self._minutes = value
        elif isinstance(found, DrEvent):
            self._add(found)
        else:
            ended = ("emergency",) if command.does == "emergency" else ()
            self._end(ended, now)
        return None

    def _judged(self, address: int, value: float, now: datetime) -> DrEvent | str | None:
        """The event of a command, or why it is refused; None where it makes no event."""
        command = self._objects[address]
        match command.does:
            case "duration":
                if SHORTEST_MIN <= value <= LONGEST_MIN:
                    return None
                return f"a duration of {value:g} min; allowed: {SHORTEST_MIN:g} to {LONGEST_MIN:g}"
            case "release":
                return None if value == 1.0 else "off means nothing here"
            case "emergency" if value == 0.0:
                return None
        return self._event(command, value, now)

    def _event(self, command: CommandObject, value: float, now: datetime) -> DrEvent | str:
        kind = cast("Kind", command.does)
        end = now + timedelta(minutes=self._minutes)
        base = None
        if kind == "reduction":
            base = self._baseline(now, end)
            if base is None:
                return "no baseline is known yet"
        if not math.isfinite(value):
            return "no number"
        id_ = f"{SOURCE}:{kind}"
        number = 0.0 if kind == "emergency" else value
        try:
            event = DrEvent(
                id=id_,
                revision=self._revision(id_, now),
                kind=kind,
                intervals=(Interval(now, end, number, base),),
                source=SOURCE,
                created=now,
            )
        except ValueError as error:
            return str(error)
        return self._refuse(event, self._open(now), now) or event

    def _revision(self, id_: str, now: datetime) -> int:
        """Later ones are higher, also where the clock was put back."""
        known = self._known.get(id_)
        stamp = round(now.timestamp() * 1000.0)
        return stamp if known is None else max(stamp, known.revision + 1)

    def _end(self, kinds: tuple[str, ...], now: datetime) -> None:
        """Cancel the events of some kinds; of all where none is named."""
        for event in self._open(now):
            if not kinds or event.kind in kinds:
                ended = self._revision(event.id, now)
                self._add(replace(event, revision=ended, cancelled=True, created=now))

    def _add(self, event: DrEvent) -> None:
        self._events.add(event)
        self._known[event.id] = event

    def _open(self, now: datetime) -> list[DrEvent]:
        return [e for e in self._known.values() if not e.cancelled and e.end > now]
