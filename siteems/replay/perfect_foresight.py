"""A forecaster that knows the future: what the best possible plan would rest on. For the bound,
never for control.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import numpy as np
import numpy.typing as npt

from siteems.forecast.forecast import Forecast, Forecaster
from siteems.recordings.profile import Profile
from siteems.site.model import Site

Array = npt.NDArray[np.float64]


class PerfectForecaster:
    """The recorded future of load and sun up to `end`, and nothing after it, as nobody pays for
    what comes then.

    The reserve is that of the `ordinary` forecaster: a promise is no bet. `ac_load_kw` is the AC
    side as it was simulated without control, one value per step of the profile from its start.
    """

    def __init__(
        self, site: Site, profile: Profile, end: datetime, ac_load_kw: Array, ordinary: Forecaster
    ) -> None:
        self._profile, self._ordinary = profile, ordinary
        self._end_h = (end - profile.start) / timedelta(hours=1)
        self._rated_kwp = site.pv.rated_kwp if site.pv else 0.0
        step_h = profile.step / timedelta(hours=1)
        self._edges_h = step_h * np.arange(len(profile.dc_load_kw) + 1)
        self._sums = {
            name: np.concatenate(([0.0], np.cumsum(series[: len(profile.dc_load_kw)] * step_h)))
            for name, series in (
                ("dc", profile.dc_load_kw),
                ("pv", profile.pv_kw),
                ("ac", ac_load_kw),
            )
        }

    def learn(self, time: datetime, values: Mapping[str, float | None]) -> None:
        """Nothing is new; the ordinary forecaster learns for the reserve."""
        self._ordinary.learn(time, values)

    def forecast(
        self, now: datetime, starts: Sequence[datetime], step_h: npt.ArrayLike
    ) -> Forecast:
        """What will be."""
        hours = np.asarray(step_h, dtype=np.float64)
        begin_h = (starts[0] - self._profile.start) / timedelta(hours=1)
        edges_h = begin_h + np.concatenate(([0.0], np.cumsum(hours)))
        ordinary = self._ordinary.forecast(now, starts, step_h)
        dc, pv, ac = (self._means(name, edges_h, hours) for name in ("dc", "pv", "ac"))
        p95 = np.maximum(ordinary.dc_load_p95_kw, dc)
        sun = np.minimum(pv, self._rated_kwp)
        return Forecast(now, tuple(starts), dc, p95, ac, sun, sun)

    def peak_load_kw(self, now: datetime, hours: float) -> float:
        """As the ordinary forecaster sees it."""
        return self._ordinary.peak_load_kw(now, hours)

    def _means(self, name: str, edges_h: Array, hours: Array) -> Array:
        energy = np.interp(np.minimum(edges_h, self._end_h), self._edges_h, self._sums[name])
        return np.asarray(np.maximum(0.0, np.diff(energy) / hours))
