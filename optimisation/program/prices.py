"""What energy costs in the program: prices with tie-breaks, and what waste would earn."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from optimisation.arrays import Floats, highest, lowest
from optimisation.problem.site_problem import SiteProblem

TIE_BREAK = 1e-4
"""Size of the tie-breaks as a share of the largest price.

Without them two correct solves of one problem differ in the first setpoint of every fourth plan.
With them a year of plans costs 0.01 % more, since energy is also moved for no gain smaller than
this.
"""


class Prices:
    """Prices of one problem, in currency/kWh; arrays of shape (n,)."""

    def __init__(
        self, problem: SiteProblem, participating: tuple[bool, ...], tie_break: float
    ) -> None:
        """See `parameters` for the arguments."""
        price, n = problem.price_per_kwh, problem.n_steps
        self._problem = problem
        wear = max([battery.wear_per_kwh[-1] for battery in problem.batteries])
        self.largest = (
            max(highest(price), -lowest(price), problem.terminal_value_per_kwh, wear) or 1.0
        )
        """Of all prices, in size."""
        self.tie = tie_break * self.largest
        """The tie-break at its largest."""
        # Falls from step to step, from twice the tie-break to 2/n of it.
        self.import_tie = 2.0 * self.tie * (1.0 + 1.0 / n - np.arange(1, n + 1) / n)
        self.imported = price + self.import_tie
        """Of a kWh imported; in an event with participation, the pay that is lost included."""
        least = self.imported
        if problem.export is not None:
            least = np.minimum(least, problem.export.price_per_kwh)
        self.waste_pays = lowest(least) < 0.0
        """Whether wasting a kWh would earn money in some step."""
        self._least = least
        if problem.reduction is not None and any(participating):
            self.imported = self.imported.copy()
            events = zip(participating, problem.reduction_events, strict=True)
            for participates, (first, after) in events:
                if participates:
                    self.imported[first:after] += problem.reduction.price_per_kwh

    @cached_property
    def wasted(self) -> Floats:
        """Earned by wasting a kWh in the step; nothing while the mains are out.

        A demand charge, a cap or a paid reduction only raise the price of import, so they can be
        left out here.
        """
        mains = self._problem.import_limit_kw > 0.0
        return np.where(mains, np.maximum(0.0, -self._least), 0.0)

    @cached_property
    def wasted_later(self) -> Floats:
        """The most that wasting a kWh earns from each step on, since room that is made in a battery
        now may be filled for pay later.
        """
        return np.maximum.accumulate(self.wasted[::-1])[::-1]
