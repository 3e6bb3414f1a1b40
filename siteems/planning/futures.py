"""What else may come: the futures over which the value of stored energy is averaged.

In one expected future the value of stored energy is what its one best plan makes of it: nothing
beyond what that plan needs, everything below. With loads and PV that are lower and higher as well,
the value falls and rises step by step with what is stored.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from optimisation.arrays import Floats
from optimisation.problem.future import Future
from siteems.forecast.forecast import Forecast
from siteems.planning.time_grid import TimeGrid
from siteems.tariff.local_clock import Seconds

HIGH_PV = 0.8
"""Share of the way from the expected PV power to its 95 % quantile in the future with much PV."""
LOW_PV = 0.7
"""Share of the expected PV power in the future with little PV: a cloudy day in place of a mixed
one.

Both constants were chosen by `make choose`, which gives the same choice on either half of the
profiles. Against 0.5 the cost falls by 0.003 % on half a and by 0.2 % on half b.
"""
SOLVED_EVERY = timedelta(minutes=30)
"""How often the other futures are solved, unless something has happened: with every second plan. It
saves a fifth of a replay's time. On 40 days of two seasons at a home, where it matters most, it
cost 0.1 % of the bill; solving them every hour cost 0.4 %.
"""


def futures(forecast: Forecast, n_steps: int) -> tuple[Future, ...]:
    """Much PV with a low load, and little PV with a high load, over the first `n_steps`. None where
    the forecast is certain.
    """
    if forecast.certain:
        return ()
    load_kw, high_load_kw = forecast.dc_load_kw[:n_steps], forecast.dc_load_p95_kw[:n_steps]
    pv_kw, high_pv_kw = forecast.pv_kw[:n_steps], forecast.pv_high_kw[:n_steps]
    more = Future(
        dc_load_kw=np.maximum(0.0, 2.0 * load_kw - high_load_kw),
        pv_kw=pv_kw + HIGH_PV * (high_pv_kw - pv_kw),
    )
    less = Future(dc_load_kw=high_load_kw, pv_kw=LOW_PV * pv_kw)
    return more, less


@dataclass(frozen=True, eq=False)
class FutureValues:
    """Marginal values of stored energy in the other futures, as of when these were last solved."""

    solved: datetime
    starts_s: Seconds
    """Starts of the steps, shape (n,)."""
    per_kwh: tuple[Floats, ...]
    """By future; by wear segment at the end of each step, shape (segments, n)."""

    def mean_with(self, per_kwh: Floats, grid: TimeGrid) -> Floats:
        """The mean with the values of a newer plan, shape (segments, n of `grid`)."""
        steps = np.searchsorted(self.starts_s, grid.starts_s, side="right") - 1
        earlier = [values[:, np.maximum(steps, 0)] for values in self.per_kwh]
        mean: Floats = np.add.reduce([per_kwh, *earlier]) / (1 + len(earlier))
        return mean
