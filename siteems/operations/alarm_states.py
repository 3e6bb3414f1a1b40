"""The state of each alarm, from what the record holds of it: raised, acknowledged, cleared. Pure.

The record has what happened: an alarm was raised, its end, an acknowledgement. Two kinds of alarms:

- A *lasting* one has an end in the catalogue. It stands until its end is recorded. A daemon that
  starts raises it again while it lasts, which continues the same alarm. One that a new run of the
  daemon does not raise again within `SEEN_WITHIN` ended while no daemon ran.
- A *notice* has no end, since it says what happened, such as a clock that was set. It stands until
  it is acknowledged, or for `NOTICE_STANDS`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, Literal

from siteems.history.records import AlarmRecord
from siteems.messages.message import Message
from siteems.operations.alarm_catalogue import ACKNOWLEDGED, ALARMS
from siteems.operations.alarm_type import AlarmType

BY_CODE: Final = {each.code: each for each in ALARMS}
LASTING: Final = frozenset(code for each in ALARMS for code in each.clears)
"""Codes of the alarms that have an end."""
SUBJECTS: Final = ("device", "link", "event", "field")
"""Values of an alarm that name what it is about, such as one of several devices."""
SEEN_WITHIN: Final = timedelta(minutes=10)
"""After a start. Most conditions are reported after two minutes, a device that cannot be acquired
after a few more.
"""
NOTICE_STANDS: Final = timedelta(days=7)
"""Long enough for a weekly look, and short enough that a list does not fill with what is over."""
LOOK_BACK: Final = timedelta(days=90)
"""How far back the record is read. A lasting alarm is raised again at each start."""

State = Literal["raised", "acknowledged", "cleared"]
Key = tuple[str, str]
"""Code and subject."""


@dataclass(frozen=True)
class Acknowledgement:
    """Who has seen an alarm."""

    time: datetime
    who: str
    note: str


@dataclass(frozen=True)
class AlarmState:
    """One alarm from its first record to its end."""

    alarm: AlarmRecord
    """As it was raised last."""
    since: datetime
    count: int = 1
    """How often it was recorded."""
    cleared: datetime | None = None
    acknowledged: Acknowledgement | None = None

    @property
    def kind(self) -> AlarmType:
        """Its entry in the catalogue."""
        return BY_CODE[self.alarm.code]

    @property
    def subject(self) -> str:
        """The device, link or DR event that it is about; "" without one."""
        return subject_of(self.alarm)

    @property
    def state(self) -> State:
        """Where it stands."""
        if self.cleared is not None:
            return "cleared"
        return "raised" if self.acknowledged is None else "acknowledged"


def subject_of(alarm: AlarmRecord) -> str:
    """The device, link, DR event or measurement that an alarm is about; "" without one."""
    values = alarm.message.values
    subject = next((values[name] for name in SUBJECTS if name in values), "")
    return subject.code if isinstance(subject, Message) else str(subject)


def alarm_states(
    records: Iterable[AlarmRecord], now: datetime, started: datetime | None
) -> tuple[AlarmState, ...]:
    """All alarms of `records`, which are in the order in which they were recorded; those that stand
    first, the most severe first, then the newest.

    `started` is when the last run of the daemon began; None where that is not known.
    """
    open_: dict[Key, AlarmState] = {}
    over: list[AlarmState] = []
    for record in records:
        kind = BY_CODE.get(record.code)
        if kind is None:
            continue  # of another version
        if kind is ACKNOWLEDGED:
            _acknowledge(open_, record)
        for key in [each for each in open_ if _ends(kind, record, each)]:
            over.append(replace(open_.pop(key), cleared=record.time))
        if kind.level != "info":
            key = (record.code, subject_of(record))
            open_[key] = _raised(open_.get(key), record)
    seen = [_as_seen(each, now, started) for each in open_.values()]
    return tuple(sorted([*seen, *over], key=_rank))


def count_by_level(standing: Iterable[AlarmState]) -> dict[str, int]:
    """How many alarms there are of each level that can stand, 0 included."""
    levels = [each.alarm.level for each in standing]
    return {level: levels.count(level) for level in ("alarm", "warning")}


def _ends(kind: AlarmType, record: AlarmRecord, key: Key) -> bool:
    """Whether a record is the end of an open alarm: of the same subject, where it names one."""
    code, subject = key
    return code in kind.clears and subject_of(record) in ("", subject)


def _raised(before: AlarmState | None, record: AlarmRecord) -> AlarmState:
    if before is None:
        return AlarmState(record, record.time)
    again = replace(before, alarm=record, count=before.count + 1)
    # A notice that comes again is news; a condition that lasts is not.
    return again if record.code in LASTING else replace(again, acknowledged=None)


def _acknowledge(open_: dict[Key, AlarmState], record: AlarmRecord) -> None:
    values = record.message.values
    key = (str(values.get("alarm")), str(values.get("subject") or ""))
    if key in open_:
        seen = Acknowledgement(record.time, str(values.get("who")), str(values.get("note") or ""))
        open_[key] = replace(open_[key], acknowledged=seen)


def _as_seen(alarm: AlarmState, now: datetime, started: datetime | None) -> AlarmState:
    """An open alarm with its end, where that follows from the time that has passed."""
    last = alarm.alarm.time
    if alarm.alarm.code not in LASTING:
        if alarm.acknowledged is not None:
            return replace(alarm, cleared=alarm.acknowledged.time)
        over = last + NOTICE_STANDS
        return alarm if now < over else replace(alarm, cleared=over)
    if started is not None and last < started and now >= started + SEEN_WITHIN:
        return replace(alarm, cleared=started)
    return alarm


def _rank(alarm: AlarmState) -> tuple[bool, bool, bool, float]:
    severe = alarm.alarm.level == "alarm"
    return alarm.state == "cleared", alarm.state != "raised", not severe, -alarm.since.timestamp()
