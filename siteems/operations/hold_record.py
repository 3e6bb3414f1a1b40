"""The holds of a site as they are kept in its record, so that a restart keeps them."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final

from siteems.control.hold import Hold
from siteems.messages.json_text import json_text

HOLDS: Final = "holds"
"""The key of the fact."""


def hold_dict(hold: Hold) -> dict[str, Any]:
    """A hold for programs: times ISO 8601 UTC."""
    return {
        "battery_kw": hold.battery_kw,
        "until": hold.until.isoformat(),
        "owner": hold.owner,
        "service": hold.service,
    }


def holds_text(holds: Iterable[Hold]) -> str:
    """The fact; `recorded_holds` reads it."""
    return json_text([hold_dict(hold) for hold in holds], indent=None)


def recorded_holds(text: str | None, now: datetime) -> tuple[Hold, ...]:
    """Those that are not over; none where the text is not one of holds."""
    try:
        found = [_hold(data) for data in json.loads(text)] if text else []
    except (ValueError, TypeError, KeyError, RecursionError):
        return ()
    return tuple(hold for hold in found if hold.until > now)


def _hold(data: Any) -> Hold:
    kw, until, owner, service = (data[k] for k in ("battery_kw", "until", "owner", "service"))
    time = datetime.fromisoformat(until)
    if time.tzinfo is None or not isinstance(owner, str) or not isinstance(service, bool):
        raise ValueError("not a hold")
    if isinstance(kw, bool) or not math.isfinite(kw):
        raise ValueError("not a hold")
    return Hold(float(kw), time, owner, service)
