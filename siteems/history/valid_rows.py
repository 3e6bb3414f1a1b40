"""Which rows of a record are valid, as SQL conditions. The schema holds each as a CHECK constraint,
and every query reads only rows that meet it: another program, an earlier version or a worn memory
card may have put others there.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from siteems.history.records import EVENT_KINDS, EXTREMES, ROLLUP, SAMPLE_COLUMNS

EARLIEST: Final = datetime(2000, 1, 1, tzinfo=UTC)
LATEST: Final = datetime(2100, 1, 1, tzinfo=UTC)
"""No site was recorded before, and none plans until then. Sums of such times cannot overflow."""

LARGEST: Final = 1e12
"""Of any number: above each counter in kWh, and far below where sums of squares overflow."""
LONGEST_TEXT: Final = 10_000
"""Characters of a message or a detail. The longest message that is recorded has a few hundred."""
LONGEST_BODY: Final = 5_000_000
"""Characters of a plan: 50 times one of 36 h in 15-minute steps."""
LONGEST_EVENT: Final = 200_000
"""Characters of a DR event: the largest, with a thousand intervals, has 130,000."""
LONGEST_ID: Final = 200
"""Of an id, a source or the name of a device or point."""
ROLLUP_MS: Final = round(ROLLUP.total_seconds() * 1000)
MOST_SAMPLES: Final = ROLLUP_MS
"""Of a roll-up: one in each millisecond, as no two samples have the same time."""


def time(column: str) -> str:
    """The condition that a column holds a time."""
    earliest, latest = (round(each.timestamp() * 1000) for each in (EARLIEST, LATEST))
    # The plus keeps SQLite from taking these bounds for those of an index, in place of the narrow
    # ones of a query: it would read all rows up to the newest.
    return f"typeof({column}) = 'integer' AND +{column} BETWEEN {earliest} AND {latest}"


def number(column: str, low: float = -LARGEST, high: float = LARGEST) -> str:
    """The condition that a column holds a number of a range."""
    return f"typeof({column}) IN ('real', 'integer') AND {column} BETWEEN {low} AND {high}"


def text(column: str, longest: int = LONGEST_TEXT, shortest: int = 0) -> str:
    """The condition that a column holds a text of some length."""
    return f"typeof({column}) = 'text' AND length({column}) BETWEEN {shortest} AND {longest}"


def _count(column: str, low: int, high: int | str) -> str:
    return f"typeof({column}) = 'integer' AND {column} BETWEEN {low} AND {high}"


def _rolled_up(column: str) -> str:
    """The mean, the count and the extremes of a column are known together."""
    absent = [f"{column} IS NULL", f"{column}_n = 0"]
    known = [number(column), _count(f"{column}_n", 1, "samples")]
    if column in EXTREMES:
        absent += [f"{column}_min IS NULL", f"{column}_max IS NULL"]
        known += [number(f"{column}_min"), number(f"{column}_max")]
        known += [f"{column}_min <= {column}_max"]
    return f"({all_of(*absent)}) OR ({all_of(*known)})"


def _among(column: str, allowed: tuple[str, ...]) -> str:
    return f"{column} IN ({', '.join(repr(each) for each in allowed)})"


def all_of(*conditions: str) -> str:
    """All of these conditions."""
    return " AND ".join(f"({each})" for each in conditions)


VALID: Final[Mapping[str, str]] = {
    "samples": all_of(
        time("ts"),
        *(f"{column} IS NULL OR ({number(column)})" for column in SAMPLE_COLUMNS),
        text("source", LONGEST_ID),
        text("reason"),
    ),
    "plans": all_of(
        time("ts"),
        text("status", LONGEST_ID),
        text("trigger", LONGEST_ID),
        text("body", LONGEST_BODY),
    ),
    "commands": all_of(
        time("ts"),
        text("device", LONGEST_ID),
        text("point", LONGEST_ID),
        number("value"),
        text("owner", LONGEST_ID),
        text("reason"),
        text("outcome", LONGEST_ID),
        text("detail"),
    ),
    "events": all_of(
        text("id", LONGEST_ID, 1),
        "typeof(revision) = 'integer' AND revision >= 0",
        time("start"),
        time("end"),
        "start < end",
        time("created"),
        "cancelled IN (0, 1)",
        text("body", LONGEST_EVENT),
        "json_valid(body)",
        _among("json_extract(body, '$.kind')", EVENT_KINDS),
    ),
    "rollups": all_of(
        time("ts"),
        f"ts % {ROLLUP_MS} = 0",
        _count("samples", 1, MOST_SAMPLES),
        *(_rolled_up(column) for column in SAMPLE_COLUMNS),
    ),
    "incidents": all_of(
        time("ts"),
        _among("level", ("info", "warning", "alarm")),
        text("code", LONGEST_ID),
        text("text"),
    ),
}
"""By table."""
