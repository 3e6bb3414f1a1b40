"""Whether recorded PV fits the rated power of a site's modules."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

MOST_OF_RATED, LEAST_OF_RATED = 1.3, 0.4
"""Highest PV power as a share of the rated one: cold modules under bright clouds give a little more
than rated, and a plant in winter or with soiled modules still comes to half of it.
"""
HIGHEST = 0.999
"""The quantile that is taken for the highest power, above single wrong values."""
LEAST_SPAN = timedelta(days=14)
"""A shorter recording may have no clear day."""


def highest_power(power: Array, span: timedelta) -> float | None:
    """The highest power of a recording; None where it shows none or is too short to show it."""
    known = power[~np.isnan(power)]
    return None if not known.size or span < LEAST_SPAN else float(np.quantile(known, HIGHEST))


def fits(part_of_rated: float) -> bool:
    """Whether so large a share of the rated power may be the highest of a plant."""
    return LEAST_OF_RATED <= part_of_rated <= MOST_OF_RATED


def size_note(pv_kw: Array, span: timedelta, rated_kwp: float) -> str | None:
    """A sentence on PV that does not fit. It is used as it is: a plant may be smaller, shaded or
    half out of service, and no value of it is wrong by itself.
    """
    highest_kw = highest_power(pv_kw, span)
    if not highest_kw or fits(highest_kw / rated_kwp):
        return None
    return (
        f"pv_kw: comes to {highest_kw:.3g} kW, {highest_kw / rated_kwp:.0%} of the site's "
        f"{rated_kwp:g} kWp, and is used as it is: see `siteems inspect --site`"
    )
