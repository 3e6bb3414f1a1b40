"""Rows that no version of siteems writes, as another program or a worn memory card leaves them."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

NOON: Final = datetime(2026, 7, 15, 4, 0, tzinfo=UTC)
NOON_MS: Final = round(NOON.timestamp() * 1000)
HOUR_MS: Final = 3_600_000
YEAR_9999_MS: Final = 253_402_300_799_000

START: Final = NOON.isoformat()
END: Final = (NOON + timedelta(hours=1)).isoformat()


def event_body(**changes: Any) -> str:
    """The body of an import cap of 1 kW for an hour; `changes` are other fields of it or, for
    start, end, value and baseline_kw, of its interval.
    """
    interval = {"start": START, "end": END, "value": 1.0, "baseline_kw": None}
    event = {
        "id": "bad",
        "revision": 0,
        "kind": "import-cap",
        "intervals": [interval],
        "source": "test",
        "created": START,
        "programme": "",
        "priority": 1000,
        "test": False,
        "cancelled": False,
    }
    for key, value in changes.items():
        (interval if key in interval else event)[key] = value
    return json.dumps(event)


EVENT: Final[Mapping[str, Any]] = {
    "id": "bad",
    "revision": 0,
    "start": NOON_MS,
    "end": NOON_MS + HOUR_MS,
    "created": NOON_MS,
    "cancelled": 0,
    "body": event_body(),
}
EVENTS: Final[Mapping[str, Mapping[str, Any]]] = {
    "limit below zero": {"body": event_body(value=-1.0)},
    "limit without end": {"body": event_body(value=float("inf"))},
    "limit that is no number": {"body": event_body(value=float("nan"))},
    "limit as text": {"body": event_body(value="one and a half")},
    "limit missing": {"body": event_body(value=None)},
    "limit of a power station": {"body": event_body(value=1e300)},
    "a cap with a baseline": {"body": event_body(baseline_kw=1.0)},
    "a reduction without one": {"body": event_body(kind="reduction")},
    "interval as text": {"body": event_body(intervals=["now"])},
    "no intervals": {"body": event_body(intervals=[])},
    "intervals as number": {"body": event_body(intervals=5)},
    "another field": {"body": event_body(more=1)},
    "another id in the body": {"body": event_body(id="other")},
    "another end in the body": {"body": event_body(end="2026-07-16T04:00:00+00:00")},
    "a time without offset": {"body": event_body(created="2026-07-15T04:00:00")},
    "priority as text": {"body": event_body(priority="high")},
    "priority below zero": {"body": event_body(priority=-1)},
    "test as number": {"body": event_body(test=2)},
    "body nested deeply": {"body": "[" * 100_000},
    "body as bytes": {"body": b"\xff\xfe"},
    "no JSON": {"body": "{"},
    "no object": {"body": "[1, 2]"},
    "end before start": {"end": NOON_MS - HOUR_MS},
    "end at its start": {"end": NOON_MS},
    "end in the year 9999": {"end": YEAR_9999_MS},
    "end beyond all years": {"end": 2**62},
    "start before all years": {"start": -(2**62)},
    "start as text": {"start": "yesterday"},
    "created as text": {"created": "now"},
    "unknown kind": {"body": event_body(kind="raise-import")},
    "revision as text": {"revision": "second"},
    "revision below zero": {"revision": -1},
    "no id": {"id": ""},
    "id as bytes": {"id": b"\x80"},
    "cancelled is neither": {"cancelled": 7},
}
"""What is wrong with one event, by a short name."""

FORMER_EVENT: Final[Mapping[str, Any]] = {
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
"""As versions 1 and 2 of the record have it."""

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
