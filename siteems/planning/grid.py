"""The time steps of a plan: the rest of the running interval, then whole intervals on the wall clock."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
import numpy.typing as npt

SHORTEST_FIRST_STEP = timedelta(minutes=1)


@dataclass(frozen=True, eq=False)
class Grid:
    """`starts` are UTC; `step_h` are hours, shape (n,)."""

    starts: tuple[datetime, ...]
    step_h: npt.NDArray[np.float64]

    @property
    def end(self) -> datetime:
        """The end of the last step."""
        return self.starts[-1] + timedelta(hours=float(self.step_h[-1]))


def time_grid(now: datetime, step_min: int, horizon_h: float) -> Grid:
    """`horizon_h` hours of steps from `now`; the count depends on the horizon only, so that the LP keeps its shape."""
    step = timedelta(minutes=step_min)
    midnight = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    boundary = midnight + ((now - midnight) // step + 1) * step
    first = now.astimezone(UTC) if boundary - now >= SHORTEST_FIRST_STEP else boundary
    if first == boundary:
        boundary += step
    count = round(horizon_h * 60 / step_min)
    starts = (first, *(boundary + i * step for i in range(count - 1)))
    step_h = np.full(count, step / timedelta(hours=1))
    step_h[0] = (boundary - first) / timedelta(hours=1)
    return Grid(starts, step_h)
