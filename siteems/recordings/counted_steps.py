"""Steps that a file counts within a day: hours 1 to 24, half hours 1 to 48, quarters 1 to 96.

On the days when clocks change, some files number the 23 or 25 hours in succession, and others keep
the numbers of the clock. The highest number of such a day shows which.
"""

from __future__ import annotations

from dataclasses import dataclass
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pandas as pd

PER_DAY = (24, 48, 96, 144, 288)
"""Steps of 60, 30, 15, 10 and 5 min, of a day of 24 hours."""
LONGEST_DAY = 25.0 / 24.0
DAY = pd.Timedelta(days=1)


@dataclass(frozen=True, eq=False)
class CountedSteps:
    """The day and the number of each row, as the file has them; arrays of shape (rows,)."""

    days: pd.DatetimeIndex
    """Midnight of the day, without offset."""
    numbers: npt.NDArray[np.int64]
    """From 1 on."""
    per_day: int
    """Of a day of 24 hours."""

    @property
    def step(self) -> pd.Timedelta:
        """The length of a step."""
        return DAY / self.per_day

    @property
    def wall_times(self) -> pd.DatetimeIndex:
        """The starts of the steps, where they are numbered by the clock."""
        return self.days + (self.numbers - 1) * self.step

    def elapsed(self, zone: ZoneInfo) -> tuple[pd.DatetimeIndex, npt.NDArray[np.bool_]]:
        """The starts in UTC, counted from local midnight; and the rows for which that holds: those
        of the days whose length is another one than 24 hours, and whose highest number shows it.
        """
        midnights_utc = _midnights_utc(self.days, zone)
        lengths = _midnights_utc(self.days + DAY, zone) - midnights_utc
        steps = np.round(np.asarray(lengths / self.step)).astype(np.int64)
        highest = pd.Series(self.numbers).groupby(self.days.asi8).transform("max").to_numpy()
        longer, shorter = steps > self.per_day, steps < self.per_day
        counted = (longer & (highest > self.per_day)) | (shorter & (highest <= steps))
        return midnights_utc + (self.numbers - 1) * self.step, np.asarray(counted)


def _midnights_utc(days: pd.DatetimeIndex, zone: ZoneInfo) -> pd.DatetimeIndex:
    """The first instants of days; where clocks change at midnight, the day begins before or after
    the change.
    """
    first = np.ones(len(days), dtype=np.bool_)
    local = days.tz_localize(zone, ambiguous=first, nonexistent="shift_forward")
    return pd.DatetimeIndex(local.tz_convert("UTC"))


def steps_per_day(days: pd.Series, numbers: pd.Series) -> int | None:
    """How many steps of a day a column counts, from the numbers of most days; None where its cells
    are no such numbers.
    """
    if not pd.api.types.is_numeric_dtype(numbers) or pd.api.types.is_bool_dtype(numbers):
        return None
    if numbers.isna().any() or (numbers % 1 != 0).any() or numbers.min() != 1:
        return None
    of_days = numbers.groupby(days.to_numpy()).max()
    usual = int(of_days.mode().iloc[-1])
    if usual not in PER_DAY or numbers.max() > usual * LONGEST_DAY:
        return None
    return usual
