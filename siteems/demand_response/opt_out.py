"""Opt-outs: someone at the site declines a DR event, with a reason. The event stays in the record,
and nothing of it is followed, whatever later revisions of it ask for.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from siteems.messages.json_text import json_text

OPT_OUTS: Final = "dr-opt-outs"
"""The key of the fact that keeps them."""
MOST: Final = 100
"""As many as there are open events at most; the oldest are forgotten first."""


@dataclass(frozen=True, slots=True)
class OptOut:
    """One event that is declined."""

    event: str
    """Its id."""
    reason: str
    owner: str
    """The user who decided."""
    time: datetime


class OptOuts:
    """Those of a site, by event."""

    def __init__(self, known: Iterable[OptOut] = ()) -> None:
        self._by_event = {each.event: each for each in known}

    def begin(self, opt_out: OptOut) -> None:
        """Decline an event from now on, in place of an earlier reason."""
        self._by_event.pop(opt_out.event, None)
        self._by_event[opt_out.event] = opt_out
        while len(self._by_event) > MOST:
            self._by_event.pop(next(iter(self._by_event)))

    def end(self, event: str) -> OptOut | None:
        """Follow an event again; returns what was declined, None where it was not."""
        return self._by_event.pop(event, None)

    def all(self) -> tuple[OptOut, ...]:
        """All of them, the oldest first."""
        return tuple(self._by_event.values())

    def __contains__(self, event: object) -> bool:
        return event in self._by_event


def opt_out_dict(opt_out: OptOut) -> dict[str, Any]:
    """An opt-out for programs: times ISO 8601 UTC."""
    return {
        "event": opt_out.event,
        "reason": opt_out.reason,
        "owner": opt_out.owner,
        "time": opt_out.time.isoformat(),
    }


def opt_outs_text(opt_outs: OptOuts) -> str:
    """The fact; `recorded_opt_outs` reads it."""
    return json_text([opt_out_dict(each) for each in opt_outs.all()], indent=None)


def recorded_opt_outs(text: str | None) -> tuple[OptOut, ...]:
    """The opt-outs of a fact; none where its text is not one of opt-outs."""
    try:
        return tuple(_opt_out(data) for data in json.loads(text)) if text else ()
    except (ValueError, TypeError, KeyError, RecursionError):
        return ()


def _opt_out(data: Any) -> OptOut:
    event, reason, owner, time = (data[key] for key in ("event", "reason", "owner", "time"))
    when = datetime.fromisoformat(time)
    if when.tzinfo is None or not all(isinstance(each, str) for each in (event, reason, owner)):
        raise ValueError("not an opt-out")
    return OptOut(event, reason, owner, when)
