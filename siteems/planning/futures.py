"""What else may come: the futures over which the value of stored energy is averaged.

In one expected future the value of stored energy is what its one best plan makes of it: nothing
beyond what that plan needs, everything below. With loads and PV that are lower and higher as well,
the value falls and rises step by step with what is stored.
"""

from __future__ import annotations

import numpy as np

from optimisation.problem.future import Future
from siteems.forecast.forecast import Forecast

HIGH_PV = 0.8
"""Share of the way from the expected PV power to its 95 % quantile in the future with much PV."""
LOW_PV = 0.5
"""Share of the expected PV power in the future with little PV: an overcast day in place of a mixed
one.
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
