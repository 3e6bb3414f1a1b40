"""The local clock: days and minutes of many instants at once."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

Seconds = npt.NDArray[np.int64]

DAY_S = 86_400
QUARTER_S = 900
EPOCH_ORDINAL = datetime(1970, 1, 1).toordinal()  # noqa: DTZ001 - a date


def billing_interval_s(epoch_s: Seconds, interval_s: int, zone: ZoneInfo) -> Seconds:
    """Starts of the billing intervals in which instants lie, shape as `epoch_s`.

    They begin at whole multiples of their length on the local clock: in India, an hour of the clock
    begins at half past in UTC. Clocks change by whole intervals, so that none is cut.
    """
    days, minutes = local_clock(epoch_s, zone)
    local_s = (days - EPOCH_ORDINAL) * DAY_S + minutes * 60 + epoch_s % 60
    shift_s = (local_s - epoch_s) % interval_s
    starts_s: Seconds = (epoch_s + shift_s) // interval_s * interval_s - shift_s
    return starts_s


def local_clock(epoch_s: Seconds, zone: ZoneInfo) -> tuple[Seconds, Seconds]:
    """Ordinal of the local day (`date.fromordinal`) and minute after local midnight.

    Both have the shape of `epoch_s`. The zone's offset is looked up at both ends of every UTC day,
    and where it changed in between, at every quarter hour.
    """
    days, day_of = np.unique(epoch_s // DAY_S, return_inverse=True)
    before = np.array([_offset_s(int(day) * DAY_S, zone) for day in days], dtype=np.int64)
    after = np.array([_offset_s(int(day + 1) * DAY_S, zone) for day in days], dtype=np.int64)
    offset = before[day_of]
    changed = np.flatnonzero((before != after)[day_of])
    if changed.size:
        quarters, quarter_of = np.unique(epoch_s[changed] // QUARTER_S, return_inverse=True)
        offset[changed] = np.array(
            [_offset_s(int(q) * QUARTER_S, zone) for q in quarters], dtype=np.int64
        )[quarter_of]
    local = epoch_s + offset
    return local // DAY_S + EPOCH_ORDINAL, local % DAY_S // 60


def _offset_s(epoch_s: int, zone: ZoneInfo) -> int:
    offset = datetime.fromtimestamp(epoch_s, zone).utcoffset()
    return 0 if offset is None else round(offset.total_seconds())
