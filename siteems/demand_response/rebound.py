"""The rebound after events: the import stays limited for a while, as by one more event.

When a cap ends, a battery that gave its energy is charged again. Of many sites at once, that would
be a new peak.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from siteems.demand_response.event import DrEvent, Interval
from siteems.demand_response.timeline import CAP_KINDS
from siteems.site.demand_response import DemandResponse

SOURCE: Final = "rebound"


def looks_back(settings: DemandResponse) -> timedelta:
    """For how long an event counts after its end."""
    return timedelta(0) if settings.rebound_kw is None else timedelta(hours=settings.rebound_h)


def with_rebounds(
    events: Iterable[DrEvent], settings: DemandResponse, now: datetime
) -> tuple[DrEvent, ...]:
    """The events that are not over, and a cap after each that caps the import, also after one that
    ended not longer ago than `looks_back`.
    """
    found: list[DrEvent] = []
    for event in events:
        if event.end > now:
            found.append(event)
        if settings.rebound_kw is None or event.test or event.kind not in CAP_KINDS:
            continue
        after = event.end + looks_back(settings)
        if after > now:
            interval = Interval(event.end, after, settings.rebound_kw)
            found.append(
                DrEvent(
                    f"{SOURCE}:{event.id}",
                    event.revision,
                    "import-cap",
                    (interval,),
                    SOURCE,
                    event.created,
                    event.programme,
                    event.priority,
                )
            )
    return tuple(sorted(found, key=lambda event: (event.start, event.id)))
