"""What has happened on a link, or with one unit or meter of it, since the link was made."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Counters:
    """Numbers that only go up."""

    requests: int = 0
    timeouts: int = 0
    refused: int = 0
    """Answered with an exception code."""
    bad: int = 0
    """Answered, but not with what was asked for."""
    late: int = 0
    """Pieces that came when nothing was asked any more."""
    reconnects: int = 0
