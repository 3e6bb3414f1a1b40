"""HiGHS around one compiled model: new numbers in, warm re-solve, every return value checked."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from optimisation.arrays import Floats, read_only
from optimisation.plan.plan import PlanStatus
from optimisation.plan.remark import Remark, remark
from optimisation.program.compiled import Bools, CompiledLP, Numbers
from optimisation.solving.highs import HighsError, ModelStatus, Option
from optimisation.solving.refresh import HeldProgram, must_be_finite

COMMON: dict[str, Option] = {
    "output_flag": False,
    # Global to the process: with two values in one process run() fails.
    "threads": 1,
    "primal_feasibility_tolerance": 1e-9,
    # The tie-breaks of one step against the next are near the default of 1e-7.
    "dual_feasibility_tolerance": 1e-9,
}
LP_OPTIONS: dict[str, Option] = COMMON | {
    "solver": "simplex",
    # Dual simplex: the basis stays dual feasible when only bounds change.
    "simplex_strategy": 1,
    # Without perturbation a warm re-solve takes half the time.
    "dual_simplex_cost_perturbation_multiplier": 0.0,
}
MIP_OPTIONS: dict[str, Option] = COMMON | {
    # A gap relative to the whole cost would let a large penalty in it hide small money.
    "mip_rel_gap": 0.0,
}

LEAST_GAP = 1e-6
"""Absolute optimality gap of a search in any case, in the unit of the cost."""

SEARCH_SHARE = 0.9
"""Share of the time limit for the search over whole numbers. The rest is for the LP that computes
the marginal values, which takes milliseconds.
"""

_STATUS = {
    ModelStatus.OPTIMAL: PlanStatus.OPTIMAL,
    ModelStatus.INFEASIBLE: PlanStatus.INFEASIBLE,
    ModelStatus.UNBOUNDED: PlanStatus.UNBOUNDED,
}


class Outcome(NamedTuple):
    """What HiGHS found. Without a solution the arrays are empty and the objective is NaN."""

    status: PlanStatus
    remarks: tuple[Remark, ...]
    x: Floats
    """Values of the columns."""
    row_dual: Floats
    """d cost / d bound of each row; NaN where not known."""
    objective: float
    solve_s: float


class Engine:
    """One compiled model, warm from solve to solve. Not for use by two threads at once.

    A model with whole-numbered variables is solved twice: a search finds their values, then the LP
    with these variables fixed is solved. The LP is warm, and it has duals, which a search has not.
    """

    def __init__(self, compiled: CompiledLP) -> None:
        self.compiled = compiled
        continuous = np.zeros(compiled.n_columns, dtype=np.bool_)
        self._lp = _Instance(compiled, LP_OPTIONS, continuous)
        self._search: _Instance | None = None
        if compiled.integer.any():
            self._search = _Instance(compiled, MIP_OPTIONS, compiled.integer)

    @property
    def searches(self) -> bool:
        """Whether the model has whole-numbered variables."""
        return self._search is not None

    def solve(
        self, values: Mapping[str, npt.ArrayLike], limit_s: float, gap: float = LEAST_GAP
    ) -> Outcome:
        """Solve for the Params `values` (by name, shaped as their index).

        `limit_s` bounds the seconds of solver time, a second attempt included. A search over whole
        numbers may end `gap` (in the unit of the cost) above the least cost.

        Raises `NotFiniteError` for numbers that are not finite, ValueError and TypeError for Params
        that do not fit the model. Trouble inside HiGHS is an outcome, not an exception.
        """
        theta = self.compiled.theta(values)
        must_be_finite(theta)
        numbers = self.compiled.numbers(theta)
        if self._search is None:
            return self._lp.solve(theta, numbers, limit_s)
        found = self._search.solve(theta, numbers, SEARCH_SHARE * limit_s, gap)
        if found.status not in (PlanStatus.OPTIMAL, PlanStatus.FEASIBLE):
            return found
        fixed = _fix(numbers, self.compiled.integer, np.round(found.x))
        priced = self._lp.solve(theta, fixed, (1.0 - SEARCH_SHARE) * limit_s)
        solve_s = found.solve_s + priced.solve_s
        if priced.status is not PlanStatus.OPTIMAL:
            why = "; ".join(map(str, priced.remarks))
            remarks = (*found.remarks, remark("no-marginal-values", why=why))
            return found._replace(remarks=remarks, solve_s=solve_s)
        return priced._replace(status=found.status, remarks=found.remarks, solve_s=solve_s)


class _Instance:
    """One HiGHS instance, made anew after trouble. With whole-numbered columns it has no duals."""

    def __init__(self, compiled: CompiledLP, options: dict[str, Option], integer: Bools) -> None:
        self._compiled = compiled
        self._options = options
        self._integer = integer
        self._has_duals = not integer.any()
        self._program: HeldProgram | None = None

    def solve(
        self, theta: Floats, numbers: Numbers, limit_s: float, gap: float = LEAST_GAP
    ) -> Outcome:
        try:
            return self._solve(theta, numbers, limit_s, gap)
        except HighsError as error:
            self._program = None
            return _no_solution(PlanStatus.ERROR, remark("solver-error", error=str(error)), 0.0)
        except BaseException:
            self._program = None
            raise

    def _solve(self, theta: Floats, numbers: Numbers, limit_s: float, gap: float) -> Outcome:
        if self._program is None:
            self._program = HeldProgram(self._compiled, self._options, self._integer)
        self._program.refresh(theta, numbers)
        highs = self._program.highs
        if not self._has_duals:
            highs.set_option("mip_abs_gap", gap)
        highs.limit_time(limit_s)
        answer, solve_s = highs.run(), highs.run_time_s
        if answer not in (ModelStatus.OPTIMAL, ModelStatus.TIME_LIMIT):
            # Once more from scratch: the old basis may be the trouble.
            highs.clear_solver()
            highs.limit_time(max(0.0, limit_s - solve_s))
            answer = highs.run()
            solve_s += highs.run_time_s

        noted: Remark | None = None
        status = _STATUS.get(answer, PlanStatus.ERROR)
        if answer is ModelStatus.TIME_LIMIT:
            noted = remark("time-limit", limit_s=limit_s)
            status = PlanStatus.FEASIBLE if highs.has_solution else PlanStatus.ERROR
        elif status is not PlanStatus.OPTIMAL:
            noted = remark("solver-answered", answer=answer.text)
            self._program = None
        if status not in (PlanStatus.OPTIMAL, PlanStatus.FEASIBLE):
            return _no_solution(status, noted, solve_s)
        x, dual = highs.solution(self._compiled.n_columns, self._compiled.n_rows)
        if answer is not ModelStatus.OPTIMAL or not self._has_duals:
            dual.fill(math.nan)
        remarks = () if noted is None else (noted,)
        return Outcome(status, remarks, x, dual, highs.objective + numbers.offset, solve_s)


def _fix(numbers: Numbers, fixed: Bools, x: Floats) -> Numbers:
    """The numbers with both bounds of the `fixed` columns at their value in `x`."""
    lower = np.where(fixed, x, numbers.column_lower)
    upper = np.where(fixed, x, numbers.column_upper)
    return numbers._replace(column_lower=lower, column_upper=upper)


def _no_solution(status: PlanStatus, noted: Remark | None, solve_s: float) -> Outcome:
    remarks = () if noted is None else (noted,)
    return Outcome(status, remarks, read_only([]), read_only([]), math.nan, solve_s)
