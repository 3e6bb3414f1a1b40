"""Where the times of a table are: stated in a map, or recognised by the names of columns."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo

import pandas as pd
from pydantic import Field, field_validator, model_validator
from pydantic.dataclasses import dataclass

from siteems.config.fields import CLOSED
from siteems.errors import UserError
from siteems.recordings.counted_steps import steps_per_day
from siteems.recordings.notation import RANGE, DayOrMonthError, read_instants, starts_of_ranges

MARKET_DATE = r"(delivery|trading|trade|settlement|flow|oper(ating|ation)?)[ _-]?(date|day)"
NAMES = (
    r"time_utc|utc(_time)?|timestamp_utc|datetime_utc",
    r"time|时间|時間",
    r"timestamp|datetime|date_time|date time|dt|时间戳|日期时间|記錄時間|记录时间",
    r"hour_start.*",
    r"(hour|interval|period|time|delivery)[ _-]?(end|ending|ends|finish)\b.*|hour_ending.*",
    r"(hour|interval|period)[ _-]?(start|begin|beginning)\b.*|(interval|period)_?end.*",
    r"time.*|.*时间|.*時間",
    r"measured_on.*",
    MARKET_DATE,
    r"date.*|日期|day|tag|datum.*|zeit.*|ts",
    r"start.*|epoch|unix.*|gmt|utc|zulu",
    r"end|ends?[ _-]?(time|date).*|ende|bis|结束时间|結束時間|截止时间|截止時間",
)
"""Names of columns of time, the most certain first. A column of another name is taken where its
cells are times.
"""
CLOCK_NAMES = (
    r"time|clock|hour|hr|h|时间|時間|时刻|時刻|小时|时段|時段|点|點|序号"
    r"|uhrzeit|zeit|stunde|he|sp|period|interval|point"
    r"|(settlement|trading|delivery|dispatch)[ _-]?(period|interval|hour)"
    r"|(hour|period|interval|time)[ _-]?(end|ending|ends|start|starting|beginning|number|no)"
)
DATE_NAMES = rf"date|日期|day|datum|tag|{MARKET_DATE}"
ENDS = r"(?<![a-z])(end|ends|ending|ende|finish)(?![a-z])|^he$|^bis$|结束|結束|截止"
"""In the name of a column whose times name the ends of their steps. It may be set
off from the rest of the name by any sign, or by a capital letter.
"""
IN_UTC = r"(?<![a-z])(utc|gmt|zulu)(?![a-z])"
"""In the name of a column of times without offset that are in UTC."""
PROBED = 50
"""Cells of a column that are read to see whether it holds times."""
CLOCK = r"\s*\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?\s*(?:[AaPp][Mm])?\s*"
LAST_HOUR = 24
HOUR_TEXT = r"\s*(\d{1,2})([AB])?\s*"
"""Hours where the doubled one of the autumn day is written as 3A and 3B."""
EXPECTED = "time, timestamp, datetime, dt, date, hour_start, hour_ending, interval_start, 时间"


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class TimeSource:
    """The column of times, how they are written, and what they name."""

    column: str = "time"
    clock_column: str | None = None
    """Of the time of day, where `column` has only the date."""
    steps_per_day: Annotated[int, Field(ge=24, le=288)] | None = None
    """Where `clock_column` counts the steps of a day from 1 on: how many a day of 24 h has."""
    stands_for: Literal["start", "end"] = "start"
    """Whether a time names the start or the end of its step."""
    zone: str | None = None
    """IANA name, such as "UTC", of times without offset; else they are local to the site."""
    day_first: bool | None = None
    """Whether 03/04/2026 is the 3rd of April; needed where no row shows it."""

    @field_validator("zone")
    @classmethod
    def _known_zone(cls, name: str | None) -> str | None:
        if name is not None:
            try:
                ZoneInfo(name)
            except (ValueError, OSError, LookupError) as error:
                raise ValueError(
                    "is not a time zone; allowed are IANA names such as UTC"
                ) from error
        return name

    @model_validator(mode="after")
    def _counts_in_a_column(self) -> Self:
        if self.steps_per_day is not None and self.clock_column is None:
            raise ValueError("steps_per_day needs clock_column, the column of the numbers")
        return self


def time_source_of(frame: pd.DataFrame, path: Path) -> TimeSource:
    """The columns of time that a table probably has. Raises `UserError` where it has none."""
    if frame.empty:
        raise UserError(f"{path}: has no rows of data")
    names = [str(name) for name in frame.columns]
    for pattern in NAMES:
        for name in names:
            if re.fullmatch(pattern, name.strip(), re.IGNORECASE) and _may_hold(frame[name]):
                return with_clock(frame, name)
    for name in names:
        if _holds_times(frame[name]):
            return with_clock(frame, name)
    raise UserError(
        f"{path}: no time column among {', '.join(names)}; expected one of {EXPECTED}, or another "
        "column of times"
    )


def clock_texts(cells: pd.Series) -> pd.Series:
    """Times of day as text; hours that are numbers without decimals, and 3A and 3B as 3."""
    if pd.api.types.is_float_dtype(cells) and bool((cells % 1.0 == 0.0).all()):
        cells = cells.astype("int64")
    hours = hours_of_day(cells)
    if hours is not None and not pd.api.types.is_numeric_dtype(cells):
        return hours.astype(str)
    return cells.astype(str)


def hours_of_day(cells: pd.Series) -> pd.Series | None:
    """The hours of a column of hours, 0 to 23 or 1 to 24, also where the doubled one is written as
    3A and 3B; None for another column.
    """
    if pd.api.types.is_bool_dtype(cells) or pd.api.types.is_datetime64_any_dtype(cells):
        return None
    if pd.api.types.is_numeric_dtype(cells):
        hours = cells
    else:
        parts = cells.astype(str).str.extract(rf"^{HOUR_TEXT}$")
        if parts[0].isna().any() or not (parts[1] == "B").any():
            return None
        hours = parts[0].astype("int64")
    return hours if bool(((hours >= 0) & (hours <= LAST_HOUR) & (hours % 1 == 0)).all()) else None


def with_clock(frame: pd.DataFrame, name: str) -> TimeSource:
    """The source for a column of dates or clocks, with the other one where there is one; its name
    may state UTC, or that its times are the ends of steps.
    """
    zone = "UTC" if re.search(IN_UTC, _spaced(name)) else None
    if _is_clock(frame[name]):
        for other in map(str, frame.columns):
            if other != name and re.fullmatch(DATE_NAMES, other.strip(), re.IGNORECASE):
                return _in_two_columns(frame, other, name, zone)
    elif re.fullmatch(DATE_NAMES, name.strip(), re.IGNORECASE) and _are_dates(frame[name]):
        for other in map(str, frame.columns):
            named = re.fullmatch(CLOCK_NAMES, other.strip(), re.IGNORECASE)
            if other != name and named and _holds_clock(frame[name], frame[other]):
                return _in_two_columns(frame, name, other, zone)
    ends = (_names_ends(name) or _counts_to_24(frame[name])) and not _are_ranges(frame[name])
    return TimeSource(column=name, zone=zone, stands_for="end" if ends else "start")


def _spaced(name: str) -> str:
    """A name in small letters, with spaces where another part begins: `HourEnding` and `time_utc`
    as `hour ending` and `time utc`.
    """
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|[_\W]+", " ", name)
    return spaced.lower().strip()


def _names_ends(name: str) -> bool:
    return re.search(ENDS, _spaced(name)) is not None or re.search(ENDS, name) is not None


def _counts_to_24(cells: pd.Series) -> bool:
    """Whether whole days run from after midnight to 24:00: then the times name the ends of steps. A
    clock that is in a column of its own shows no order of days, so that its last cell decides.
    """
    if pd.api.types.is_numeric_dtype(cells) or pd.api.types.is_datetime64_any_dtype(cells):
        return False
    texts = cells.astype(str).fillna("")
    last = texts.str.contains(r"(?:^|[ T])24:00(?::00)?\s*$", regex=True)
    first = texts.str.contains(r"(?:^|[ T])0?0:00(?::00)?\s*$", regex=True)
    newest = -1 if texts.iloc[0] <= texts.iloc[-1] else 0
    return bool(last.iloc[newest] and not first.any())


def _in_two_columns(frame: pd.DataFrame, date: str, clock: str, zone: str | None) -> TimeSource:
    """Hours that are counted from 1 to 24 name the ends of their steps."""
    cells = frame[clock]
    counted = steps_per_day(frame[date], cells)
    if counted is not None:
        return TimeSource(column=date, clock_column=clock, zone=zone, steps_per_day=counted)
    hours = hours_of_day(cells)
    of_ends = hours is not None and hours.min() >= 1 and hours.max() == LAST_HOUR
    of_ends = of_ends or _names_ends(clock) or _counts_to_24(cells)
    of_ends = of_ends and not _are_ranges(cells)
    stands_for: Literal["start", "end"] = "end" if of_ends else "start"
    return TimeSource(column=date, clock_column=clock, zone=zone, stands_for=stands_for)


def _holds_clock(dates: pd.Series, cells: pd.Series) -> bool:
    """Whether a column has times of day, hours, or the numbers of steps of a day."""
    return (
        _is_clock(cells)
        or hours_of_day(cells) is not None
        or steps_per_day(dates, cells) is not None
    )


def _are_ranges(cells: pd.Series) -> bool:
    """Whether cells have the start and the end of their step, as `00:00 - 01:00`."""
    texts = cells.astype(str)
    return bool(texts.str.match(RANGE).all())


def _is_clock(cells: pd.Series) -> bool:
    if pd.api.types.is_numeric_dtype(cells) or pd.api.types.is_datetime64_any_dtype(cells):
        return False
    return bool(starts_of_ranges(cells.astype(str)).str.fullmatch(CLOCK).all())


def _are_dates(cells: pd.Series) -> bool:
    """Whether a column has dates without time of day."""
    if pd.api.types.is_datetime64_any_dtype(cells):
        return bool((cells.dt.normalize() == cells).all())
    return not cells.astype(str).str.contains(":", regex=False).any()


def _holds_times(cells: pd.Series) -> bool:
    """Whether the cells of a column of any name are times. Numbers are not: they may be others."""
    if pd.api.types.is_datetime64_any_dtype(cells):
        return True
    if pd.api.types.is_numeric_dtype(cells) or pd.api.types.is_bool_dtype(cells):
        return False
    known = cells[cells.notna()].iloc[:PROBED]
    try:
        read_instants(known, None, lambda _, reason: ValueError(reason))
    except DayOrMonthError:
        return True
    except ValueError:
        return False
    return bool(len(known))


def _may_hold(cells: pd.Series) -> bool:
    """Whether a column may hold times: small numbers, as of a step, are none."""
    if pd.api.types.is_bool_dtype(cells):
        return False
    if pd.api.types.is_numeric_dtype(cells):
        return bool(cells.notna().any() and cells.min() >= 1e7)
    return True
