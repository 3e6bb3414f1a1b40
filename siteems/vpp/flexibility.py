"""What a site can give in a span to come, and how surely: the one answer for every protocol.

A span is judged against the plan: how far the grid import can be below what is planned, or above
it, in every step of the span. What bounds it: the battery's power, the energy above the backup
reserve, the telecom load (a battery on the DC bus cannot export), and the grid connection.

What is not known is drawn many times from its distribution (Monte Carlo): the loads and the PV from
the forecast and its 95 % quantile, the state of charge at the start from the usual error of a plan.
The power that is given in at least a share p of the draws is what the site can give with
probability p. The errors of a span are taken as common to all its steps, which is nearly true for
an hour, and cautious for longer.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

import numpy as np
import numpy.typing as npt

from optimisation.problem.site_problem import RectifierCurve

Array = npt.NDArray[np.float64]

DRAWS: Final = 2000
"""A probability of 0.95 is then known within 0.01 (two standard errors)."""
SEED: Final = 7
"""Fixed, so that the same question has the same answer."""
Z95: Final = 1.6449
"""The 95 % quantile of the standard normal distribution."""
SOC_ERROR: Final = 0.03
"""Standard deviation of the planned state of charge some hours ahead. A plan that misses by more
than 0.10 is dropped (`control/intent.py`), which a normal error of this size does in one of 1,000.
"""
LEVELS: Final = (0.5, 0.8, 0.9, 0.95)
"""Probabilities that are shown."""


@dataclass(frozen=True, eq=False)
class Span:
    """What is planned and expected in a span. Arrays have one entry per step, shape (n,)."""

    start: datetime
    step_h: Array
    import_kw: Array
    """As planned, AC side."""
    dc_load_kw: Array
    dc_load_p95_kw: Array
    ac_load_kw: Array
    pv_kw: Array
    pv_high_kw: Array
    """95 % quantile."""
    stored_kwh: float
    """As planned for the start."""
    reserve_kwh: float
    """The highest in the span."""


@dataclass(frozen=True)
class Ratings:
    """What bounds the battery and the connection."""

    capacity_kwh: float
    max_charge_kw: float
    max_discharge_kw: float
    charge_efficiency: float
    discharge_efficiency: float
    rectifier_kw: float
    import_limit_kw: float
    curve: RectifierCurve


@dataclass(frozen=True)
class Availability:
    """What the site can give in a span."""

    start: datetime
    hours: float
    planned_import_kw: float
    """Mean of the span."""
    reduction_kw: dict[float, float]
    """By probability: grid import below the planned one, held for the whole span."""
    increase_kw: dict[float, float]
    """By probability: grid import above the planned one, held for the whole span."""

    def reduction_probability(self, kw: float) -> float:
        """The highest of the shown probabilities with which so much can be given; 0 for none."""
        return max((p for p, given in self.reduction_kw.items() if given >= kw), default=0.0)


def availability(span: Span, ratings: Ratings) -> Availability:
    """What can be given; the draws are the same for the same shapes."""
    random = np.random.default_rng(SEED)
    load_error, pv_error, soc_error = random.standard_normal((3, DRAWS, 1))
    load_kw = np.maximum(
        0.0, span.dc_load_kw + load_error * (span.dc_load_p95_kw - span.dc_load_kw) / Z95
    )
    pv_kw = np.maximum(0.0, span.pv_kw + pv_error * (span.pv_high_kw - span.pv_kw) / Z95)
    stored_kwh = np.clip(
        span.stored_kwh + soc_error * SOC_ERROR * ratings.capacity_kwh, 0.0, ratings.capacity_kwh
    )
    hours = float(span.step_h.sum())
    free_kwh = np.maximum(0.0, stored_kwh - span.reserve_kwh) * ratings.discharge_efficiency
    room_kwh = (ratings.capacity_kwh - stored_kwh) / ratings.charge_efficiency
    discharge_kw = np.minimum(ratings.max_discharge_kw, free_kwh / hours)
    charge_kw = np.minimum(ratings.max_charge_kw, room_kwh / hours)
    lowest_kw = _import_kw(load_kw - pv_kw - discharge_kw, span, ratings)
    highest_kw = np.minimum(
        ratings.import_limit_kw, _import_kw(load_kw - pv_kw + charge_kw, span, ratings)
    )
    return Availability(
        start=span.start,
        hours=hours,
        planned_import_kw=float(span.import_kw @ span.step_h) / hours,
        reduction_kw=_by_probability((span.import_kw - lowest_kw).min(axis=1)),
        increase_kw=_by_probability((highest_kw - span.import_kw).min(axis=1)),
    )


def _import_kw(rectifier_dc_kw: Array, span: Span, ratings: Ratings) -> Array:
    """Grid import for what the rectifiers give, shape (draws, n)."""
    given_kw = np.clip(rectifier_dc_kw, 0.0, ratings.rectifier_kw)
    return np.asarray(ratings.curve.ac_kw(given_kw)) + span.ac_load_kw


def _by_probability(given_kw: Array) -> dict[float, float]:
    return {p: max(0.0, float(np.quantile(given_kw, 1.0 - p))) for p in LEVELS}
