"""Where the times of a table are: stated in a map, or recognised by the names of columns."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo

import pandas as pd
from pydantic import field_validator
from pydantic.dataclasses import dataclass

from siteems.config.fields import CLOSED
from siteems.errors import UserError

NAMES = (
    r"time_utc|utc(_time)?|timestamp_utc|datetime_utc",
    r"time|时间|時間",
    r"timestamp|datetime|date_time|date time|dt|时间戳|日期时间|記錄時間|记录时间",
    r"hour_start.*",
    r"hour_ending.*",
    r"interval_start.*|(interval|period)_?end.*",
    r"time.*|.*时间|.*時間",
    r"measured_on.*",
    r"date.*|日期|day|tag|datum",
    r"start.*|epoch|unix.*",
)
"""Names of columns of time, the most certain first."""
CLOCK_NAMES = r"time|clock|hour|时间|時間|时刻|時刻|uhrzeit|zeit"
DATE_NAMES = r"date|日期|day|datum"
ENDS = r"(^|_)end(ing)?(_|$)"
"""In the name of a column whose times name the ends of their steps."""
CLOCK = r"\s*\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?\s*(?:[AaPp][Mm])?\s*"
EXPECTED = "time, timestamp, datetime, dt, date, hour_start, hour_ending, interval_start, 时间"


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class TimeSource:
    """The column of times, how they are written, and what they name."""

    column: str = "time"
    clock_column: str | None = None
    """Of the time of day, where `column` has only the date."""
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


def time_source_of(frame: pd.DataFrame, path: Path) -> TimeSource:
    """The columns of time that a table probably has. Raises `UserError` where it has none."""
    if frame.empty:
        raise UserError(f"{path}: has no rows of data")
    names = [str(name) for name in frame.columns]
    for pattern in NAMES:
        for name in names:
            if re.fullmatch(pattern, name.strip(), re.IGNORECASE) and _may_hold(frame[name]):
                return _with_clock(frame, name)
    raise UserError(f"{path}: no time column among {', '.join(names)}; expected one of {EXPECTED}")


def _with_clock(frame: pd.DataFrame, name: str) -> TimeSource:
    """The source for a column of dates or clocks, with the other one where there is one."""
    zone = "UTC" if "utc" in name.lower() else None
    if _is_clock(frame[name]):
        for other in map(str, frame.columns):
            if other != name and re.fullmatch(DATE_NAMES, other.strip(), re.IGNORECASE):
                return TimeSource(column=other, clock_column=name, zone=zone)
    elif re.fullmatch(DATE_NAMES, name.strip(), re.IGNORECASE):
        for other in map(str, frame.columns):
            named = re.fullmatch(CLOCK_NAMES, other.strip(), re.IGNORECASE)
            if other != name and named and _is_clock(frame[other]):
                return TimeSource(column=name, clock_column=other, zone=zone)
    ends = re.search(ENDS, name, re.IGNORECASE) is not None
    return TimeSource(column=name, zone=zone, stands_for="end" if ends else "start")


def _is_clock(cells: pd.Series) -> bool:
    if pd.api.types.is_numeric_dtype(cells) or pd.api.types.is_datetime64_any_dtype(cells):
        return False
    return bool(cells.astype(str).str.fullmatch(CLOCK).all())


def _may_hold(cells: pd.Series) -> bool:
    """Whether a column may hold times: small numbers, as of a step, are none."""
    if pd.api.types.is_bool_dtype(cells):
        return False
    if pd.api.types.is_numeric_dtype(cells):
        return bool(cells.notna().any() and cells.min() >= 1e7)
    return True
