"""Which rows of a record are valid, as SQL conditions. The schema holds each as a CHECK constraint,
and every query reads only rows that meet it: another program, an earlier version or a worn memory
card may have put others there.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from siteems.history.records import EVENT_KINDS, SAMPLE_COLUMNS

EARLIEST: Final = datetime(2000, 1, 1, tzinfo=UTC)
LATEST: Final = datetime(2100, 1, 1, tzinfo=UTC)
"""No site was recorded before, and none plans until then. Sums of such times cannot overflow."""

LARGEST: Final = 1e12
"""Of any number: above each counter in kWh, and far below where sums of squares overflow."""
LARGEST_LIMIT_KW: Final = 1e6
LONGEST_TEXT: Final = 10_000
"""Characters of a message or a detail. The longest message that is recorded has a few hundred."""
LONGEST_BODY: Final = 5_000_000
"""Characters of a plan: 50 times one of 36 h in 15-minute steps."""
LONGEST_ID: Final = 200
"""Of an id, a source or the name of a device or point."""


def _time(column: str) -> str:
    earliest, latest = (round(each.timestamp() * 1000) for each in (EARLIEST, LATEST))
    return f"typeof({column}) = 'integer' AND {column} BETWEEN {earliest} AND {latest}"


def _number(column: str, low: float = -LARGEST, high: float = LARGEST) -> str:
    return f"typeof({column}) IN ('real', 'integer') AND {column} BETWEEN {low} AND {high}"


def _text(column: str, longest: int = LONGEST_TEXT, shortest: int = 0) -> str:
    return f"typeof({column}) = 'text' AND length({column}) BETWEEN {shortest} AND {longest}"


def _among(column: str, allowed: tuple[str, ...]) -> str:
    return f"{column} IN ({', '.join(repr(each) for each in allowed)})"


def _all(*conditions: str) -> str:
    return " AND ".join(f"({each})" for each in conditions)


VALID: Final[Mapping[str, str]] = {
    "samples": _all(
        _time("ts"),
        *(f"{column} IS NULL OR ({_number(column)})" for column in SAMPLE_COLUMNS),
        _text("source", LONGEST_ID),
        _text("reason"),
    ),
    "plans": _all(
        _time("ts"),
        _text("status", LONGEST_ID),
        _text("trigger", LONGEST_ID),
        _text("body", LONGEST_BODY),
    ),
    "commands": _all(
        _time("ts"),
        _text("device", LONGEST_ID),
        _text("point", LONGEST_ID),
        _number("value"),
        _text("owner", LONGEST_ID),
        _text("reason"),
        _text("outcome", LONGEST_ID),
        _text("detail"),
    ),
    "events": _all(
        _text("id", LONGEST_ID, 1),
        "typeof(revision) = 'integer' AND revision >= 0",
        _among("kind", EVENT_KINDS),
        _number("limit_kw", 0.0, LARGEST_LIMIT_KW),
        _time("start"),
        _time("end"),
        "start < end",
        _text("source", LONGEST_ID),
        _time("created"),
        "cancelled IN (0, 1)",
    ),
    "incidents": _all(
        _time("ts"),
        _among("level", ("info", "warning", "alarm")),
        _text("code", LONGEST_ID),
        _text("text"),
    ),
}
"""By table."""
