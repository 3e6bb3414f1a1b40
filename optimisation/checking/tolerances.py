"""How far a sound plan may be off, by rounding and by the tolerances of the solver."""

from __future__ import annotations

import numpy as np

from optimisation.arrays import Floats, highest
from optimisation.problem.site_problem import SiteProblem

TOLERANCE = 1e-6
"""kW, kWh, K or currency; relative to the largest number of the site where that is above 1.

A thousand times the feasibility tolerance of the solver, so that no sound plan is refused, and far
below anything that a device can be set to.
"""


class Tolerances:
    """Tolerances of one problem."""

    def __init__(self, problem: SiteProblem) -> None:
        powers = [
            highest(problem.dc_load_kw),
            highest(problem.pv_kw),
            highest(problem.ac_load_kw),
        ]
        for battery in problem.batteries:
            powers += [battery.max_charge_kw, battery.max_discharge_kw]
        size_kw = max(1.0, *powers)
        size_kwh = max(1.0, size_kw * highest(problem.step_h), problem.capacity_kwh)
        self.kw = TOLERANCE * size_kw
        self.kwh = TOLERANCE * size_kwh
        self.acceptance_kw = 10.0 * self.kw + self.kwh
        """The SoC itself is only good to its tolerance, and an acceptance table may be steep."""

    def cost(self, scale: float) -> float:
        """Currency, for a sum of terms whose sizes add up to `scale`."""
        return TOLERANCE * max(1.0, scale)

    def temperature_k(self, temperatures_c: Floats) -> float:
        """K, for temperatures of this size."""
        return TOLERANCE * max(1.0, highest(np.abs(temperatures_c)))
