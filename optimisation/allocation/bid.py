"""How much of a fleet can be offered, when it is not known what each site will have."""

from __future__ import annotations

import numpy as np

from optimisation.allocation.fleet import Array, Fleet


def bid_kw(power_kw: Array, energy_kwh: Array, hours: float, confidence: float) -> float:
    """The highest constant power for some hours that the fleet can hold with a probability.

    `power_kw` and `energy_kwh` have one row for each draw of what the sites may have, shape
    (draws, n). The bid is the quantile 1 - `confidence` of what the draws can hold: the errors of
    sites that do not depend on each other cancel, those of weather and prices do not, and the draws
    have to show both. Raises ValueError for other shapes, and a confidence outside of (0, 1).
    """
    if power_kw.shape != energy_kwh.shape or power_kw.ndim != 2 or not len(power_kw):
        raise ValueError("power and energy have one row for each draw, one column for each site")
    if not 0.0 < confidence < 1.0:
        raise ValueError(f"a confidence of {confidence:g}; allowed: above 0, below 1")
    held = [
        float(np.minimum(fleet.power_kw, fleet.energy_kwh / hours).sum())
        for fleet in map(Fleet, power_kw, energy_kwh)
    ]
    return float(np.quantile(held, 1.0 - confidence, method="lower"))
