"""Rows that no version of siteems writes, as another program or a worn memory card leaves them."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

NOON: Final = datetime(2026, 7, 15, 4, 0, tzinfo=UTC)
NOON_MS: Final = round(NOON.timestamp() * 1000)
HOUR_MS: Final = 3_600_000
YEAR_9999_MS: Final = 253_402_300_799_000

EVENT: Final[Mapping[str, Any]] = {
    "id": "bad",
    "revision": 0,
    "kind": "limit-import",
    "limit_kw": 1.0,
    "start": NOON_MS,
    "end": NOON_MS + HOUR_MS,
    "source": "test",
    "created": NOON_MS,
    "cancelled": 0,
}
EVENTS: Final[Mapping[str, Mapping[str, Any]]] = {
    "limit below zero": {"limit_kw": -1.0},
    "limit without end": {"limit_kw": float("inf")},
    "limit as text": {"limit_kw": "one and a half"},
    "limit as bytes": {"limit_kw": b"\xff\xfe"},
    "limit of a power station": {"limit_kw": 1e300},
    "end before start": {"end": NOON_MS - HOUR_MS},
    "end at its start": {"end": NOON_MS},
    "end in the year 9999": {"end": YEAR_9999_MS},
    "end beyond all years": {"end": 2**62},
    "start before all years": {"start": -(2**62)},
    "start as text": {"start": "yesterday"},
    "created as text": {"created": "now"},
    "unknown kind": {"kind": "raise-import"},
    "kind as bytes": {"kind": b"limit-import"},
    "revision as text": {"revision": "second"},
    "revision below zero": {"revision": -1},
    "no id": {"id": ""},
    "id as bytes": {"id": b"\x80"},
    "source as number of bytes": {"source": b"\x00\x01"},
    "cancelled is neither": {"cancelled": 7},
}
"""What is wrong with one event, by a short name."""

SAMPLES: Final[Mapping[str, Mapping[str, Any]]] = {
    "text": {"soc": "full"},
    "bytes": {"dc_load_kw": b"\x01"},
    "infinite": {"grid_kw": float("inf")},
    "beyond all numbers": {"pv_kw": 1e300},
    "time beyond all years": {"ts": 2**62},
    "time before all years": {"ts": -(2**62)},
    "time in the year 9999": {"ts": YEAR_9999_MS},
    "reason as bytes": {"reason": b"\xff\xff"},
    "source as bytes": {"source": b"\xff"},
}
SAMPLE: Final = {"ts": NOON_MS - 60_000, "soc": 0.99, "source": "plan", "reason": "{}"}

PLAN_BODIES: Final[Mapping[str, str | bytes]] = {
    "no JSON": "{",
    "no object": "[1, 2]",
    "another object": '{"something": "else"}',
    "nested deeply": "[" * 100_000,
    "bytes": b"\xff\x00",
    "empty": "",
}


def insert(path: Path, table: str, row: Mapping[str, Any]) -> None:
    """A row as it is, whatever the constraints of the table say."""
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("PRAGMA ignore_check_constraints = ON")
        names, marks = ", ".join(row), ", ".join("?" * len(row))
        db.execute(
            f"INSERT OR REPLACE INTO {table} ({names}) VALUES ({marks})", tuple(row.values())
        )


def insert_plan(path: Path, body: str | bytes) -> None:
    """The newest plan, with this body."""
    row = {"ts": NOON_MS - 1000, "status": "optimal", "trigger": "schedule", "body": body}
    insert(path, "plans", row)
