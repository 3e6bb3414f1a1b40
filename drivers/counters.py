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
    """Answers to a request that was given up; on TCP, pieces of data that nothing had asked for."""
    repeated: int = 0
    """Answers that came again."""
    foreign: int = 0
    """Frames of another master on an RTU line, and the answers to it."""
    noise_bytes: int = 0
    """Bytes on an RTU line that belong to no frame."""
    reconnects: int = 0
