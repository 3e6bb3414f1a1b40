"""Perfect foresight: a forecaster that returns the recorded future.

It bounds what better forecasts could bring, and is never used for control of a real site.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np
import numpy.typing as npt

from siteems.forecast.forecast import Forecast, Forecaster
from siteems.recordings.profile import Profile
from siteems.replay.window import INTERVAL, ReplayWindow
from siteems.site.model import Site

Array = npt.NDArray[np.float64]

HORIZON_H, FINE_H = 48, 24
"""How far plans of perfect foresight look ahead, and how much of it in quarter hours. Longer and
finer ones were tried and do not lower the cost (docs/replay.md).
"""


def with_longer_horizon(site: Site) -> Site:
    """The site as perfect foresight plans it."""
    planning = replace(site.planning, horizon_h=HORIZON_H, fine_h=FINE_H)
    return replace(site, planning=planning)


class PerfectForecaster:
    """The recorded load and PV up to the end of a replay window, and zero after it, since nothing
    after it is paid for.

    The AC load is that of the site without control, `ac_load_kw` by interval of the window, shape
    (count,). The reserve is that of the `ordinary` forecaster, as it must hold for loads that
    cannot be predicted.
    """

    def __init__(
        self,
        site: Site,
        profile: Profile,
        window: ReplayWindow,
        ac_load_kw: Array,
        ordinary: Forecaster,
    ) -> None:
        self._profile, self._ordinary = profile, ordinary
        self._end_h = (window.end - profile.start) / timedelta(hours=1)
        self._rated_kwp = site.pv.rated_kwp if site.pv else 0.0
        step_h = profile.step / timedelta(hours=1)
        self._edges_h = step_h * np.arange(len(profile.dc_load_kw) + 1)
        series = {
            "dc": profile.dc_load_kw,
            "pv": profile.pv_kw,
            "ac": _on_profile_steps(ac_load_kw, window, profile),
        }
        self._energy_kwh = {
            name: np.concatenate(([0.0], np.cumsum(powers_kw * step_h)))
            for name, powers_kw in series.items()
        }
        """Energy from the start of the profile to each edge of its steps."""

    def learn(self, time: datetime, values: Mapping[str, float | None]) -> None:
        """Pass a sample on to the ordinary forecaster, which learns for the reserve."""
        self._ordinary.learn(time, values)

    def prepare(self, now: datetime) -> None:
        """Pass on to the ordinary forecaster."""
        self._ordinary.prepare(now)

    def forecast(
        self, now: datetime, starts: Sequence[datetime], step_h: npt.ArrayLike
    ) -> Forecast:
        """The recorded means of the steps from `starts`, of length `step_h`, shape (n,)."""
        hours = np.asarray(step_h, dtype=np.float64)
        begin_h = (starts[0] - self._profile.start) / timedelta(hours=1)
        edges_h = begin_h + np.concatenate(([0.0], np.cumsum(hours)))
        ordinary = self._ordinary.forecast(now, starts, step_h)
        dc, pv, ac = (self._means(name, edges_h, hours) for name in ("dc", "pv", "ac"))
        p95 = np.maximum(ordinary.dc_load_p95_kw, dc)
        pv = np.minimum(pv, self._rated_kwp)
        return Forecast(now, tuple(starts), dc, p95, ac, pv, pv, certain=True)

    def peak_load_kw(self, now: datetime, hours: float) -> float:
        """As the ordinary forecaster predicts it."""
        return self._ordinary.peak_load_kw(now, hours)

    def _means(self, name: str, edges_h: Array, hours: Array) -> Array:
        energy_kwh = np.interp(
            np.minimum(edges_h, self._end_h), self._edges_h, self._energy_kwh[name]
        )
        return np.asarray(np.maximum(0.0, np.diff(energy_kwh) / hours))


def _on_profile_steps(powers_kw: Array, window: ReplayWindow, profile: Profile) -> Array:
    """A series by interval of the window, interpolated at the middles of the profile's steps."""
    steps = np.arange(len(profile.dc_load_kw))
    first = (profile.start + profile.step / 2 - window.start) / INTERVAL
    middles = first + steps * (profile.step / INTERVAL)
    return np.asarray(np.interp(middles, np.arange(len(powers_kw)) + 0.5, powers_kw))
