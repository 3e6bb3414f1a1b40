"""What can be wrong with a recorded series: one finding, and what all rules share.

The rules are stated in docs/data.md. Their thresholds are set so that sound data of sites gives no
finding, and the known defects of public data do (tests/recordings/test_known_defects.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import pandas as pd  # 60 MB, which a daemon that repairs a meter's counter does without


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong with a series, or may be."""

    kind: str
    """The name of the rule in docs/data.md."""
    column: str
    count: int
    """Values, rows or days."""
    first: str
    """Time of the first, and of the last one."""
    last: str
    text: str


def finding(kind: str, column: str, times: pd.DatetimeIndex, text: str) -> Finding:
    """A finding that counts each of some times."""
    return Finding(kind, column, len(times), stamp(times.min()), stamp(times.max()), text)


def stamp(when: pd.Timestamp) -> str:
    """A time to the minute."""
    return f"{when:%Y-%m-%dT%H:%M}"


def duration(days: float) -> str:
    """A duration in hours or, from two days on, in days."""
    return f"{days:.1f} days" if days >= 2 else f"{24 * days:.1f} h"


def share(mask: npt.NDArray[np.bool_]) -> str:
    """A count of values and their share of all, such as `12 values (0.4 %)`."""
    count = int(mask.sum())
    return f"{count} value{'' if count == 1 else 's'} ({percent(float(mask.mean()))})"


def percent(part: float) -> str:
    """A share to a tenth of a percent, a smaller one to its first digit."""
    return f"{100.0 * part:.1f} %" if part >= 1e-3 else f"{100.0 * part:.1g} %"


def runs(mask: npt.NDArray[np.bool_]) -> list[tuple[int, int]]:
    """First index and end index (not included) of each run of true in a mask, shape (n,)."""
    padded = np.concatenate(([False], mask, [False])).astype(np.int8)
    edges = np.flatnonzero(np.diff(padded)).reshape(-1, 2)
    return [(int(first), int(end)) for first, end in edges]
