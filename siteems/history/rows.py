"""Between the records of `records.py` and the rows of the SQLite file.

What an earlier version wrote in another form is translated here, on reading.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from siteems.history.former_codes import FORMER_ALARM_CODES, FORMER_PLAN_TRIGGERS
from siteems.history.records import (
    EXTREMES,
    SAMPLE_COLUMNS,
    AlarmRecord,
    Command,
    EventRow,
    Rollup,
    Sample,
)
from siteems.history.rollup import ROLLUP_COLUMNS
from siteems.messages.message import RECORDED_TEXT, Message, recorded_text

Row = Sequence[Any]

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def timestamp(time: datetime) -> int:
    """Milliseconds since 1970, UTC. Raises ValueError for a time without a time zone."""
    if time.tzinfo is None:
        raise ValueError("a time without time zone cannot be recorded")
    return round((time - _EPOCH) / timedelta(milliseconds=1))


def time_of(ts: int) -> datetime:
    """The inverse of `timestamp`."""
    return _EPOCH + timedelta(milliseconds=ts)


def sample_row(sample: Sample) -> Row:
    """The columns of `samples`."""
    values = (sample.values.get(column) for column in SAMPLE_COLUMNS)
    return (timestamp(sample.time), *values, sample.source, sample.reason.to_record())


def sample_of(row: Row) -> Sample:
    """A row of `samples`. Unknown values are absent; a reason may be a former version's text."""
    ts, *numbers, source, reason = row
    named = zip(SAMPLE_COLUMNS, numbers, strict=True)
    values = {column: value for column, value in named if value is not None}
    return Sample(time_of(ts), values, source, Message.from_record(reason))


def rollup_of(row: Row) -> Rollup:
    """The columns `ROLLUP_COLUMNS` of `rollups`."""
    named = dict(zip(ROLLUP_COLUMNS, row, strict=True))

    def known(columns: Sequence[str], end: str = "") -> dict[str, Any]:
        return {c: value for c in columns if (value := named[c + end]) is not None}

    return Rollup(
        time_of(named["ts"]),
        named["samples"],
        known(SAMPLE_COLUMNS),
        {column: n for column, n in known(SAMPLE_COLUMNS, "_n").items() if n},
        known(EXTREMES, "_min"),
        known(EXTREMES, "_max"),
    )


def plan_body_of(text: str) -> dict[str, Any] | None:
    """The body of a plan; None for a text that is not a JSON object."""
    try:
        body = json.loads(text)
    except (ValueError, RecursionError):  # the second for brackets that are nested too deeply
        return None
    if not isinstance(body, dict):
        return None
    if isinstance(trigger := body.get("trigger"), str):
        body["trigger"] = FORMER_PLAN_TRIGGERS.get(trigger, trigger)
    return body


def command_row(command: Command) -> Row:
    """The columns of `commands` but the id."""
    return (
        timestamp(command.time),
        command.device,
        command.point,
        command.value,
        command.owner,
        command.reason.to_record(),
        command.outcome,
        "" if command.detail is None else command.detail.to_record(),
    )


def command_of(row: Row) -> Command:
    """A row of `commands` without the id."""
    ts, device, point, value, owner, reason, outcome, detail = row
    why = Message.from_record(reason)
    trouble = Message.from_record(detail) if detail else None
    return Command(time_of(ts), device, point, value, owner, why, outcome, trouble)


def alarm_row(alarm: AlarmRecord) -> Row:
    """The columns of `incidents` but the id."""
    return (timestamp(alarm.time), alarm.level, alarm.code, alarm.message.to_record())


def alarm_of(row: Row) -> AlarmRecord:
    """A row of `incidents` without the id; a former version's code is translated."""
    ts, level, code, text = row
    message = Message.from_record(text)
    if message.code == RECORDED_TEXT.code:
        message = recorded_text(text, FORMER_ALARM_CODES.get(code, code))
    return AlarmRecord(time_of(ts), level, message)


def event_row(event: EventRow) -> Row:
    """The columns of `events`."""
    times = (timestamp(event.start), timestamp(event.end), timestamp(event.created))
    return (event.id, event.revision, *times, int(event.cancelled), event.body)


def event_of(row: Row) -> EventRow:
    """A row of `events`."""
    id_, revision, *times, cancelled, body = row
    start, end, created = (time_of(ts) for ts in times)
    return EventRow(id_, revision, start, end, created, bool(cancelled), body)
