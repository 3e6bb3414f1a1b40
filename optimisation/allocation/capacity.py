"""What a fleet can be asked for: how much for how long, and whether it serves a course of requests.

Energy above a power (the E-p transform of Evans, Tindemans and Angeli, arXiv 1710.06302): a course
of requests r(t) needs E_r(p) = integral of max(r(t) - p, 0), and a fleet that gives all it can from
the start, R(t) = sum of p_i over the sites with a time to go above t, has E_R(p). The fleet serves
the course, in whatever order its steps come, exactly where E_r(p) <= E_R(p) for every power p.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from optimisation.allocation.fleet import Array, Fleet

TOLERANCE: Final = 1e-9
"""Of the larger energy; sums of many sites are no more exact."""


@dataclass(frozen=True, eq=False)
class EnergyCurve:
    """E(p), piecewise linear, falling and convex, between its corners."""

    power_kw: Array
    """Of the corners, rising from 0, shape (k,); beyond the last one the energy is 0."""
    energy_kwh: Array
    """Above each of these powers, shape (k,)."""

    def above(self, power_kw: Array) -> Array:
        """The energy above powers, of any shape."""
        return np.interp(power_kw, self.power_kw, self.energy_kwh, right=0.0)

    def covers(self, needed: EnergyCurve) -> bool:
        """Whether the energy is enough at every power. Both curves are linear between the corners
        of either, so that these decide.
        """
        corners = np.concatenate((self.power_kw, needed.power_kw))
        missing = needed.above(corners) - self.above(corners)
        return bool((missing <= TOLERANCE * max(1.0, float(self.energy_kwh[0]))).all())


def capacity_curve(fleet: Fleet) -> EnergyCurve:
    """What a fleet has."""
    hours = fleet.hours
    order = np.argsort(-hours)
    return _curve(hours[order], fleet.power_kw[order])


def needed_curve(request_kw: Array, step_h: Array | float) -> EnergyCurve:
    """What a course of requests needs, shape (m,), in steps of `step_h`, shape (m,) or a number."""
    lengths = np.broadcast_to(np.asarray(step_h, dtype=np.float64), request_kw.shape)
    order = np.argsort(-request_kw)
    powers, lasts = request_kw[order], np.cumsum(lengths[order])
    rises = -np.diff(powers, append=0.0)  # of a staircase: how much more is asked for so long
    return _curve(lasts[::-1], rises[::-1])


def can_serve(fleet: Fleet, request_kw: Array, step_h: Array | float) -> bool:
    """Whether a fleet serves a course of requests, exact for power and energy limits."""
    return capacity_curve(fleet).covers(needed_curve(request_kw, step_h))


def power_for_kw(fleet: Fleet, hours: Array) -> Array:
    """The highest constant request that a fleet holds for so many hours, of any shape: the sum of
    min(p_i, e_i / hours).
    """
    each = np.asarray(hours, dtype=np.float64)
    flat = np.atleast_1d(each).ravel()
    found = np.array([float(np.minimum(fleet.power_kw, fleet.energy_kwh / h).sum()) for h in flat])
    return found.reshape(each.shape)


def hours_for(fleet: Fleet, request_kw: float) -> float:
    """How long a fleet holds a constant request: infinite for 0, and 0 for more than it has."""
    if request_kw <= 0.0:
        return float("inf")
    useful = (fleet.power_kw > 0.0) & (fleet.energy_kwh > 0.0)
    if request_kw > float(fleet.power_kw[useful].sum()):
        return 0.0
    fleet = Fleet(fleet.power_kw[useful], fleet.energy_kwh[useful])
    # Sites with a longer time than h count by their power, the others by their energy: between two
    # of the times, h = energy of the others / (request - power of the longer ones).
    order = np.argsort(fleet.hours)
    hours, power = fleet.hours[order], fleet.power_kw[order]
    energy = np.concatenate(([0.0], np.cumsum(fleet.energy_kwh[order])))
    longer_kw = np.concatenate((np.cumsum(power[::-1])[::-1], [0.0]))
    rest_kw = request_kw - longer_kw
    held = np.full(rest_kw.shape, -1.0)
    with np.errstate(over="ignore"):  # next to nothing is missing: it is held for ever
        np.divide(energy, rest_kw, out=held, where=rest_kw > 0.0)
    lows = np.concatenate(([0.0], hours))
    highs = np.concatenate((hours, [np.inf]))
    fits = (held >= lows * (1.0 - TOLERANCE)) & (held <= highs * (1.0 + TOLERANCE))
    return float(held[fits].max()) if fits.any() else float(hours[-1])


def _curve(hours: Array, power_kw: Array) -> EnergyCurve:
    """Of powers, each of which lasts so long; the longest first, both of shape (n,)."""
    tops = np.concatenate(([0.0], np.cumsum(power_kw)))
    energies = np.concatenate(([0.0], np.cumsum(power_kw * hours)))
    return EnergyCurve(tops, energies[-1] - energies)
