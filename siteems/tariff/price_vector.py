"""Price vectors: prices by time from a file, each holding until the next (day-ahead, real time)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from math import gcd
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from siteems.errors import UserError
from siteems.tariff.local_clock import Seconds
from siteems.tariff.model import PriceVector

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class VectorPrices:
    """Prices per kWh from `starts_s` (epoch seconds, rising), both of shape (n,).

    A price holds for its own span, `spans_s`, so that a hole in the file stays unknown.
    """

    starts_s: Seconds
    per_kwh: Array
    spans_s: Seconds

    @cached_property
    def grid_s(self) -> int:
        """The longest step of which all starts are multiples, from a minute to an hour."""
        found = gcd(3600, *(int(each) for each in np.unique(self.starts_s % 3600)))
        return found if found % 60 == 0 else 60

    @property
    def step_s(self) -> int:
        """The shortest span."""
        return int(self.spans_s.min())

    def at(self, epoch_s: Seconds) -> Array:
        """The prices at instants, shape as `epoch_s`; NaN where none is known."""
        index = np.searchsorted(self.starts_s, epoch_s, side="right") - 1
        started = np.maximum(index, 0)
        known = (index >= 0) & (epoch_s - self.starts_s[started] < self.spans_s[started])
        return np.where(known, self.per_kwh[started], np.nan)

    def mean(self, start_s: int, hours: float) -> float:
        """The mean price of an interval by its minutes; NaN where a part of it has none."""
        minutes = np.arange(max(1, round(hours * 60)), dtype=np.int64)
        return float(self.at(start_s + 60 * minutes).mean())


@lru_cache(maxsize=8)
def read_price_vector(vector: PriceVector, zone: ZoneInfo) -> VectorPrices:
    """Read the file of a price vector; empty cells are unknown prices.

    Times without offset are local to `zone`. Raises `UserError` for a file that is not a price
    vector, and for local times that do not fit the zone's changes of clocks.
    """
    # Imported here because it loads pandas, which a daemon without price vector does not need.
    from siteems.recordings.number_cells import as_numbers
    from siteems.recordings.row_spans import row_spans_s
    from siteems.recordings.sentinels import NINES
    from siteems.recordings.table import read_table, require_columns
    from siteems.recordings.time_source import with_clock
    from siteems.recordings.timestamps import in_utc, read_timestamps

    path = Path(vector.file)
    table = read_table(path)
    require_columns(table.frame, (vector.time, vector.column), path)
    stamps = read_timestamps(table, with_clock(table.frame, vector.time))
    instants = in_utc(stamps, zone, refuse_odd=True)
    starts_s = np.array([round(time.timestamp()) for time in instants.times], dtype=np.int64)
    listed, strange = as_numbers(table.frame[vector.column])
    if len(strange):
        raise UserError(
            f"{path}: line {strange.index[0]}, column {vector.column}: "
            f"{str(strange.iloc[0])!r} is not a price"
        )
    no_value = np.isin(listed, NINES)
    if no_value.any() and not _may_be_a_price(listed, no_value):
        where = int(np.argmax(no_value))
        raise UserError(
            f"{path}: line {table.frame.index[where]}, column {vector.column}: {listed[where]:g} "
            "is what loggers write for no value; leave the cell empty where no price is known"
        )
    steps_s = np.diff(starts_s)
    if len(starts_s) < 2 or (steps_s <= 0).any():
        raise UserError(
            f"{path}: column {vector.time} must rise from row to row, with at least two rows"
        )
    scale = vector.factor / (1000.0 if vector.per == "MWh" else 1.0)
    return VectorPrices(starts_s, listed * scale + vector.plus_per_kwh, row_spans_s(starts_s))


def _may_be_a_price(listed: Array, no_value: npt.NDArray[np.bool_]) -> bool:
    """Whether numbers that loggers write for no value lie among the other prices."""
    others = listed[~no_value & ~np.isnan(listed)]
    suspects = listed[no_value]
    return bool(
        others.size and (suspects >= others.min()).all() and (suspects <= others.max()).all()
    )
