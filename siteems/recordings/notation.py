"""Notations of time: what the cells of a time column say, before any zone is applied.

ISO 8601 with or without offset, day or year first, with points, slashes, 年月日 or English months,
and seconds since 1970. A notation that can be read in two ways is refused, never guessed.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta, timezone

import numpy as np
import pandas as pd

from siteems.errors import UserError

ISO_DATE = r"\d{4}-\d{2}-\d{2}"
ISO_CLOCK = r"[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?"
ISO_LOCAL = rf"{ISO_DATE}(?:{ISO_CLOCK})?"
ISO_OFFSET = rf"{ISO_DATE}{ISO_CLOCK}(?:Z|[+-]\d{{2}}:\d{{2}})"
"""The two usual notations, which pandas reads quickly; all others are taken apart here."""

NOTATION = (
    r"(?:(?P<year>\d{4})(?P<sep>[-/.])(?P<month>\d{1,2})(?P=sep)(?P<day>\d{1,2})"
    r"|(?P<a>\d{1,2})(?P<mark>[-/.])(?P<b>\d{1,2})(?P=mark)(?P<year2>\d{4})"
    r"|(?P<basic>\d{8}))"
    r"(?:(?:T|\s)\s*(?P<half>AM|PM)?\s*"
    r"(?P<hour>\d{1,2})(?::(?P<minute>\d{2})(?::(?P<second>\d{2}(?:[.,]\d{1,9})?))?)?"
    r"(?P<packed>\d{2}(?:\d{2})?)?\s*(?P<half2>AM|PM)?)?"
    r"\s*(?P<offset>Z|UTC|GMT|(?:UTC|GMT)?[+-]\d{1,2}(?::?\d{2})?)?"
)
MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
EPOCH_UNITS = ((1e8, 1e10, "s"), (1e11, 1e13, "ms"), (1e14, 1e16, "us"), (1e17, 1e19, "ns"))
"""Since 1970, by size: from 1973 to 2286 no two of them overlap."""
ROUNDED_S = 1000.0
"""No logger has steps of a thousand seconds."""
MS_PER = {"s": 1e3, "ms": 1.0, "us": 1e-3, "ns": 1e-6}
MOST_OFFSET_MIN = 14 * 60
WIDE_OFFSET = r"[+-](?:1[4-9]|[2-9]\d):\d\d$"
"""Offsets to be looked at one by one: UTC+14 is the widest in use."""
DAY_OR_MONTH = "may be day or month first; say day_first = true or false in [time] of a map"

RANGE_CLOCK = r"\d{1,2}:\d{2}(?::\d{2})?(?:\s*[APap][Mm])?"
RANGE = (
    rf"^\s*(?P<start>(?:\S+\s+)?{RANGE_CLOCK})"
    rf"(?:\s+[-–—]\s*|\s*[–—~～至到]\s*|\s+to\s+)"
    rf"(?:\S+\s+)?{RANGE_CLOCK}\s*$"
    rf"|^\s*(?P<clock>{RANGE_CLOCK})-{RANGE_CLOCK}\s*$"
)
"""Start and end of a step in one cell. A hyphen without space before it begins an offset from UTC,
but not behind a clock without date.
"""

Refuse = Callable[[int, str], Exception]
"""Makes the error for the cell at a position, with a reason."""


class DayOrMonthError(UserError):
    """No cell shows whether the day or the month comes first."""


def read_instants(cells: pd.Series, day_first: bool | None, refuse: Refuse) -> pd.DatetimeIndex:
    """The times that cells state, in their order: naive where none has an offset from UTC.

    With offsets they are aware: in that offset where all cells have the same one, else in UTC.
    `day_first` decides what 03/04/2026 means; without it, such a column is refused where no cell
    shows it. Errors are made by `refuse`.
    """
    if isinstance(cells.dtype, pd.DatetimeTZDtype) or pd.api.types.is_datetime64_dtype(cells):
        times = pd.DatetimeIndex(cells)
        if times.hasnans:
            raise refuse(int(np.flatnonzero(times.isna())[0]), "is empty")
        return times
    if pd.api.types.is_numeric_dtype(cells):
        return _from_numbers(cells, refuse)
    texts = starts_of_ranges(cells.astype(str).where(cells.notna(), "").str.strip())
    for pattern, aware in ((ISO_LOCAL, False), (ISO_OFFSET, True)):
        if bool(texts.str.fullmatch(pattern).all()):
            try:
                if aware:
                    read = pd.to_datetime(texts.to_list(), format="ISO8601", utc=True)
                else:
                    read = pd.to_datetime(texts.to_list(), format="ISO8601")
            except ValueError:
                break  # a day or an hour that does not exist: named below
            times = pd.DatetimeIndex(read)
            if aware and bool(texts.str.contains(WIDE_OFFSET, regex=True).any()):
                break
            return _in_one_offset(times, texts.str[-6:]) if aware else times
    return _from_texts(texts, day_first, refuse)


def starts_of_ranges(texts: pd.Series) -> pd.Series:
    """The starts where all texts have the start and the end of a step, else the texts."""
    if texts.empty or not re.match(RANGE, str(texts.iloc[0])):
        return texts
    parts = texts.str.extract(RANGE)
    starts = parts["start"].fillna(parts["clock"])
    return texts if starts.isna().any() else starts


def _from_numbers(cells: pd.Series, refuse: Refuse) -> pd.DatetimeIndex:
    """Seconds or parts of them since 1970; whole numbers of 8, 10, 12 or 14 digits are dates where
    they can be. As seconds, ten digits that begin with 19 or 20 would lie in 2030 and later.
    """
    numbers = cells.to_numpy(dtype=np.float64)
    if not np.isfinite(numbers).all():
        raise refuse(int(np.flatnonzero(~np.isfinite(numbers))[0]), "is empty")
    least, most = float(numbers.min()), float(numbers.max())
    digits = {len(str(int(value))) for value in (least, most)}
    if least >= 1.9e7 and digits <= {8, 10, 12, 14} and len(digits) == 1:
        padded = cells.astype("int64").astype(str)
        dated = pd.to_datetime(padded.str[:8], format="%Y%m%d", errors="coerce")
        hours = pd.to_numeric(padded.str[8:10], errors="coerce").fillna(0)
        of_date = bool(dated.notna().all()) and dated.dt.year.between(1970, 2100).all()
        if of_date and bool((hours <= 24).all()):
            return _from_texts((padded.str[:8] + " " + padded.str[8:]).str.strip(), None, refuse)
    for low, high, unit in EPOCH_UNITS:
        if low <= least and most < high:
            rounded = numbers % ROUNDED_S == 0.0
            if unit == "s" and len(numbers) > 2 and bool(rounded.all()) and least < most:
                raise refuse(0, "is rounded to thousands of seconds, as by a spreadsheet")
            if pd.api.types.is_integer_dtype(cells):
                whole = cells.to_numpy(dtype=np.int64)
                return pd.DatetimeIndex(whole.astype(f"datetime64[{unit}]")).tz_localize("UTC")
            milliseconds = np.round(numbers * MS_PER[unit]).astype(np.int64)
            return pd.DatetimeIndex(milliseconds.astype("datetime64[ms]")).tz_localize("UTC")
    raise refuse(0, "is neither a date nor seconds since 1970")


def _from_texts(texts: pd.Series, day_first: bool | None, refuse: Refuse) -> pd.DatetimeIndex:
    texts = _with_hours(texts, refuse)
    parts = _plain(texts).str.extract(rf"^{NOTATION}$", flags=re.IGNORECASE)
    known = parts[["year", "a", "basic"]].notna().any(axis=1).to_numpy()
    if not known.all():
        raise refuse(int(np.flatnonzero(~known)[0]), "is no time that can be read")
    year, month, day = _dates(parts, day_first, refuse)
    hour, minute, second = _clocks(parts)
    wrong = (hour > 24) | (minute > 59) | (second >= 61) | ((hour == 24) & (minute + second > 0))
    dates = pd.to_datetime(
        pd.DataFrame({"year": year, "month": month, "day": day}), errors="coerce"
    )
    wrong |= dates.isna().to_numpy()
    if wrong.any():
        raise refuse(int(np.flatnonzero(wrong)[0]), "is no time that exists")
    seconds = hour * 3600.0 + minute * 60.0 + second
    milliseconds = np.round(seconds * 1000.0).astype(np.int64)
    times = pd.DatetimeIndex(dates).as_unit("ms") + pd.to_timedelta(milliseconds, unit="ms")
    offsets = parts["offset"].fillna("").str.upper().to_numpy()
    has = offsets != ""
    if not has.any():
        return pd.DatetimeIndex(times)
    if not has.all():
        raise refuse(
            int(np.flatnonzero(~has)[0]), "has no offset from UTC, but other rows have one"
        )
    minutes = {text: _offset_min(text) for text in set(offsets)}
    wide = np.array([abs(minutes[text]) > MOST_OFFSET_MIN for text in offsets])
    if wide.any():
        raise refuse(int(np.flatnonzero(wide)[0]), "has an offset from UTC that is not in use")
    shift = pd.to_timedelta([minutes[text] for text in offsets], unit="min")
    return _in_one_offset((times - shift).tz_localize("UTC"), pd.Series(offsets))


def _with_hours(texts: pd.Series, refuse: Refuse) -> pd.Series:
    """Dates with an hour behind a hyphen, 2026-07-13-08, as date and clock. The same hour in all
    rows may be an offset from UTC.
    """
    found = texts.str.extract(r"^(\d{4}-\d{2}-\d{2})-(\d{1,2})$")
    if not found[1].notna().all() or texts.empty:
        return texts
    if found[1].nunique() == 1:
        raise refuse(0, "may end with an hour or with an offset from UTC; write the clock as 08:00")
    return found[0] + " " + found[1] + ":00"


def _plain(texts: pd.Series) -> pd.Series:
    """年月日, 時分秒, 上午 and English months in digits."""
    if bool(texts.str.isascii().all()):
        plain = texts
    else:
        plain = texts.str.translate(str.maketrans("年月/时時点點", "--/::::"))
        plain = plain.str.replace("日", " ").str.replace("[上早]午?", " AM ", regex=True)
        plain = plain.str.replace("下午|晚上", " PM ", regex=True)
        plain = plain.str.replace(r"分(?=\d)", ":", regex=True).str.replace(
            "[分秒]", "", regex=True
        )
        plain = plain.str.replace(r":(?=\s*$)", ":00", regex=True).str.strip()
    if bool(plain.str.contains(r"[A-Za-z]{3}", regex=True).any()):
        name = rf"({'|'.join(MONTHS)})[a-z]*\.?"
        written = rf"^(\d{{1,2}})[-\s.]+{name}[-\s,]+(\d{{4}})"
        plain = plain.str.replace(written, _month_in_digits, regex=True, flags=re.IGNORECASE)
    return plain.str.replace(r"(?<=\d{4}),\s*", " ", regex=True)


def _month_in_digits(found: re.Match[str]) -> str:
    return f"{found[3]}-{MONTHS.index(found[2].upper()) + 1:02d}-{int(found[1]):02d}"


def _dates(
    parts: pd.DataFrame, day_first: bool | None, refuse: Refuse
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Year, month and day of each row."""
    basic = parts["basic"].fillna("")
    year = _int(parts["year"].fillna(parts["year2"]).fillna(basic.str[:4]))
    month = _int(parts["month"].fillna(basic.str[4:6]))
    day = _int(parts["day"].fillna(basic.str[6:8]))
    short = parts["a"].notna().to_numpy()
    if short.any():
        first, second = _int(parts["a"]), _int(parts["b"])
        points = bool((parts["mark"][short] == ".").all())
        above_first, above_second = (first[short] > 12).any(), (second[short] > 12).any()
        if day_first is None and points:
            day_first = True
        elif day_first is None and above_first != above_second:
            day_first = bool(above_first)
        if day_first is None:
            raise DayOrMonthError(str(refuse(int(np.flatnonzero(short)[0]), DAY_OR_MONTH)))
        day = np.where(short, first if day_first else second, day)
        month = np.where(short, second if day_first else first, month)
    return year, month, day


def _clocks(parts: pd.DataFrame) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Hour, minute and second of each row; 0 where a row is a date alone."""
    packed = parts["packed"].fillna("")
    hour = _int(parts["hour"])
    minute = _int(parts["minute"].fillna(packed.str[:2]))
    seconds = parts["second"].fillna(packed.str[2:4]).fillna("").str.replace(",", ".")
    second = pd.to_numeric(seconds, errors="coerce").fillna(0.0).to_numpy(dtype=np.float64)
    half = parts["half"].fillna(parts["half2"]).fillna("").str.upper().to_numpy()
    hour = np.where((half == "PM") & (hour < 12), hour + 12, hour)
    return np.where((half == "AM") & (hour == 12), 0, hour), minute, second


def _int(texts: pd.Series) -> np.ndarray:
    return pd.to_numeric(texts, errors="coerce").fillna(0).to_numpy(dtype=np.int64)


def _offset_min(text: str) -> int:
    """Minutes of an offset such as `Z`, `UTC`, `+02`, `+0200`, `+02:00`, `UTC+8`."""
    digits = text.removeprefix("UTC").removeprefix("GMT").removeprefix("Z")
    if not digits:
        return 0
    found = re.match(r"([+-])(\d{1,2}):?(\d{2})?", digits)
    assert found is not None, "the notations admit no other offset"
    sign, hours, minutes = found.groups()
    return (-1 if sign == "-" else 1) * (60 * int(hours) + int(minutes or 0))


def _in_one_offset(times: pd.DatetimeIndex, offsets: pd.Series) -> pd.DatetimeIndex:
    """UTC times in the offset of their cells, where all have the same."""
    texts = offsets.str.extract(r"(Z|(?:UTC|GMT)?[+-].*)$", expand=False).fillna("Z").unique()
    if len(texts) != 1 or not (minutes := _offset_min(texts[0])):
        return times
    return pd.DatetimeIndex(times.tz_convert(timezone(timedelta(minutes=minutes))))
