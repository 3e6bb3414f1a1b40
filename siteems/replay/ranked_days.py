"""The days of a replay ranked by what control saved: the best, typical and worst ones."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import pandas as pd

from siteems.replay.daily import Daily
from siteems.replay.outcome import Policy

EACH = 3
"""Days of each kind that are listed."""
FEWEST_DAYS = 3 * EACH
"""With fewer, the same days would be best, typical and worst."""


class RankedDay(NamedTuple):
    """One local day and its rank among all."""

    kind: str
    """`best`, `typical` or `worst`."""
    rank: int
    """1 for the day that saved most."""
    midnight: pd.Timestamp
    saving: float


def ranked_days(days: Daily, reference: Policy) -> Iterator[RankedDay]:
    """The best days first, then those around the median, then the worst, each by rank."""
    saving = days.saving(reference)
    order = np.argsort(-saving, kind="stable")
    n = len(order)
    if n < FEWEST_DAYS:
        return
    middle = n // 2 - EACH // 2
    for kind, first in (("best", 0), ("typical", middle), ("worst", n - EACH)):
        for rank in range(first, first + EACH):
            day = int(order[rank])
            yield RankedDay(kind, rank + 1, days.days[day], float(saving[day]))
