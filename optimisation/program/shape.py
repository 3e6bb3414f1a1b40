"""What decides the structure of the program: two problems of one shape differ only in numbers."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from optimisation.problem.battery import sloped_cuts
from optimisation.problem.site_problem import SiteProblem


class BatteryShape(NamedTuple):
    """Of one battery: wear segments, sloped acceptance cuts, and whether a full charge is asked
    for.
    """

    n_segments: int
    n_cuts: int
    full_charge: bool


class Shape(NamedTuple):
    """Structure of a model; hashable, and its repr is the same in every process."""

    n_steps: int
    n_rectifier_segments: int
    batteries: tuple[BatteryShape, ...]
    demand_intervals: tuple[int, ...] | None = None
    """Steps in each billing interval; None without a demand charge."""
    export: bool = False
    dear_export: bool = False
    """In some step a kWh sold earns more than it costs: buying and selling exclude each other by
    whole numbers.
    """
    n_events: int = 0
    cooling: bool = False
    sleep: bool = False
    genset: bool = False

    @property
    def metered(self) -> bool:
        """Import needs a variable of its own: it is weighted over several steps."""
        return self.n_events > 0 or any(steps > 1 for steps in self.demand_intervals or ())


@lru_cache(maxsize=256)
def _steps_in_each(interval_of_step: bytes) -> tuple[int, ...]:
    """Steps in each interval, from int64 numbers as they lie in memory."""
    return tuple(np.bincount(np.frombuffer(interval_of_step, dtype=np.int64)).tolist())


@lru_cache(maxsize=256)
def _n_cuts(acceptance: tuple[tuple[float, float], ...]) -> int:
    return len(sloped_cuts(acceptance))


def shape_of(problem: SiteProblem) -> Shape:
    """Return the shape of a problem."""
    intervals = None
    if problem.demand is not None:
        intervals = _steps_in_each(problem.demand.interval_of_step.tobytes())
    return Shape(
        n_steps=problem.n_steps,
        n_rectifier_segments=len(problem.rectifier.ac_per_dc),
        batteries=tuple(
            BatteryShape(
                len(battery.wear_per_kwh),
                _n_cuts(battery.acceptance),
                battery.full_charge is not None,
            )
            for battery in problem.batteries
        ),
        demand_intervals=intervals,
        export=problem.export is not None,
        dear_export=problem.export is not None and bool(problem.dear_export.any()),
        n_events=len(problem.reduction_events),
        cooling=problem.cooling is not None,
        sleep=problem.sleep is not None,
        genset=problem.genset is not None,
    )
