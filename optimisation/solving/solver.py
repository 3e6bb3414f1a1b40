"""A problem in, a checked plan out. The model of a shape is compiled once and re-solved warm ever
after.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from optimisation.checking.checker import check
from optimisation.plan.plan import Plan, PlanStatus
from optimisation.problem.site_problem import ProblemError, SiteProblem
from optimisation.program.parameters import TIE_BREAK, parameters
from optimisation.program.shape import Shape, shape_of
from optimisation.solving.engine import LEAST_GAP, Engine
from optimisation.solving.model_cache import compiled_for
from optimisation.solving.reading import Layout, layout_of, read_plan
from optimisation.solving.refresh import NotFiniteError

SHAPES_KEPT = 8
"""Compiled models kept at a time, about 3 MB each; a site needs one or two."""


GAP = 1e-4
"""What a search over whole numbers may leave unfound, as a share of what the load costs from the
grid.
"""


def _gap(problem: SiteProblem) -> float:
    """The same in currency. Proving the last cent would take most of the time."""
    load_kw = problem.dc_load_kw + problem.ac_load_kw
    return max(LEAST_GAP, GAP * float((problem.step_h * np.abs(problem.price_per_kwh)) @ load_kw))


class _Ready(NamedTuple):
    """What is made once for a shape."""

    engine: Engine
    layout: Layout


class PlanSolver:
    """Solves site problems one after another. Keep it: the second problem of a shape takes a tenth
    of the first.
    """

    def __init__(self, tie_break: float = TIE_BREAK) -> None:
        """`tie_break` is the size of the tie-breaks as a share of the largest price; 0 leaves ties
        to chance.
        """
        self._tie_break = tie_break
        self._ready: dict[Shape, _Ready] = {}

    def solve(self, problem: SiteProblem, limit_s: float = 10.0) -> Plan:
        """Plan within `limit_s` seconds of solver time. Raises `ProblemError` for numbers no plan
        can be made from.

        Trouble in the solver is a plan that is not `usable`, with its reason; so is a plan that the
        checker refuses. A paid reduction is worth nothing below its band, which no LP can say; so
        the plan is made with and without going for the pay, each event in turn, and the cheaper is
        taken.
        """
        if not 0.0 < limit_s < np.inf:
            raise ProblemError(f"limit_s is {limit_s}; allowed is above 0 s")
        ready = self._ready_for(shape_of(problem))
        going = (True,) * len(problem.reduction_events)
        if not going:
            return self._attempt(ready, problem, (), limit_s)
        share_s = limit_s / (len(going) + 1)
        best = self._attempt(ready, problem, going, share_s)
        for v in range(len(going)):
            without = (*going[:v], False, *going[v + 1 :])
            other = self._attempt(ready, problem, without, share_s)
            if other.usable and (not best.usable or other.objective < best.objective):
                best, going = other, without
        return best

    def _attempt(
        self, ready: _Ready, problem: SiteProblem, going: tuple[bool, ...], limit_s: float
    ) -> Plan:
        try:
            gap = _gap(problem) if ready.engine.searches else 0.0
            outcome = ready.engine.solve(parameters(problem, going, self._tie_break), limit_s, gap)
        except NotFiniteError:
            raise ProblemError(
                "the problem's numbers are so large that their products are not finite"
            ) from None
        if outcome.status not in (PlanStatus.OPTIMAL, PlanStatus.FEASIBLE):
            return Plan(outcome.status, outcome.reason, solve_s=outcome.solve_s)
        plan = read_plan(problem, ready.layout, outcome)
        faults = check(problem, plan)
        if faults:
            return Plan(
                PlanStatus.ERROR,
                "the check refused the plan: " + "; ".join(faults),
                solve_s=plan.solve_s,
            )
        return plan

    def _ready_for(self, shape: Shape) -> _Ready:
        ready = self._ready.pop(shape, None)
        if ready is None:
            compiled = compiled_for(shape)
            ready = _Ready(Engine(compiled), layout_of(shape, compiled))
        self._ready[shape] = ready  # last = used last
        if len(self._ready) > SHAPES_KEPT:
            del self._ready[next(iter(self._ready))]
        return ready
