"""Samples are rolled up in the transaction that deletes them: means over UTC quarter hours, the
extremes of some columns, and on how many samples each rests.

The samples of a quarter hour are rolled up together. Should a sample of a quarter hour that was
rolled up be recorded later, because the clock was wrong, it is added when it is deleted in turn.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from typing import Final

from siteems.history.records import COUNTERS, EXTREMES, SAMPLE_COLUMNS
from siteems.history.valid_rows import MOST_SAMPLES, ROLLUP_MS, VALID

ROLLUP_COLUMNS: Final = (
    "ts",
    "samples",
    *SAMPLE_COLUMNS,
    *(f"{column}_n" for column in SAMPLE_COLUMNS),
    *(f"{column}_{which}" for column in EXTREMES for which in ("min", "max")),
)
"""Of the table `rollups`: `soc` is the mean, `soc_n` in how many samples it was known, `soc_min`
and `soc_max` are the extremes.
"""
_VALID_BEFORE: Final = f"ts < :end AND {VALID['samples']}"


def roll_up_and_delete(db: sqlite3.Connection, before: int, most: int) -> int:
    """Roll up and delete the oldest samples before a time: whole quarter hours of about `most`
    samples, at least one quarter hour. Samples that are not valid are deleted only.

    `before` is in milliseconds since 1970. To be called inside a transaction. Returns how many
    samples were deleted; 0 = there is no whole quarter hour left. Raises `sqlite3.Error`.
    """
    end = _end(db, before, most)
    if end is None:
        return 0
    db.execute(_DELETE_INVALID, {"end": end})
    db.execute(_ROLL_UP, {"end": end})
    return db.execute("DELETE FROM samples WHERE ts < ?", (end,)).rowcount


def _end(db: sqlite3.Connection, before: int, most: int) -> int | None:
    """Until when samples are rolled up; None where there are none."""
    limit = _quarter(before)
    query = "SELECT ts FROM samples WHERE ts < ? ORDER BY ts LIMIT 1 OFFSET ?"
    oldest = db.execute(query, (limit, 0)).fetchone()
    if oldest is None:
        return None
    beyond = db.execute(query, (limit, most)).fetchone()
    if beyond is None:
        return limit
    return max(_quarter(beyond[0]), _quarter(oldest[0]) + ROLLUP_MS)


def _quarter(ts: int) -> int:
    """The start of the quarter hour."""
    return ts // ROLLUP_MS * ROLLUP_MS


def _grouped() -> Iterator[str]:
    """What is computed from the samples of a quarter hour, by the names of `ROLLUP_COLUMNS`."""
    yield f"ts / {ROLLUP_MS} * {ROLLUP_MS} AS quarter"
    yield "count(*) AS samples"
    for column in SAMPLE_COLUMNS:
        yield f"avg({column}) AS {column}"
        yield f"count({column}) AS {column}_n"
    for column in EXTREMES:
        yield f"min({column}) AS {column}_min"
        yield f"max({column}) AS {column}_max"
    for column in COUNTERS:
        yield f"max(CASE WHEN {column} IS NOT NULL THEN ts END) AS {column}_ts"


def _selected(name: str) -> str:
    """The value of one of `ROLLUP_COLUMNS` for a group."""
    if name == "ts":
        return "quarter"
    if name not in COUNTERS:
        return name
    return f"(SELECT {name} FROM samples WHERE ts = {name}_ts)"


def _added(name: str) -> str:
    """The value of one of `ROLLUP_COLUMNS` where there was a roll-up of the same quarter hour."""
    new = f"excluded.{name}"
    if name in COUNTERS:
        return f"coalesce({new}, {name})"
    if name in SAMPLE_COLUMNS:
        total = f"({name} * {name}_n + {new} * {new}_n) / ({name}_n + {new}_n)"
        return f"coalesce({total}, {name}, {new})"  # a mean of one with NULL is NULL
    if name.endswith(("_min", "_max")):
        return f"{name[-3:]}(coalesce({name}, {new}), coalesce({new}, {name}))"
    return f"min({name} + {new}, {MOST_SAMPLES})"


_ROLL_UP: Final = (
    f"INSERT INTO rollups ({', '.join(ROLLUP_COLUMNS)}) "
    f"SELECT {', '.join(map(_selected, ROLLUP_COLUMNS))} FROM ("
    f"SELECT {', '.join(_grouped())} FROM samples WHERE {_VALID_BEFORE} GROUP BY quarter) WHERE 1 "
    f"ON CONFLICT (ts) DO UPDATE SET "
    + ", ".join(f"{name} = {_added(name)}" for name in ROLLUP_COLUMNS[1:])
)
_DELETE_INVALID: Final = (
    f"DELETE FROM rollups WHERE ({VALID['rollups']}) IS NOT TRUE AND ts IN "
    f"(SELECT ts / {ROLLUP_MS} * {ROLLUP_MS} FROM samples WHERE {_VALID_BEFORE})"
)
"""A roll-up that is not valid gives way to a new one of its quarter hour."""
