"""How good the forecasts would have been on recorded data, beside the seasonal naive one. No
look-ahead.

Every step is learned before the next forecast is made. Measures (Hyndman and Koehler 2006; Gneiting
2011): MAPE over steps where the truth is not next to nothing, root mean square error as a share of
the mean (nRMSE), pinball loss of a quantile as a share of the mean, and coverage: how often the
mean load over the backup hours, which is what the reserve has to bear, lay at or below the 95 %
quantile.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from siteems.forecast.forecast import Forecaster
from siteems.recordings.profile import Profile
from siteems.site.model import Site

Array = npt.NDArray[np.float64]

HORIZONS_H: Final = ((0.0, 1.0), (1.0, 6.0), (6.0, 24.0))
LEARNED: Final = timedelta(days=7)
"""Not scored: until then the naive forecast has no week to look back on."""
EVERY_H: Final = 3.0
"""A forecast is scored this often; a whole number that does not divide a day into the same hours
would be as good.
"""
SMALL: Final = 0.05
"""Share of the largest value below which a percentage says nothing."""


@dataclass(frozen=True)
class Score:
    """One series over one horizon. Shares, not percent; `naive_*` are of the same time a day, or a
    week, before.
    """

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
    naive_mape: float | None
    naive_nrmse: float
    naive: str
    """Which of the two naive forecasts was the better: `day` or `week`."""

    @property
    def beats_naive(self) -> bool:
        """Whether the error is smaller than that of the better naive forecast."""
        return self.nrmse < self.naive_nrmse


def score_forecasts(
    site: Site, profile: Profile, told: Callable[[int, int], None]
) -> tuple[Score, ...]:
    """Walk through a profile without holes and score the forecasts of load and sun. `told` takes
    steps done, and all.

    The profile must be longer than 8 days; ValueError otherwise.
    """
    step_h = profile.step / timedelta(hours=1)
    per_day, steps = round(24.0 / step_h), len(profile.dc_load_kw)
    first, ahead = round(LEARNED / profile.step), round(24.0 / step_h)
    if steps < first + 2 * ahead:
        raise ValueError(
            f"{profile.source}: needs more than {LEARNED.days + 1} days to score forecasts"
        )
    truth = {"dc_load_kw": profile.dc_load_kw, "pv_kw": profile.pv_kw}
    if profile.ac_load_kw is not None:
        truth["ac_load_kw"] = profile.ac_load_kw
    forecaster, lengths_h = Forecaster(site), np.full(ahead, step_h)
    issues = range(first, steps - ahead, max(1, round(EVERY_H / step_h)))
    due = set(issues)
    made: dict[str, list[Array]] = {name: [] for name in (*truth, "dc_load_p95_kw")}
    for at in range(steps - ahead):
        now = profile.start + at * profile.step
        if at in due:
            starts = [now + i * profile.step for i in range(ahead)]
            forecast = forecaster.forecast(now, starts, lengths_h)
            for name, forecasts in made.items():
                forecasts.append(getattr(forecast, name))
        middle = now + profile.step / 2
        forecaster.learn(
            middle,
            {name: float(series[at]) for name, series in truth.items()} | {"rectifier_dc_kw": 1.0},
        )
        if at % per_day == 0:
            told(at, steps)
    scores = []
    places = np.array(issues)[:, None] + np.arange(ahead)
    for name, series in truth.items():
        mine = np.array(made[name])
        for span in HORIZONS_H:
            ahead_of = _columns(*span, step_h)
            naive = {
                back: series[places - days * per_day][:, ahead_of]
                for back, days in (("day", 1), ("week", 7))
            }
            scores.append(_score(name, span, series[places][:, ahead_of], mine[:, ahead_of], naive))
    window = max(1, round(site.backup.hours / step_h))
    means = (
        _means(profile.dc_load_kw[places], window),
        _means(np.array(made["dc_load_p95_kw"]), window),
    )
    return tuple(
        _with_coverage(each, *means, _columns(each.from_h, each.to_h, step_h)) for each in scores
    )


def _columns(from_h: float, to_h: float, step_h: float) -> slice:
    """The steps of a horizon, at least one."""
    first = round(from_h / step_h)
    return slice(first, max(first + 1, round(to_h / step_h)))


def _with_coverage(score: Score, truth: Array, p95: Array, at: slice) -> Score:
    if score.series != "dc_load_kw":
        return score
    pinball = _pinball(p95[:, at], truth[:, at], 0.95) / float(truth.mean())
    return replace(
        score, p95_pinball=pinball, p95_coverage=float((truth[:, at] <= p95[:, at]).mean())
    )


def _means(series: Array, window: int) -> Array:
    """Means over `window` columns from each column on, shape (n, m) to (n, m - window + 1)."""
    sums = np.cumsum(np.concatenate((np.zeros((len(series), 1)), series), axis=1), axis=1)
    return np.asarray((sums[:, window:] - sums[:, :-window]) / window)


def _score(
    name: str, span: tuple[float, float], truth: Array, made: Array, naive: dict[str, Array]
) -> Score:
    mean = float(truth.mean()) or 1.0
    best = min(naive, key=lambda each: _rmse(naive[each], truth))
    return Score(
        series=name,
        from_h=span[0],
        to_h=span[1],
        count=truth.size,
        mape=_mape(made, truth),
        nrmse=_rmse(made, truth) / mean,
        pinball=_pinball(made, truth, 0.5) / mean,
        p95_pinball=None,
        p95_coverage=None,
        naive_mape=_mape(naive[best], truth),
        naive_nrmse=_rmse(naive[best], truth) / mean,
        naive=best,
    )


def _rmse(made: Array, truth: Array) -> float:
    return float(np.sqrt(np.mean((made - truth) ** 2)))


def _mape(made: Array, truth: Array) -> float | None:
    told = np.abs(truth) > SMALL * np.abs(truth).max()
    return float(np.mean(np.abs(made - truth)[told] / np.abs(truth)[told])) if told.any() else None


def _pinball(made: Array, truth: Array, quantile: float) -> float:
    short = truth - made
    return float(np.mean(np.maximum(quantile * short, (quantile - 1.0) * short)))


def as_data(scores: tuple[Score, ...]) -> list[dict[str, Any]]:
    """What `--json` prints."""
    return [asdict(score) | {"beats_naive": score.beats_naive} for score in scores]


def as_table(scores: tuple[Score, ...]) -> str:
    """What is printed for people."""
    lines = [
        f"{'series':12} {'ahead':>8}  {'MAPE':>7} {'nRMSE':>7} {'pinball':>8} {'P95 covers':>10}   naive: MAPE  nRMSE"
    ]
    for s in scores:
        ahead = f"{s.from_h:g}-{s.to_h:g} h"
        cover = "" if s.p95_coverage is None else f"{s.p95_coverage:.1%}"
        better = "beaten" if s.beats_naive else "NOT BEATEN"
        lines.append(
            f"{s.series:12} {ahead:>8}  {_percent(s.mape):>7} {s.nrmse:>7.1%} {s.pinball:>8.2%} {cover:>10}   "
            f"{s.naive:>4}: {_percent(s.naive_mape):>6} {s.naive_nrmse:>6.1%}  {better}"
        )
    return "\n".join(lines)


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share:.1%}"
