"""A record of twenty days with an event that is over, for tests of its settlement."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from siteems.demand_response.event import import_cap_event
from siteems.demand_response.event_log import EventLog
from siteems.history.location import history_path
from siteems.history.records import Sample
from siteems.history.store import History
from siteems.messages.message import Message

HOUR = timedelta(hours=1)
EVENT_START = datetime(2026, 7, 15, 10, 0, tzinfo=ZoneInfo("Asia/Shanghai")).astimezone(UTC)
EVENT_END = EVENT_START + 2 * HOUR
NOW = EVENT_END + 3 * HOUR
FIRST = EVENT_START - timedelta(days=20)
EVENT = import_cap_event("e1", 0, 1.0, EVENT_START, EVENT_END, "ops", EVENT_START - 24 * HOUR)


def sample(time: datetime, grid_kw: float | None) -> Sample:
    values = {} if grid_kw is None else {"grid_kw": grid_kw}
    return Sample(time, values, "plan", Message("r"))


def record_event(state: Path) -> None:
    """4 kW all the time, 1 kW in the event, every quarter hour."""
    history = History(history_path(state))
    rows, time = [], FIRST
    while time < NOW:
        rows.append(sample(time, 1.0 if EVENT_START <= time < EVENT_END else 4.0))
        time += timedelta(minutes=15)
    history.add_samples(rows)
    EventLog(history).add(EVENT)
    history.close()
