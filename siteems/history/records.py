"""The records that are kept of a site: samples, their roll-ups, alarms, commands, revisions of DR
events.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal, NamedTuple, get_args

from siteems.errors import UserError
from siteems.estimation.process_image import MEASURED
from siteems.messages.message import Message
from siteems.site.demand_response import EventKind

DECIDED = ("target_kw", "reserve_soc", "import_cap_kw", "price_per_kwh")
"""Columns that the controller adds to the measured ones."""

SAMPLE_COLUMNS = (*MEASURED, *DECIDED)

COUNTERS: Final = ("energy_import_kwh",)
"""Sample columns of which the last value counts, and not the mean."""
EXTREMES: Final = ("grid_kw", "battery_kw", "soc", "bus_v")
"""Sample columns whose lowest and highest value are kept too: they show peaks of import and export,
and how far a battery was discharged, which a mean hides.
"""
ROLLUP: Final = timedelta(minutes=15)
"""The span of a roll-up, from a UTC quarter hour: the demand interval of most tariffs, and a whole
part of an hour in every time zone.
"""


@dataclass(frozen=True)
class Sample:
    """The site at one time, usually once a minute."""

    time: datetime
    values: Mapping[str, float | None]
    """Fresh values by column of `SAMPLE_COLUMNS`; absent or `None` = unknown, never 0."""
    source: str
    """What decided: the fallback level, or `release`."""
    reason: Message


@dataclass(frozen=True)
class Rollup:
    """What is left of the samples of a quarter hour. A column that was unknown in all of them is
    absent from the mappings.
    """

    time: datetime
    """The start, a UTC quarter hour."""
    samples: int
    """On how many samples it rests."""
    values: Mapping[str, float]
    """Means of the samples by column of `SAMPLE_COLUMNS`; the last value of those in `COUNTERS`."""
    known: Mapping[str, int]
    """In how many of the samples a column was known."""
    lowest: Mapping[str, float]
    """By column of `EXTREMES`."""
    highest: Mapping[str, float]


AlarmLevel = Literal["info", "warning", "alarm"]


@dataclass(frozen=True)
class AlarmRecord:
    """An alarm, or the notice that one has ended (level `info`). The code is the message's."""

    time: datetime
    level: AlarmLevel
    message: Message

    @property
    def code(self) -> str:
        """The alarm's code in the catalogue of `siteems/operations/alarm_catalogue.py`."""
        return self.message.code


@dataclass(frozen=True)
class Command:
    """One attempt to write one point of a device, as the write gate reported it."""

    time: datetime
    device: str
    point: str
    value: float
    owner: str
    reason: Message
    outcome: str
    detail: Message | None
    """Why the value was not simply written."""


EVENT_KINDS: tuple[str, ...] = get_args(EventKind)
"""The kinds of DR events that are recorded."""


class RecordError(UserError):
    """The record cannot be read or written: disk full, file locked, damaged or not a record."""


class UnusableRecord(RecordError):
    """The file is damaged, not a record, or of a version that this one cannot read. Waiting does
    not help; only another file does.
    """


class RefusedEntry(RecordError):
    """An entry breaks the rules of the record; others can be written."""


class EventRow(NamedTuple):
    """One revision of a DR event as stored; `demand_response` gives the body its meaning."""

    id: str
    revision: int
    start: datetime
    end: datetime
    created: datetime
    cancelled: bool
    body: str
    """The whole event, JSON."""
