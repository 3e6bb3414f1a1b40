"""What is recorded of every value that passes, or does not pass, the write gate."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from drivers.trouble import Trouble

Outcome = Literal["written", "refreshed", "refused", "failed", "unconfirmed", "mismatch"]
"""`written`: read back as sent. `refreshed`: the same, and the device held the value before.
`refused`: the gate sent nothing. `failed`: the device did not confirm, or could not be read back.
`unconfirmed`: the device confirmed, but does not show it yet; it is read again before it is judged.
`mismatch`: confirmed, but it still reads back as something else after some seconds.
"""


@dataclass(frozen=True, slots=True)
class WriteRecord:
    """What happened to one value of one point; `time` is UTC, aware."""

    time: datetime
    device: str
    point: str
    value: float
    """In the unit of the point."""
    owner: str
    reason: str
    outcome: Outcome
    detail: Trouble | None = None
    """Why the value was not simply written; None otherwise."""
