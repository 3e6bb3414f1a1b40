"""HiGHS around one compiled model: new numbers in, warm re-solve, every return value looked at."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from optimisation.arrays import Floats, read_only
from optimisation.plan.plan import PlanStatus
from optimisation.program.compiled import Bools, CompiledLP, Vectors
from optimisation.solving.highs import Change, Highs, HighsError, ModelStatus, Option
from optimisation.solving.refresh import Numbers, Refreshed, Runs, Values, runs_of

COMMON: dict[str, Option] = {
    "output_flag": False,
    "threads": 1,  # global to the process: one value everywhere, or run() fails
    "primal_feasibility_tolerance": 1e-9,
    "dual_feasibility_tolerance": 1e-9,  # the tie-breaks of one step against the next are near the default of 1e-7
}
LP_OPTIONS: dict[str, Option] = {
    "solver": "simplex",
    "simplex_strategy": 1,  # dual: the basis stays dual feasible when only bounds change
    "dual_simplex_cost_perturbation_multiplier": 0.0,  # halves the time of a warm re-solve
}
MIP_OPTIONS: dict[str, Option] = {
    "mip_rel_gap": 0.0,  # a share of the whole cost; a large penalty in it would hide small money
}

LEAST_GAP = 1e-6
"""What a search may leave unfound in any case, in the unit of the cost."""

MIP_SHARE = 0.9
"""Share of the time limit for the search over whole numbers; the rest is for the LP that prices
what it found.
"""

DROPPED = 1e-9
"""HiGHS takes matrix values up to this size out, with a warning; so we do it first, and no warning
is usual.
"""

_STATUS = {
    ModelStatus.OPTIMAL: PlanStatus.OPTIMAL,
    ModelStatus.INFEASIBLE: PlanStatus.INFEASIBLE,
    ModelStatus.UNBOUNDED: PlanStatus.UNBOUNDED,
}


class Outcome(NamedTuple):
    """What HiGHS found: `x` (columns) and `row_dual` (d cost / d row bound); empty or NaN where
    there is none.
    """

    status: PlanStatus
    reason: str
    x: Floats
    row_dual: Floats
    objective: float
    solve_s: float


class Engine:
    """One compiled model, warm from solve to solve. Not for use by two threads at once.

    A model with whole-numbered variables is searched first, then they are held at what was found
    and the LP that is left is solved: it is warm, and it has duals, which the search has not.
    """

    def __init__(self, compiled: CompiledLP) -> None:
        self.compiled = compiled
        self._lp = _Instance(
            compiled, COMMON | LP_OPTIONS, np.zeros(compiled.n_columns, dtype=np.bool_)
        )
        self._search = (
            _Instance(compiled, COMMON | MIP_OPTIONS, compiled.integer)
            if compiled.integer.any()
            else None
        )

    @property
    def searches(self) -> bool:
        """Whether the model has whole-numbered variables."""
        return self._search is not None

    def solve(self, values: Values, limit_s: float, gap: float = LEAST_GAP) -> Outcome:
        """Solve for the Params `values` within `limit_s` seconds of solver time, the cold retry
        included.

        A search over whole numbers may end `gap` (in the unit of the cost) above the least cost.
        Raises `NotFiniteError` for numbers that are not finite, ValueError for Params that do not
        fit the model. Trouble inside HiGHS is an outcome, not an exception.
        """
        if self._search is None:
            return self._lp.solve(values, limit_s)
        found = self._search.solve(values, MIP_SHARE * limit_s, gap=gap)
        if found.status not in (PlanStatus.OPTIMAL, PlanStatus.FEASIBLE):
            return found
        held = np.round(found.x[self.compiled.integer])
        priced = self._lp.solve(values, (1.0 - MIP_SHARE) * limit_s, held)
        solve_s = found.solve_s + priced.solve_s
        if priced.status is not PlanStatus.OPTIMAL:
            words = (found.reason, f"without marginal values: {priced.reason}")
            return found._replace(reason="; ".join(filter(None, words)), solve_s=solve_s)
        return priced._replace(status=found.status, reason=found.reason, solve_s=solve_s)


class _Instance:
    """One HiGHS instance that knows which numbers it holds, so that only what has changed is sent."""

    def __init__(self, compiled: CompiledLP, options: dict[str, Option], integer: Bools) -> None:
        self._compiled = compiled
        self._options = options
        self._integer = integer
        self._searches = bool(integer.any())
        """For whole numbers, and so has no duals."""
        self._highs: Highs | None = None
        self._numbers = Numbers(compiled)
        self._sent: Refreshed | None = None
        """What `_changes` hand over."""
        self._changes: tuple[Change, ...] = ()

    def solve(
        self, values: Values, limit_s: float, held: Floats | None = None, gap: float | None = None
    ) -> Outcome:
        """Solve; `held` are values at which the whole-numbered variables of the model are held, if
        they are.
        """
        try:
            return self._solve(values, limit_s, held, gap)
        except HighsError as error:
            self._forget()
            return _no_answer(PlanStatus.ERROR, str(error), 0.0)
        except BaseException:
            self._forget()
            raise

    def _forget(self) -> None:
        """Nothing that is there now is to touch the next solve."""
        self._highs, self._numbers = None, Numbers(self._compiled)
        self._sent, self._changes = None, ()

    def _solve(
        self, values: Values, limit_s: float, held: Floats | None, gap: float | None
    ) -> Outcome:
        highs, offset = self.send(values)
        if gap is not None:
            highs.set_option("mip_abs_gap", gap)
        if held is not None:
            whole = np.flatnonzero(self._compiled.integer)
            bounds = np.zeros(self._compiled.n_columns)
            bounds[whole] = held
            highs.make(highs.new_column_bounds(run, bounds, bounds) for run in runs_of(whole))
        highs.limit_time(limit_s)
        answer, solve_s = highs.run(), highs.run_time_s
        if answer not in (ModelStatus.OPTIMAL, ModelStatus.TIME_LIMIT):
            highs.clear_solver()
            highs.limit_time(max(0.0, limit_s - solve_s))
            answer = highs.run()
            solve_s += highs.run_time_s
        reason = ""
        status = _STATUS.get(answer, PlanStatus.ERROR)
        if answer is ModelStatus.TIME_LIMIT:
            reason = f"stopped at the time limit of {limit_s:g} s"
            status = PlanStatus.FEASIBLE if highs.has_solution else PlanStatus.ERROR
        elif status is not PlanStatus.OPTIMAL:
            reason = f"HiGHS answered: {answer.words}"
            self._forget()
        if status not in (PlanStatus.OPTIMAL, PlanStatus.FEASIBLE):
            return _no_answer(status, reason, solve_s)
        x, dual = highs.solution(self._compiled.n_columns, self._compiled.n_rows)
        if answer is not ModelStatus.OPTIMAL or self._searches:
            dual.fill(math.nan)
        return Outcome(status, reason, x, dual, highs.objective + offset, solve_s)

    def send(self, values: Values) -> tuple[Highs, float]:
        """Hand over what has changed since the last time; the basis of the solve before stays.

        Returns what holds the numbers, and the constant part of the cost. Raises `HighsError` and
        ValueError, after which what it holds is unknown.
        """
        numbers, highs, n, k = (
            self._numbers,
            self._highs,
            self._compiled.n_columns,
            self._compiled.n_rows,
        )
        refreshed = numbers.update(values)
        vectors, runs = refreshed
        if highs is None:
            self._highs = highs = Highs(self._options)
            self._pass_model(highs, vectors, numbers.matrix)
        elif runs is None:
            basis = highs.basis(n, k)
            self._pass_model(highs, vectors, numbers.matrix)
            if basis is not None:
                highs.set_basis(*basis)  # an aid: without it the solve is cold
        else:
            if refreshed is not self._sent:
                self._sent, self._changes = refreshed, _changes(highs, vectors, runs)
            highs.make(self._changes)
        return highs, vectors.offset

    def _pass_model(self, highs: Highs, vectors: Vectors, matrix: Floats) -> None:
        compiled = self._compiled
        kept = np.abs(matrix) > DROPPED
        starts = np.concatenate(([0], np.cumsum(kept)))[compiled.starts].astype(np.int32)
        integer = self._integer.astype(np.int32)
        highs.pass_model(vectors[1:], starts, compiled.indices[kept], matrix[kept], integer)


def _changes(highs: Highs, vectors: Vectors, runs: Runs) -> tuple[Change, ...]:
    """What hands over these runs of costs and bounds."""
    _, cost, column_lower, column_upper, row_lower, row_upper = vectors
    return (
        *(highs.new_costs(run, cost) for run in runs.costs),
        *(highs.new_column_bounds(run, column_lower, column_upper) for run in runs.bounds),
        *(highs.new_row_bounds(run, row_lower, row_upper) for run in runs.rows),
    )


def _no_answer(status: PlanStatus, reason: str, solve_s: float) -> Outcome:
    return Outcome(status, reason, read_only([]), read_only([]), np.nan, solve_s)
