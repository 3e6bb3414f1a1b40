"""The time steps of a plan: the rest of the running interval, then whole intervals on the wall
clock.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
import numpy.typing as npt

from siteems.tariff.local_clock import Seconds

HOUR = timedelta(hours=1)
SHORTEST_FIRST_STEP = timedelta(minutes=1)
"""A shorter rest of the running interval is left out: a power is not planned for seconds."""


@dataclass(frozen=True, eq=False)
class TimeGrid:
    """`starts` are UTC, `starts_s` the same in whole seconds since 1970; `step_h` are hours. Each
    has n entries.
    """

    starts: tuple[datetime, ...]
    starts_s: Seconds
    step_h: npt.NDArray[np.float64]

    @property
    def end(self) -> datetime:
        """The end of the last step."""
        return self.starts[-1] + timedelta(hours=float(self.step_h[-1]))

    @property
    def edges_h(self) -> npt.NDArray[np.float64]:
        """Start of each step and end of the last, in hours from the first start; shape (n + 1,)."""
        return np.concatenate(([0.0], np.cumsum(self.step_h)))

    def first(self, count: int) -> TimeGrid:
        """The grid of the first `count` steps."""
        return TimeGrid(self.starts[:count], self.starts_s[:count], self.step_h[:count])


def time_grid(
    now: datetime, step_min: int, horizon_h: float, fine_h: float | None = None
) -> TimeGrid:
    """Steps that cover `horizon_h` hours from `now`: of `step_min` minutes for the first `fine_h`
    hours (None = all), then of an hour.

    The number of steps depends on the three lengths alone, so that the LP keeps its shape and is
    compiled once. Long steps begin where the short ones end, on whatever minute that is.
    """
    step = timedelta(minutes=step_min)
    midnight = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    boundary = midnight + ((now - midnight) // step + 1) * step
    first = now.astimezone(UTC) if boundary - now >= SHORTEST_FIRST_STEP else boundary
    if first == boundary:
        boundary += step
    fine, coarse = step_counts(step_min, horizon_h, fine_h)
    widths = [boundary - first, *[step] * (fine - 1), *[HOUR] * coarse]
    step_h = np.concatenate(([widths[0] / HOUR], np.full(fine - 1, step / HOUR), np.ones(coarse)))
    starts = [first]
    for width in widths[:-1]:
        starts.append(starts[-1] + width)
    steps_s = np.repeat((60 * step_min, 3600), (fine - 1, coarse))
    starts_s = np.cumsum(np.concatenate(([int(boundary.timestamp())], steps_s)))
    starts_s = np.concatenate(([int(first.timestamp())], starts_s[:-1]))
    return TimeGrid(tuple(starts), starts_s, step_h)


def step_counts(step_min: int, horizon_h: float, fine_h: float | None) -> tuple[int, int]:
    """How many steps of `step_min`, and how many steps of an hour after them, `time_grid` makes."""
    fine_h = horizon_h if fine_h is None else min(fine_h, horizon_h)
    return round(fine_h * 60 / step_min), round(horizon_h - fine_h)
