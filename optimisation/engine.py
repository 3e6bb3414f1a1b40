"""HiGHS around one compiled model: new numbers in, warm re-solve, every return value looked at."""

from __future__ import annotations

import struct
from dataclasses import dataclass, replace

import highspy
import numpy as np
from highspy import HighsModelStatus, HighsStatus

from optimisation.compiled import Bools, CompiledLP, Ints, Vectors
from optimisation.plan import PlanStatus
from optimisation.records import Floats, read_only

Options = dict[str, bool | int | float | str]

COMMON: Options = {
    "output_flag": False,
    "threads": 1,  # global to the process: one value everywhere, or run() fails
    "primal_feasibility_tolerance": 1e-9,
    "dual_feasibility_tolerance": 1e-9,  # the tie-breaks of one step against the next are near the default of 1e-7
}
LP_OPTIONS: Options = {
    "solver": "simplex",
    "simplex_strategy": 1,  # dual: the basis stays dual feasible when only bounds change
    "dual_simplex_cost_perturbation_multiplier": 0.0,  # halves the time of a warm re-solve
}
MIP_OPTIONS: Options = {
    "mip_rel_gap": 1e-4,  # not 0: proving the last cent takes most of the time
}

MIP_SHARE = 0.9
"""Share of the time limit for the search over whole numbers; the rest is for the LP that prices what it found."""

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


class NotFiniteError(ValueError):
    """A number that is not finite was on its way to the solver."""


class HighsError(RuntimeError):
    """HiGHS refused a call; its state can no longer be trusted."""


class Engine:
    """One compiled model, warm from solve to solve. Not for use by two threads at once.

    A model with whole-numbered variables is searched first, then they are held at what was found and the LP that is
    left is solved: it is warm, and it has duals, which the search has not.
    """

    def __init__(self, compiled: CompiledLP) -> None:
        self.compiled = compiled
        self._lp = _Instance(compiled, COMMON | LP_OPTIONS, np.zeros(compiled.n_columns, dtype=np.bool_))
        self._search = _Instance(compiled, COMMON | MIP_OPTIONS, compiled.integer) if compiled.integer.any() else None

    def solve(self, theta: Floats, limit_s: float) -> Outcome:
        """Solve for the Params `theta` (finite) within `limit_s` seconds of solver time, the cold retry included.

        Raises `NotFiniteError` for a theta that is not finite: HiGHS hangs on a NaN cost and keeps the old numbers on a
        NaN bound. Trouble inside HiGHS is an outcome, not an exception.
        """
        if not np.isfinite(theta).all():
            raise NotFiniteError("a number that is not finite reached the solver")
        if self._search is None:
            return self._lp.solve(theta, limit_s)
        found = self._search.solve(theta, MIP_SHARE * limit_s)
        if found.status not in (PlanStatus.OPTIMAL, PlanStatus.FEASIBLE):
            return found
        held = np.round(found.x[self.compiled.integer])
        priced = self._lp.solve(theta, (1.0 - MIP_SHARE) * limit_s, held)
        solve_s = found.solve_s + priced.solve_s
        if priced.status is not PlanStatus.OPTIMAL:
            return replace(found, solve_s=solve_s)
        return replace(priced, status=found.status, reason=found.reason, solve_s=solve_s)


class _Instance:
    """One HiGHS instance that knows which numbers it holds, so that only what has changed is sent."""

    def __init__(self, compiled: CompiledLP, options: Options, integer: Bools) -> None:
        self._compiled = compiled
        self._options = options
        self._integer = integer
        self._highs: highspy.Highs | None = None
        self._sent: Vectors | None = None
        self._matrix_params: Floats | None = None

    def solve(self, theta: Floats, limit_s: float, held: Floats | None = None) -> Outcome:
        """Solve; `held` are values at which the whole-numbered variables of the model are held, if they are."""
        try:
            return self._solve(theta, limit_s, held)
        except HighsError as error:
            self._highs = None
            return _no_answer(PlanStatus.ERROR, str(error), 0.0)

    def _solve(self, theta: Floats, limit_s: float, held: Floats | None) -> Outcome:
        highs, offset = self._send(theta)
        if held is not None:
            whole = _where(self._compiled.integer)
            _must(highs.changeColsBounds(len(whole), whole, held, held), "changeColsBounds")
        begin = highs.getRunTime()
        answer = self._run(highs, begin + limit_s)
        if answer not in (HighsModelStatus.kOptimal, HighsModelStatus.kTimeLimit):
            _must(highs.clearSolver(), "clearSolver")
            answer = self._run(highs, begin + limit_s)
        solve_s = highs.getRunTime() - begin
        reason = ""
        status = _STATUS.get(answer, PlanStatus.ERROR)
        if answer == HighsModelStatus.kTimeLimit:
            reason = f"stopped at the time limit of {limit_s:g} s"
            has_plan = highs.getInfo().primal_solution_status == highspy.SolutionStatus.kSolutionStatusFeasible
            status = PlanStatus.FEASIBLE if has_plan else PlanStatus.ERROR
        elif status is not PlanStatus.OPTIMAL:
            reason = f"HiGHS answered: {highs.modelStatusToString(answer)}"
            self._highs = None  # nothing of this is to touch the next solve
        if status not in (PlanStatus.OPTIMAL, PlanStatus.FEASIBLE):
            return _no_answer(status, reason, solve_s)
        solution = highs.getSolution()
        has_duals = solution.dual_valid and answer == HighsModelStatus.kOptimal
        dual = _array(solution.row_dual) if has_duals else read_only(np.full(self._compiled.n_rows, np.nan))
        return Outcome(status, reason, _array(solution.col_value), dual, highs.getObjectiveValue() + offset, solve_s)

    def _send(self, theta: Floats) -> tuple[highspy.Highs, float]:
        """Hand over what has changed since the last time; the basis of the solve before stays. Returns the offset."""
        moving, highs, sent, before = self._compiled.moving, self._highs, self._sent, self._matrix_params
        now, matrix_params = moving.vectors(theta), theta[moving.matrix_params]
        if not np.isfinite(now.cost).all():
            raise NotFiniteError("a cost that is not finite reached the solver")
        if highs is None or sent is None or before is None:
            self._highs = highs = highspy.Highs()
            for name, setting in self._options.items():
                _must(highs.setOptionValue(name, setting), f"setOptionValue {name}")
            self._pass_model(highs, theta)
        elif not np.array_equal(before, matrix_params):
            basis = highs.getBasis()
            self._pass_model(highs, theta)
            if basis.valid:
                # For another matrix the old basis may be singular; as an alien it is repaired before use.
                basis.alien = True
                highs.setBasis(basis)  # an aid: without it the solve is cold
        else:
            at = np.flatnonzero(now.cost != sent.cost)
            _must(highs.changeColsCost(len(at), moving.cost[at], now.cost[at]), "changeColsCost")
            lower, upper = now.column_lower, now.column_upper
            at = np.flatnonzero((lower != sent.column_lower) | (upper != sent.column_upper))
            _must(highs.changeColsBounds(len(at), moving.column[at], lower[at], upper[at]), "changeColsBounds")
            lower, upper = now.row_lower, now.row_upper
            at = np.flatnonzero((lower != sent.row_lower) | (upper != sent.row_upper))
            _must(highs.changeRowsBounds(len(at), moving.row[at], lower[at], upper[at]), "changeRowsBounds")
        self._sent, self._matrix_params = now, matrix_params
        return highs, now.offset

    def _pass_model(self, highs: highspy.Highs, theta: Floats) -> None:
        compiled = self._compiled
        numbers = compiled.numbers(theta)
        if not np.isfinite(numbers.matrix).all():
            raise NotFiniteError("a coefficient that is not finite reached the solver")
        kept = np.abs(numbers.matrix) > DROPPED
        starts = np.concatenate(([0], np.cumsum(kept)))[compiled.starts].astype(np.int32)
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
            self._integer.astype(np.int32),
        )
        _must(status, "passModel")

    def _run(self, highs: highspy.Highs, until_s: float) -> HighsModelStatus:
        # The time limit counts over the life of the instance, so the clock of the instance is the measure.
        _must(highs.setOptionValue("time_limit", until_s), "setOptionValue time_limit")
        failed = highs.run() == HighsStatus.kError
        answer: HighsModelStatus = highs.getModelStatus()
        return HighsModelStatus.kSolveError if failed else answer


def _where(changed: Bools) -> Ints:
    return np.flatnonzero(changed).astype(np.int32)


def _array(values: list[float]) -> Floats:
    """A read-only array, in a third of the time of np.array: HiGHS hands over lists."""
    return np.frombuffer(struct.pack(f"{len(values)}d", *values))


def _must(status: HighsStatus, what: str) -> None:
    if status != HighsStatus.kOk:
        raise HighsError(f"HiGHS refused {what}")


def _no_answer(status: PlanStatus, reason: str, solve_s: float) -> Outcome:
    return Outcome(status, reason, read_only([]), read_only([]), np.nan, solve_s)
