"""A problem in, a checked plan out. The model of a shape is compiled once, then re-solved warm."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from optimisation.checking.checker import check
from optimisation.plan.plan import Plan, PlanStatus
from optimisation.plan.remark import remark
from optimisation.problem.future import Future
from optimisation.problem.site_problem import ProblemError, SiteProblem
from optimisation.program.compiled import CompiledLP
from optimisation.program.model_source import ModelSource, compile_shape
from optimisation.program.parameters import future_parameters, parameters
from optimisation.program.prices import TIE_BREAK
from optimisation.program.shape import Shape, shape_of
from optimisation.solving.engine import LEAST_GAP, Engine
from optimisation.solving.refresh import NotFiniteError
from optimisation.solving.solution import Layout, layout_of, read_plan, segment_values

SHAPES_KEPT = 8
"""Shapes kept ready at a time, about 3 MB each with their HiGHS instance; a site needs one or two.
"""

GAP = 1e-4
"""Optimality gap of a search over whole numbers, as a share of what the load would cost if all of
it came from the grid. Proving the last cent would take most of the time.
"""


class PlanSolver:
    """Solves site problems one after another. Not for use by two threads at once.

    Keep the instance: the second problem of a shape takes a tenth of the time of the first.
    """

    def __init__(self, models: ModelSource = compile_shape, tie_break: float = TIE_BREAK) -> None:
        """`models` gives the compiled model of a shape, by default by compiling it.

        `tie_break` is the size of the tie-breaks as a share of the largest price; with 0, plans of
        equal cost are chosen between by chance.
        """
        self._models = models
        self._tie_break = tie_break
        self._ready: dict[Shape, _Ready] = {}

    def solve(
        self, problem: SiteProblem, limit_s: float = 10.0, futures: Sequence[Future] = ()
    ) -> Plan:
        """Plan within `limit_s` seconds of solver time.

        `futures` are what else may come. They change no power of the plan; the value of stored
        energy in each of them is its `future_value_per_kwh`.

        Trouble in the solver gives a plan that is not `usable`, with its reason; so does a plan
        that the checker refuses. Raises `ProblemError` for numbers that no plan can be made from.

        A paid reduction earns nothing below its valid band, a threshold that no LP can express. So
        the plan is made with participation in all events, then without each event in turn, and the
        cheapest is taken.
        """
        if not 0.0 < limit_s < np.inf:
            raise ProblemError(f"limit_s is {limit_s}; allowed is above 0 s")
        ready = self._ready_for(shape_of(problem))
        participating = (True,) * len(problem.reduction_events)
        if not participating:
            plan = self._attempt(ready, problem, (), limit_s)
            return self._valued(ready, problem, plan, futures, limit_s - plan.solve_s)
        share_s = limit_s / (len(participating) + 1)
        best = self._attempt(ready, problem, participating, share_s)
        for event in range(len(participating)):
            without = (*participating[:event], False, *participating[event + 1 :])
            other = self._attempt(ready, problem, without, share_s)
            if other.usable and (not best.usable or other.objective < best.objective):
                best, participating = other, without
        return best

    def _valued(
        self,
        ready: _Ready,
        problem: SiteProblem,
        plan: Plan,
        futures: Sequence[Future],
        limit_s: float,
    ) -> Plan:
        """The plan with the values of stored energy in all futures. One that is not solved in what
        is left of the time is left out.

        Each future has an instance of HiGHS that goes on from its own last basis: 11 to 25
        iterations of the simplex method. From the basis of the plan it takes 30 to 50.
        """
        if not futures or not plan.usable or np.isnan(plan.segment_value_per_kwh[0, 0]):
            return plan
        values = parameters(problem, (), self._tie_break)
        found, solve_s = [], plan.solve_s
        for engine, future in zip(ready.of_futures(len(futures)), futures, strict=True):
            if limit_s <= 0.0:
                break
            changed = future_parameters(problem, values, future, self._tie_break)
            outcome = engine.solve(changed, limit_s)
            solve_s, limit_s = solve_s + outcome.solve_s, limit_s - outcome.solve_s
            if outcome.status is PlanStatus.OPTIMAL:
                found.append(segment_values(ready.layout, outcome))
        return replace(plan, future_value_per_kwh=tuple(found), solve_s=solve_s)

    def _attempt(
        self,
        ready: _Ready,
        problem: SiteProblem,
        participating: tuple[bool, ...],
        limit_s: float,
    ) -> Plan:
        gap = _gap(problem) if ready.engine.searches else 0.0
        try:
            values = parameters(problem, participating, self._tie_break)
            outcome = ready.engine.solve(values, limit_s, gap)
        except NotFiniteError:
            raise ProblemError(
                "the problem's numbers are so large that their products are not finite"
            ) from None
        if outcome.status not in (PlanStatus.OPTIMAL, PlanStatus.FEASIBLE):
            return Plan(outcome.status, outcome.remarks, solve_s=outcome.solve_s)
        plan = read_plan(problem, ready.layout, outcome)
        violations = check(problem, plan)
        if violations:
            refused = remark("check-refused", violations="; ".join(map(str, violations)))
            return Plan(PlanStatus.ERROR, (refused,), solve_s=plan.solve_s)
        return plan

    def _ready_for(self, shape: Shape) -> _Ready:
        ready = self._ready.pop(shape, None)
        if ready is None:
            compiled = self._models(shape)
            ready = _Ready(compiled, Engine(compiled), layout_of(shape, compiled))
        self._ready[shape] = ready  # the last entry is the one used last
        if len(self._ready) > SHAPES_KEPT:
            del self._ready[next(iter(self._ready))]
        return ready


@dataclass(eq=False)
class _Ready:
    """What is made once for a shape."""

    compiled: CompiledLP
    engine: Engine
    layout: Layout
    _of_futures: list[Engine] = field(default_factory=list)

    def of_futures(self, count: int) -> list[Engine]:
        """An instance for each of so many futures."""
        missing = count - len(self._of_futures)
        self._of_futures += [Engine(self.compiled) for _ in range(missing)]
        return self._of_futures[:count]


def _gap(problem: SiteProblem) -> float:
    """Optimality gap of a search in currency."""
    load_kw = problem.dc_load_kw + problem.ac_load_kw
    load_cost = float((problem.step_h * np.abs(problem.price_per_kwh)) @ load_kw)
    return max(LEAST_GAP, GAP * load_cost)
