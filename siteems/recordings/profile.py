"""A profile: telecom load, PV, temperature and mains of a site over time, recorded or made up."""

from __future__ import annotations

from array import array
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

COLUMNS = ("dc_load_kw", "pv_kw", "outdoor_temp_c")
"""Columns that a profile file must have."""
OPTIONAL_COLUMNS = ("ac_load_kw", "mains_available")
"""Columns that are used where the file has them."""

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Instant:
    """What surrounds the site at one moment."""

    dc_load_kw: float
    pv_available_kw: float
    ac_load_kw: float | None
    """AC side without the rectifier; None = the simulated air conditioner decides."""
    outdoor_c: float
    mains_ok: bool


@dataclass(frozen=True, eq=False)
class Profile:
    """Series at equal steps, shape (n,), each value a mean over its step.

    Values between two steps are interpolated linearly.
    """

    start: datetime
    step: timedelta
    dc_load_kw: Array
    pv_kw: Array
    """Available PV power at the bus, before curtailment."""
    outdoor_c: Array
    ac_load_kw: Array | None
    mains_ok: npt.NDArray[np.bool_]
    source: str

    @property
    def end(self) -> datetime:
        """The end of the last step."""
        return self.start + self.step * len(self.dc_load_kw)

    def at(self, when: datetime) -> Instant:
        """The surroundings at a time; outside the profile its first or last value holds."""
        position = (when - self.start) / self.step
        last = len(self.dc_load_kw) - 1
        # A mean stands for the middle of its step.
        middle = min(max(position - 0.5, 0.0), float(last))
        left = int(middle)
        right, share = min(left + 1, last), middle - left
        step = min(max(int(position), 0), last)

        def between(series: array[float]) -> float:
            return series[left] * (1.0 - share) + series[right] * share

        dc_load_kw, pv_kw, outdoor_c, ac_load_kw = self._plain
        return Instant(
            dc_load_kw=between(dc_load_kw),
            pv_available_kw=between(pv_kw),
            ac_load_kw=None if ac_load_kw is None else between(ac_load_kw),
            outdoor_c=between(outdoor_c),
            mains_ok=bool(self.mains_ok[step]),
        )

    @cached_property
    def _plain(self) -> tuple[array[float], array[float], array[float], array[float] | None]:
        """The series as plain floats: reading single elements of numpy arrays takes several times
        as long, and a replay reads millions.
        """
        dc_load_kw, pv_kw, outdoor_c = (
            array("d", series) for series in (self.dc_load_kw, self.pv_kw, self.outdoor_c)
        )
        ac_load_kw = None if self.ac_load_kw is None else array("d", self.ac_load_kw)
        return dc_load_kw, pv_kw, outdoor_c, ac_load_kw

    def moved_to(self, day: date, zone: ZoneInfo) -> Profile:
        """The same series with its first step on another local day."""
        old = self.start.astimezone(zone)
        return replace(self, start=datetime.combine(day, old.time(), tzinfo=zone).astimezone(UTC))
