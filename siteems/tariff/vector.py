"""Price vectors: prices by time from a file, each holding until the next."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from siteems.config.timed_csv import read_timed_csv
from siteems.errors import UserError
from siteems.tariff.local_clock import Seconds
from siteems.tariff.records import PriceVector

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Prices:
    """Prices per kWh from `starts_s` (epoch seconds, rising), each for `step_s` at most; shape
    (n,).
    """

    starts_s: Seconds
    per_kwh: Array
    step_s: int

    def at(self, epoch_s: Seconds) -> Array:
        """The prices at instants, NaN where none is known."""
        place = np.searchsorted(self.starts_s, epoch_s, side="right") - 1
        found = self.per_kwh[np.maximum(place, 0)]
        known = (place >= 0) & (epoch_s - self.starts_s[np.maximum(place, 0)] < self.step_s)
        return np.where(known, found, np.nan)

    def mean(self, start_s: int, hours: float) -> float:
        """The mean price of an interval, NaN where a part of it has none; looked up once a minute."""
        minutes = np.arange(max(1, round(hours * 60)), dtype=np.int64)
        return float(self.at(start_s + 60 * minutes).mean())


@lru_cache(maxsize=8)
def read_prices(vector: PriceVector, zone: ZoneInfo) -> Prices:
    """Read a vector's file. Empty cells are unknown prices. Raises `UserError` for what is not a
    price vector.
    """
    path = Path(vector.file)
    frame, times = read_timed_csv(path, zone, (vector.column,), vector.time)
    starts_s = times.map(lambda time: round(time.timestamp())).to_numpy(dtype=np.int64)
    try:
        listed = frame[vector.column].to_numpy(dtype=np.float64)
    except ValueError as error:
        raise UserError(f"{path}: column {vector.column} is not a price ({error})") from error
    steps_s = np.diff(starts_s)
    if len(starts_s) < 2 or (steps_s <= 0).any():
        raise UserError(
            f"{path}: column {vector.time} must rise from row to row, with at least two rows"
        )
    scale = vector.factor / (1000.0 if vector.per == "MWh" else 1.0)
    return Prices(starts_s, listed * scale + vector.plus_per_kwh, int(np.median(steps_s)))
