"""DR events as versions 1 and 2 of the record kept them: import limits of one interval."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

from siteems.history.valid_rows import LONGEST_ID, all_of, number, text, time

FORMER_EVENTS: Final = """
    id TEXT NOT NULL, revision INTEGER NOT NULL, kind TEXT NOT NULL, limit_kw REAL NOT NULL,
    start INTEGER NOT NULL, end INTEGER NOT NULL, source TEXT NOT NULL,
    created INTEGER NOT NULL, cancelled INTEGER NOT NULL,
    PRIMARY KEY (id, revision)"""
"""The columns."""
LARGEST_LIMIT_KW: Final = 1e6


VALID_FORMER_EVENT: Final = all_of(
    text("id", LONGEST_ID, 1),
    "typeof(revision) = 'integer' AND revision >= 0",
    "kind = 'limit-import'",
    number("limit_kw", 0.0, LARGEST_LIMIT_KW),
    time("start"),
    time("end"),
    "start < end",
    text("source", LONGEST_ID),
    time("created"),
    "cancelled IN (0, 1)",
)
"""Which rows are valid."""


def from_former(row: Sequence[Any]) -> tuple[Any, ...]:
    """The columns of the present table, from all of the former one."""
    id_, revision, _, limit_kw, start, end, source, created, cancelled = row
    interval = {"start": _iso(start), "end": _iso(end), "value": limit_kw, "baseline_kw": None}
    body = {
        "id": id_,
        "revision": revision,
        "kind": "import-cap",
        "intervals": [interval],
        "source": source,
        "created": _iso(created),
        "cancelled": bool(cancelled),
    }
    return id_, revision, start, end, created, cancelled, json.dumps(body)


def _iso(milliseconds: int) -> str:
    return datetime.fromtimestamp(milliseconds / 1000.0, UTC).isoformat()
