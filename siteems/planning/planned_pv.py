"""The PV power that a plan counts on, somewhat above the expected one."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from siteems.forecast.forecast import Forecast

Array = npt.NDArray[np.float64]

PV_HEADROOM = 0.7
"""Share of the way from the expected PV power to its 95 % quantile on which a plan counts.

Too low a share leaves no room in the battery, and PV energy beyond the forecast is curtailed: lost
altogether. Too high a share empties the battery for PV that does not come: energy bought at other
hours, and wear. 0.7 was chosen on recorded data of three sites; docs/forecast.md has the figures.
"""


def planned_pv_kw(forecast: Forecast, import_cap_kw: Array) -> Array:
    """PV power to plan with, kW, shape (n,) as `import_cap_kw` (infinite = no DR cap).

    Under a cap only the expectation counts, because PV that does not come would break the cap.
    """
    n = len(import_cap_kw)
    expected_kw, high_kw = forecast.pv_kw[:n], forecast.pv_high_kw[:n]
    with_headroom_kw = expected_kw + PV_HEADROOM * (high_kw - expected_kw)
    return np.where(np.isfinite(import_cap_kw), expected_kw, with_headroom_kw)
