"""Whether an event that a grid operator's server sends is followed: what the site file allows."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from siteems.demand_response.event import DrEvent
from siteems.demand_response.timeline import CAP_KINDS, tightest_cap_kw
from siteems.site.demand_response import DemandResponse
from siteems.site.model import Battery

HOUR: Final = timedelta(hours=1)
LATEST_START: Final = timedelta(days=366)
"""Events are announced days ahead; a year ahead is an error in the date."""


def refusal(
    event: DrEvent,
    others: Iterable[DrEvent],
    allowed: DemandResponse,
    battery: Battery,
    zone: ZoneInfo,
    now: datetime,
) -> str | None:
    """Why an event is refused, in one sentence; None for one that is accepted.

    `others` are the open events of the same source. Nothing here concerns safety: device limits,
    the grid connection and the backup reserve bound every accepted event as it runs.
    """
    if event.kind not in allowed.kinds:
        kinds = ", ".join(allowed.kinds)
        return f"{event.kind} events are not allowed (demand_response.kinds: {kinds})"
    if event.end <= now:
        return f"it is over since {event.end:%Y-%m-%d %H:%M} UTC"
    if event.start > now + LATEST_START:
        return f"it begins at {event.start:%Y-%m-%d %H:%M} UTC; allowed: within a year"
    if event.end > now + 2 * LATEST_START:
        return f"it ends at {event.end:%Y-%m-%d %H:%M} UTC; allowed: within two years"
    length_h = (event.end - event.start) / HOUR
    if length_h > allowed.longest_h and event.kind != "price":
        limit = f"demand_response.longest_h: {allowed.longest_h:g}"
        return f"it lasts {length_h:g} h ({limit})"
    if event.kind in CAP_KINDS and event.kind != "emergency":
        cap_kw = tightest_cap_kw(event)
        if event.kind == "import-cap" and cap_kw < allowed.lowest_limit_kw:
            limit = f"demand_response.lowest_limit_kw: {allowed.lowest_limit_kw:g}"
            return f"it allows {cap_kw:g} kW ({limit})"
    if event.kind == "battery-power":
        for interval in event.intervals:
            if not -battery.max_discharge_kw <= interval.value <= battery.max_charge_kw:
                rated = f"{-battery.max_discharge_kw:g} to {battery.max_charge_kw:g} kW"
                return f"it asks for {interval.value:g} kW; the battery's ratings: {rated}"
    return _too_many(event, others, allowed, zone)


def _too_many(
    event: DrEvent, others: Iterable[DrEvent], allowed: DemandResponse, zone: ZoneInfo
) -> str | None:
    day = event.start.astimezone(zone).date()
    same_day = [
        each
        for each in others
        if each.id != event.id and each.start.astimezone(zone).date() == day and not each.test
    ]
    if len(same_day) < allowed.events_a_day:
        return None
    count = f"{len(same_day)} other events begin on {day}"
    return f"{count} (demand_response.events_a_day: {allowed.events_a_day})"
