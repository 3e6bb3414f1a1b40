"""Counts of what happened on a link, or with one unit or meter of it, since the link was made."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Counters:
    """Counts that only grow."""

    requests: int = 0
    timeouts: int = 0
    refused: int = 0
    """Answered with an exception code."""
    bad: int = 0
    """Answered, but not with a reply that fits the request."""
    late: int = 0
    """Pieces of data that arrived while no request was under way."""
    reconnects: int = 0
