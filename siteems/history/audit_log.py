"""Who did what: an append-only file of commands, each line with the hash of the line before.

A line that is changed, removed, inserted or moved breaks the chain from there on. Lines cut off at
the end leave an intact chain, so `siteems audit-log verify` also prints the last number and hash,
to be compared with those noted elsewhere.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

FILE_NAME: Final = "audit.log"
FIRST: Final = "0" * 64
"""What the first line has in place of the hash of a line before."""
TAIL_BYTES: Final = 1 << 20
"""The last line is looked for in so much of the file; a command is at most 64 KiB."""


@dataclass(frozen=True)
class Verified:
    """What the check of a log found."""

    lines: int
    """Sound ones, from the first."""
    last_hash: str
    """Of the last sound line."""
    problem: str = ""
    """What is wrong with the line after them; empty where the whole log is sound."""


class AuditLog:
    """Writes the log of a state folder. Not to be used from two threads at a time."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / FILE_NAME

    def add(self, time: datetime, entry: Mapping[str, Any]) -> None:
        """Append one line, on disk when it returns. Raises OSError.

        A last line that a power cut left unfinished is kept, and breaks the chain visibly.
        """
        handle = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o640)
        with os.fdopen(handle, "rb+") as file:
            end = file.seek(0, os.SEEK_END)
            file.seek(max(0, end - TAIL_BYTES))
            tail = file.read()
            number, previous = _last_of(tail)
            body = {"number": number + 1, "time": time.isoformat(), **entry, "previous": previous}
            line = json.dumps(body | {"hash": _hash(body)}, ensure_ascii=False, default=str) + "\n"
            unfinished = bool(tail) and not tail.endswith(b"\n")
            file.write(("\n" * unfinished + line).encode())
            file.flush()
            os.fsync(file.fileno())


def verify(path: Path) -> Verified:
    """Check every line of a log. Raises OSError."""
    lines, previous = 0, FIRST
    with path.open("rb") as file:
        for number, raw in enumerate(file, 1):
            problem, own = _problem(raw, number, previous)
            if problem:
                return Verified(lines, previous, f"line {number}: {problem}")
            lines, previous = number, own
    return Verified(lines, previous)


def _problem(raw: bytes, number: int, previous: str) -> tuple[str, str]:
    """What is wrong with a line, if anything, and its hash."""
    entry = _entry(raw)
    if entry is None:
        return "not an entry", ""
    own = entry.pop("hash", None)
    if own != _hash(entry):
        return "changed after it was written", ""
    if entry.get("number") != number:
        return f"has number {entry.get('number')}: a line is missing, or was moved", ""
    if entry.get("previous") != previous:
        return "does not follow the line before it", ""
    return "", str(own)


def _last_of(tail: bytes) -> tuple[int, str]:
    """Number and hash of the last whole entry."""
    for raw in reversed(tail.splitlines()):
        entry = _entry(raw)
        if entry is not None and isinstance(entry.get("number"), int) and "hash" in entry:
            return entry["number"], str(entry["hash"])
    return 0, FIRST


def _entry(raw: bytes) -> dict[str, Any] | None:
    try:
        entry = json.loads(raw)
    except (ValueError, RecursionError):
        return None
    return entry if isinstance(entry, dict) else None


def _hash(entry: Mapping[str, Any]) -> str:
    """Of an entry without its hash; JSON with sorted keys has one form for one content."""
    form = json.dumps(entry, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(form.encode()).hexdigest()
