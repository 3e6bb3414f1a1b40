"""What decides the structure of the program: two problems of one shape differ only in numbers."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from optimisation.problem.battery import sloped_cuts
from optimisation.problem.site_problem import SiteProblem


class BatteryShape(NamedTuple):
    """The structure of one battery."""

    n_segments: int
    """Wear segments."""
    n_cuts: int
    """Sloped cuts of the acceptance table."""
    full_charge: bool
    """Whether a full charge is asked for."""


class Shape(NamedTuple):
    """Structure of a model; hashable, and its repr is the same in every process."""

    n_steps: int
    n_rectifier_segments: int
    batteries: tuple[BatteryShape, ...]
    demand_intervals: tuple[int, ...] | None = None
    """Steps in each billing interval; None without a demand charge."""
    export: bool = False
    export_pays_more: bool = False
    """In some step a kWh exported earns more than a kWh imported costs, so that binaries have to
    exclude doing both at once.
    """
    n_events: int = 0
    """Paid reductions."""
    cooling: bool = False
    sleep: bool = False
    genset: bool = False

    @property
    def metered(self) -> bool:
        """Whether import needs a variable of its own, since it is summed over several steps."""
        return self.n_events > 0 or any(steps > 1 for steps in self.demand_intervals or ())


def shape_of(problem: SiteProblem) -> Shape:
    """Return the shape of a problem."""
    intervals = None
    if problem.demand is not None:
        intervals = tuple(np.bincount(problem.demand.interval_of_step).tolist())
    batteries = [
        BatteryShape(
            n_segments=len(battery.wear_per_kwh),
            n_cuts=len(sloped_cuts(battery.acceptance)),
            full_charge=battery.full_charge is not None,
        )
        for battery in problem.batteries
    ]
    return Shape(
        n_steps=problem.n_steps,
        n_rectifier_segments=len(problem.rectifier.ac_per_dc),
        batteries=tuple(batteries),
        demand_intervals=intervals,
        export=problem.export is not None,
        export_pays_more=problem.export is not None and bool(problem.export_pays_more.any()),
        n_events=len(problem.reduction_events),
        cooling=problem.cooling is not None,
        sleep=problem.sleep is not None,
        genset=problem.genset is not None,
    )
