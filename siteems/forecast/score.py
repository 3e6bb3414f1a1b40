"""How good the forecasts would have been on recorded data, compared with a seasonal naive forecast.

The recording is walked through in time: at each issue the forecaster has learned only what came
before. Measures (Hyndman and Koehler 2006; Gneiting 2011), as shares:

- MAPE, over the steps in which the measured value is not next to zero;
- root mean square error and pinball loss, divided by the mean of the measured values;
- coverage: how often the mean load over the backup hours, which the reserve has to carry, lay at or
  below its 95 % quantile.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

import numpy as np
import numpy.typing as npt

from siteems.forecast.learning_forecaster import (
    RESERVE_QUANTILE,
    LearningForecaster,
    learning_times,
)
from siteems.recordings.profile import Profile
from siteems.site.model import Site

Array = npt.NDArray[np.float64]

HORIZONS_H: Final = ((0.0, 1.0), (1.0, 6.0), (6.0, 24.0))
"""Scored apart: the first hours matter for control, the rest of the day for planning."""
LEARNED: Final = timedelta(days=7)
"""Not scored: before that, the naive forecast has no week to look back on."""
EVERY_H: Final = 3.0
"""Hours between two scored forecasts: eight a day, always at the same times of day."""
SMALL: Final = 0.05
"""Share of the largest value below which a step is left out of the MAPE."""
NAIVE_DAYS: Final = (("day", 1), ("week", 7))
"""The naive forecasts: the same time of day, so many days before."""


@dataclass(frozen=True)
class Score:
    """One series over one horizon. Shares, not percent."""

    series: str
    from_h: float
    to_h: float
    count: int
    mape: float | None
    nrmse: float
    pinball: float
    """Of the median."""
    p95_pinball: float | None
    p95_coverage: float | None
    """Only for the telecom load."""
    naive_mape: float | None
    naive_nrmse: float
    naive: str
    """Which of the two naive forecasts was the better: `day` or `week`."""

    @property
    def beats_naive(self) -> bool:
        """Whether the error is smaller than that of the better naive forecast."""
        return self.nrmse < self.naive_nrmse


def score_forecasts(
    site: Site, profile: Profile, progress: Callable[[int, int], None]
) -> tuple[Score, ...]:
    """Score the forecasts of loads and PV on a profile without gaps.

    `progress` is called with the steps done and all steps. The profile must have 9 days or more,
    else ValueError.
    """
    step_h = profile.step / timedelta(hours=1)
    ahead = round(24.0 / step_h)
    first, last = round(LEARNED / profile.step), len(profile.dc_load_kw) - ahead
    if last < first + ahead:
        raise ValueError(
            f"{profile.source}: needs {LEARNED.days + 2} days or more to score forecasts"
        )
    measured = {"dc_load_kw": profile.dc_load_kw, "pv_kw": profile.pv_kw}
    if profile.ac_load_kw is not None:
        measured["ac_load_kw"] = profile.ac_load_kw
    issues = range(first, last, max(1, round(EVERY_H / step_h)))
    forecasts = _issue_forecasts(site, profile, measured, issues, progress)
    steps = np.array(issues)[:, None] + np.arange(ahead)  # of each forecast, shape (issues, ahead)
    window = max(1, round(site.backup.hours / step_h))
    means = _moving_means(profile.dc_load_kw[steps], window)
    p95_means = _moving_means(forecasts["dc_load_p95_kw"], window)
    scores = []
    for name, series in measured.items():
        for from_h, to_h in HORIZONS_H:
            columns = _columns(from_h, to_h, step_h)
            naive = {label: series[steps - days * ahead][:, columns] for label, days in NAIVE_DAYS}
            score = _score(
                name,
                (from_h, to_h),
                series[steps][:, columns],
                forecasts[name][:, columns],
                naive,
            )
            if name == "dc_load_kw":
                score = _with_coverage(score, means, p95_means, columns)
            scores.append(score)
    return tuple(scores)


def _issue_forecasts(
    site: Site,
    profile: Profile,
    measured: Mapping[str, Array],
    issues: range,
    progress: Callable[[int, int], None],
) -> dict[str, Array]:
    """Day-ahead forecasts by series, shape (issues, steps of a day)."""
    step_h = profile.step / timedelta(hours=1)
    ahead = round(24.0 / step_h)
    last = len(profile.dc_load_kw) - ahead
    forecaster, lengths_h = LearningForecaster(site), np.full(ahead, step_h)
    made: dict[str, list[Array]] = {name: [] for name in (*measured, "dc_load_p95_kw")}
    for step in range(last):
        now = profile.start + step * profile.step
        if step in issues:
            starts = [now + i * profile.step for i in range(ahead)]
            forecast = forecaster.forecast(now, starts, lengths_h)
            for name, forecasts in made.items():
                forecasts.append(getattr(forecast, name))
        sample = {name: float(series[step]) for name, series in measured.items()}
        # The rectifiers are shown as busy, so that PV counts as not throttled.
        parts = learning_times(now, profile.step)
        for part in parts:
            middle = part + profile.step / len(parts) / 2
            forecaster.learn(middle, sample | {"rectifier_dc_kw": 1.0})
        if step % ahead == 0:
            progress(step, len(profile.dc_load_kw))
    return {name: np.array(forecasts) for name, forecasts in made.items()}


def _columns(from_h: float, to_h: float, step_h: float) -> slice:
    """The steps of a horizon, at least one."""
    first = round(from_h / step_h)
    return slice(first, max(first + 1, round(to_h / step_h)))


def _with_coverage(score: Score, means: Array, p95_means: Array, columns: slice) -> Score:
    means_in, p95_in = means[:, columns], p95_means[:, columns]
    return replace(
        score,
        p95_pinball=_pinball(p95_in, means_in, RESERVE_QUANTILE) / (float(means.mean()) or 1.0),
        p95_coverage=float((means_in <= p95_in).mean()),
    )


def _moving_means(series: Array, window: int) -> Array:
    """Means over `window` columns from each column on, shape (n, m) to (n, m - window + 1)."""
    sums = np.cumsum(np.concatenate((np.zeros((len(series), 1)), series), axis=1), axis=1)
    return np.asarray((sums[:, window:] - sums[:, :-window]) / window)


def _score(
    name: str,
    horizon_h: tuple[float, float],
    measured: Array,
    forecast: Array,
    naive: Mapping[str, Array],
) -> Score:
    mean = float(measured.mean()) or 1.0  # of a series that is 0 throughout, errors are in kW
    best = min(naive, key=lambda label: _rmse(naive[label], measured))
    return Score(
        series=name,
        from_h=horizon_h[0],
        to_h=horizon_h[1],
        count=measured.size,
        mape=_mape(forecast, measured),
        nrmse=_rmse(forecast, measured) / mean,
        pinball=_pinball(forecast, measured, 0.5) / mean,
        p95_pinball=None,
        p95_coverage=None,
        naive_mape=_mape(naive[best], measured),
        naive_nrmse=_rmse(naive[best], measured) / mean,
        naive=best,
    )


def _rmse(forecast: Array, measured: Array) -> float:
    return float(np.sqrt(np.mean((forecast - measured) ** 2)))


def _mape(forecast: Array, measured: Array) -> float | None:
    size = np.abs(measured)
    counted = size > SMALL * size.max()
    if not counted.any():
        return None
    return float(np.mean(np.abs(forecast - measured)[counted] / size[counted]))


def _pinball(forecast: Array, measured: Array, quantile: float) -> float:
    short = measured - forecast
    return float(np.mean(np.maximum(quantile * short, (quantile - 1.0) * short)))
