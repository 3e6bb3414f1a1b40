"""The alarms of a site as text and as data for JSON."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from siteems.config.local_time import doubled_offset
from siteems.history.store import History
from siteems.operations.alarm_states import LOOK_BACK, AlarmState, alarm_states
from siteems.operations.daemon_state import daemon_clock, daemon_state
from siteems.operations.english import ENGLISH


def recorded_alarms(history: History) -> tuple[AlarmState, ...]:
    """The alarms of the last 90 days. Raises `RecordError`."""
    now = daemon_clock(history).now()
    # A record may be a moment ahead of `now`, as the daemon writes on.
    records = history.alarms(now - LOOK_BACK, now + LOOK_BACK)
    return alarm_states(
        [each for each in records if each.time <= now], now, daemon_state(history).started
    )


def standing_alarms(history: History) -> tuple[AlarmState, ...]:
    """Those that are not cleared. Raises `RecordError`."""
    return tuple(each for each in recorded_alarms(history) if each.state != "cleared")


def alarm_lines(alarm: AlarmState, zone: ZoneInfo) -> Iterator[str]:
    """An alarm with what to do, in lines; times local to the site."""
    subject = f" {alarm.subject}" if alarm.subject else ""
    times = f", {alarm.count} times" if alarm.count > 1 else ""
    head = f"{alarm.alarm.level:8} {alarm.alarm.code}{subject}"
    yield f"{head}: {alarm.state}, since {_local(alarm.since, zone)}{times}"
    yield f"         {ENGLISH.text(alarm.alarm.message)}"
    if alarm.cleared is not None:
        yield f"         cleared {_local(alarm.cleared, zone)}"
    else:
        yield f"         what to do: {alarm.kind.remedy}"
    if (seen := alarm.acknowledged) is not None:
        note = f": {seen.note}" if seen.note else ""
        yield f"         acknowledged {_local(seen.time, zone)} by {seen.who}{note}"


def alarm_dict(alarm: AlarmState) -> dict[str, Any]:
    """An alarm for programs: times ISO 8601 UTC."""
    seen = alarm.acknowledged
    return {
        "code": alarm.alarm.code,
        "subject": alarm.subject,
        "level": alarm.alarm.level,
        "state": alarm.state,
        "since": alarm.since.isoformat(),
        "count": alarm.count,
        "cleared": None if alarm.cleared is None else alarm.cleared.isoformat(),
        "text": ENGLISH.text(alarm.alarm.message),
        "what_to_do": alarm.kind.remedy,
        "acknowledged": None
        if seen is None
        else {"time": seen.time.isoformat(), "by": seen.who, "note": seen.note},
    }


def _local(time: datetime, zone: ZoneInfo) -> str:
    local = time.astimezone(zone)
    return f"{local:%Y-%m-%d %H:%M}{doubled_offset(local, zone)}"
