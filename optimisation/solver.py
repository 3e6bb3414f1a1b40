"""A problem in, a checked plan out. The model of a shape is compiled once and re-solved warm ever after."""

from __future__ import annotations

import numpy as np

from optimisation.checker import check
from optimisation.compiled import compile_model
from optimisation.engine import Engine, Outcome
from optimisation.model import build
from optimisation.parameters import TIE_BREAK, parameters
from optimisation.plan import Plan, PlanStatus
from optimisation.problem import ProblemError, SiteProblem
from optimisation.records import Floats

SHAPES_KEPT = 8
"""Compiled models kept at a time, about 3 MB each; a site needs one or two."""

_NOISE = 1e-9


class PlanSolver:
    """Solves site problems one after another. Keep it: the second problem of a shape takes a tenth of the first."""

    def __init__(self, tie_break: float = TIE_BREAK) -> None:
        """`tie_break` is the size of the tie-breaks as a share of the largest price; 0 leaves ties to chance."""
        self._tie_break = tie_break
        self._engines: dict[tuple[int, int, int], Engine] = {}

    def solve(self, problem: SiteProblem, limit_s: float = 10.0) -> Plan:
        """Plan within `limit_s` seconds of solver time. Raises `ProblemError` for numbers no plan can be made from.

        Trouble in the solver is a plan that is not `usable`, with its reason; so is a plan that the checker refuses.
        """
        if not 0.0 < limit_s < np.inf:
            raise ProblemError(f"limit_s is {limit_s}; allowed is above 0 s")
        cuts = problem.battery.acceptance_cuts()
        engine = self._engine((problem.n_steps, len(problem.rectifier.ac_per_dc), len(cuts)))
        theta = engine.compiled.theta(parameters(problem, cuts, self._tie_break))
        if not np.isfinite(theta).all():
            raise ProblemError("the problem's numbers are so large that their products are not finite")
        outcome = engine.solve(theta, limit_s)
        if outcome.status not in (PlanStatus.OPTIMAL, PlanStatus.FEASIBLE):
            return Plan(outcome.status, outcome.reason, solve_s=outcome.solve_s)
        plan = _plan(problem, engine, outcome)
        faults = check(problem, plan)
        if faults:
            return Plan(PlanStatus.ERROR, "the check refused the plan: " + "; ".join(faults), solve_s=plan.solve_s)
        return plan

    def _engine(self, shape: tuple[int, int, int]) -> Engine:
        engine = self._engines.pop(shape, None) or Engine(compile_model(build(*shape)))
        self._engines[shape] = engine  # last = used last
        if len(self._engines) > SHAPES_KEPT:
            del self._engines[next(iter(self._engines))]
        return engine


def _plan(problem: SiteProblem, engine: Engine, outcome: Outcome) -> Plan:
    columns = engine.compiled.columns

    def found(name: str) -> Floats:
        x = outcome.x[columns[name]]
        return np.where(x > _NOISE, x, 0.0)

    rectifier = problem.rectifier
    rectifier_dc = found("segment").reshape(problem.n_steps, -1).sum(axis=1)
    # From the curve and not from the LP: where import costs nothing the LP may fill its segments in any order.
    grid_import = problem.ac_base_kw + rectifier.ac_kw(rectifier_dc) - rectifier.standby_ac_kw
    discharge, unserved, stored = found("discharge"), found("unserved"), found("stored")[1:]
    reserve_short = np.maximum(0.0, problem.reserve_kwh - stored)
    cap_excess = np.maximum(0.0, grid_import - problem.import_cap_kw)
    hours = problem.step_h
    cost_by_term = {
        "energy": float(hours * problem.price_per_kwh @ grid_import),
        "wear": float(problem.battery.wear_per_kwh * (hours @ discharge)),
        "reserve": float(problem.reserve_penalty_per_kwh_h * (hours @ reserve_short)),
        "cap": float(problem.cap_penalty_per_kwh * (hours @ cap_excess)),
        "unserved": float(problem.unserved_penalty_per_kwh * (hours @ unserved)),
        "terminal": float(-problem.terminal_value_per_kwh * stored[-1]),
    }
    return Plan(
        status=outcome.status,
        reason=outcome.reason or _ac_shortage(problem),
        objective=sum(cost_by_term.values()),
        cost_by_term=cost_by_term,
        grid_import_kw=grid_import,
        rectifier_dc_kw=rectifier_dc,
        pv_kw=found("pv"),
        charge_kw=found("charge"),
        discharge_kw=discharge,
        stored_kwh=stored,
        reserve_short_kwh=reserve_short,
        cap_excess_kw=cap_excess,
        unserved_kw=unserved,
        # A kWh more on the right-hand side of the recursion is a kWh given; what it does to the cost is its value.
        stored_value_per_kwh=-outcome.row_dual[engine.compiled.rows["recursion"]],
        solve_s=outcome.solve_s,
    )


def _ac_shortage(problem: SiteProblem) -> str:
    short = problem.ac_load_kw + problem.rectifier.standby_ac_kw > problem.import_limit_kw
    steps = int(np.count_nonzero(short & (problem.import_limit_kw > 0.0)))
    return f"the AC side alone draws more than the import limit in {steps} steps" if steps else ""
