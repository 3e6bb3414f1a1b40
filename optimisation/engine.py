"""HiGHS around one compiled model: new numbers in, warm re-solve, every return value looked at."""

from __future__ import annotations

from dataclasses import dataclass

import highspy
import numpy as np
from highspy import HighsModelStatus, HighsStatus

from optimisation.compiled import CompiledLP, Numbers
from optimisation.plan import PlanStatus
from optimisation.records import Floats, read_only

OPTIONS: dict[str, bool | int | float | str] = {
    "output_flag": False,
    "threads": 1,  # global to the process: one value everywhere, or run() fails
    "solver": "simplex",
    "simplex_strategy": 1,  # dual: the basis stays dual feasible when only bounds change
    "dual_simplex_cost_perturbation_multiplier": 0.0,  # halves the time of a warm re-solve
    "dual_feasibility_tolerance": 1e-9,  # the tie-breaks of one step against the next are near the default of 1e-7
    "primal_feasibility_tolerance": 1e-9,
}

DROPPED = 1e-9
"""HiGHS takes matrix values up to this size out, with a warning; so we do it first, and no warning is usual."""

_STATUS = {
    HighsModelStatus.kOptimal: PlanStatus.OPTIMAL,
    HighsModelStatus.kInfeasible: PlanStatus.INFEASIBLE,
    HighsModelStatus.kUnbounded: PlanStatus.UNBOUNDED,
}


@dataclass(frozen=True, eq=False)
class Outcome:
    """What HiGHS found: `x` (columns) and `row_dual` (d cost / d row bound); empty or NaN where there is none."""

    status: PlanStatus
    reason: str
    x: Floats
    row_dual: Floats
    objective: float
    solve_s: float


class HighsError(RuntimeError):
    """HiGHS refused a call; its state can no longer be trusted."""


class Engine:
    """One compiled model in one HiGHS instance. Not for use by two threads at once."""

    def __init__(self, compiled: CompiledLP) -> None:
        self.compiled = compiled
        self._highs: highspy.Highs | None = None
        self._matrix: Floats | None = None

    def solve(self, theta: Floats, limit_s: float) -> Outcome:
        """Solve for the Params `theta` (finite) within `limit_s` seconds of solver time, the cold retry included.

        Raises ValueError for a theta that is not finite: HiGHS hangs on a NaN cost and keeps the old numbers on a NaN
        bound. Trouble inside HiGHS is an outcome, not an exception.
        """
        numbers = self.compiled.numbers(theta)
        if not np.isfinite(theta).all() or not np.isfinite(numbers.cost).all() or not np.isfinite(numbers.matrix).all():
            raise ValueError("a number that is not finite reached the solver")
        try:
            return self._solve(numbers, limit_s)
        except HighsError as error:
            self._highs = None
            return _no_answer(PlanStatus.ERROR, str(error), 0.0)

    def _solve(self, numbers: Numbers, limit_s: float) -> Outcome:
        highs = self._send(numbers)
        begin = highs.getRunTime()
        answer = self._run(highs, begin + limit_s)
        if answer != HighsModelStatus.kOptimal and highs.getRunTime() < begin + limit_s:
            _must(highs.clearSolver(), "clearSolver")
            answer = self._run(highs, begin + limit_s)
        solve_s = highs.getRunTime() - begin
        info = highs.getInfo()
        has_plan = info.primal_solution_status == highspy.SolutionStatus.kSolutionStatusFeasible
        reason = ""
        status = _STATUS.get(answer, PlanStatus.ERROR)
        if status is PlanStatus.ERROR and answer == HighsModelStatus.kTimeLimit:
            reason = f"stopped at the time limit of {limit_s:g} s"
            status = PlanStatus.FEASIBLE if has_plan else PlanStatus.ERROR
        elif status is not PlanStatus.OPTIMAL:
            reason = f"HiGHS answered: {highs.modelStatusToString(answer)}"
            self._highs = None  # nothing of this is to touch the next solve
        if status not in (PlanStatus.OPTIMAL, PlanStatus.FEASIBLE):
            return _no_answer(status, reason, solve_s)
        solution = highs.getSolution()
        dual = np.array(solution.row_dual)
        if info.dual_solution_status != highspy.SolutionStatus.kSolutionStatusFeasible:
            dual = np.full(self.compiled.n_rows, np.nan)
        x = read_only(solution.col_value)
        return Outcome(status, reason, x, read_only(dual), highs.getObjectiveValue(), solve_s)

    def _send(self, numbers: Numbers) -> highspy.Highs:
        """Hand over the numbers. The basis of the solve before stays, unless the matrix has changed.

        A basis may be singular for another matrix; the matrix changes when the battery or the grid of steps does.
        """
        compiled, highs = self.compiled, self._highs
        if highs is not None and self._matrix is not None and np.array_equal(self._matrix, numbers.matrix):
            columns = np.arange(compiled.n_columns, dtype=np.int32)
            rows = np.arange(compiled.n_rows, dtype=np.int32)
            _must(highs.changeColsCost(len(columns), columns, numbers.cost), "changeColsCost")
            bounds = (numbers.column_lower, numbers.column_upper)
            _must(highs.changeColsBounds(len(columns), columns, *bounds), "changeColsBounds")
            _must(highs.changeRowsBounds(len(rows), rows, numbers.row_lower, numbers.row_upper), "changeRowsBounds")
            return highs
        kept = np.abs(numbers.matrix) > DROPPED
        starts = np.concatenate(([0], np.cumsum(kept)))[compiled.starts].astype(np.int32)
        highs = highs or _new_highs()
        status = highs.passModel(
            compiled.n_columns,
            compiled.n_rows,
            int(starts[-1]),
            int(highspy.MatrixFormat.kRowwise),
            int(highspy.ObjSense.kMinimize),
            0.0,
            numbers.cost,
            numbers.column_lower,
            numbers.column_upper,
            numbers.row_lower,
            numbers.row_upper,
            starts,
            compiled.indices[kept],
            numbers.matrix[kept],
            np.zeros(compiled.n_columns, dtype=np.int32),  # all continuous; an empty array is read beyond its end
        )
        _must(status, "passModel")
        self._highs, self._matrix = highs, numbers.matrix
        return highs

    def _run(self, highs: highspy.Highs, until_s: float) -> HighsModelStatus:
        # The time limit counts over the life of the instance, so the clock of the instance is the measure.
        _must(highs.setOptionValue("time_limit", until_s), "setOptionValue time_limit")
        failed = highs.run() == HighsStatus.kError
        answer: HighsModelStatus = highs.getModelStatus()
        return HighsModelStatus.kSolveError if failed else answer


def _new_highs() -> highspy.Highs:
    highs = highspy.Highs()
    for name, setting in OPTIONS.items():
        _must(highs.setOptionValue(name, setting), f"setOptionValue {name}")
    return highs


def _must(status: HighsStatus, what: str) -> None:
    if status != HighsStatus.kOk:
        raise HighsError(f"HiGHS refused {what}")


def _no_answer(status: PlanStatus, reason: str, solve_s: float) -> Outcome:
    return Outcome(status, reason, read_only([]), read_only([]), np.nan, solve_s)
