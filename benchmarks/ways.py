"""The ways to plan one window that are timed against each other; each call gives the objective it
found.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from pyomo.contrib.appsi.solvers.highs import Highs as PyomoHighs
from pyomo.core import ConcreteModel, Param

from optimisation.plan.plan import Plan
from optimisation.problem.site_problem import SiteProblem
from optimisation.program.compiled import CompiledLP
from optimisation.program.model import build
from optimisation.program.parameters import TIE_BREAK, parameters
from optimisation.program.shape import shape_of
from optimisation.solving.engine import COMMON, LP_OPTIONS, _Instance
from optimisation.solving.solver import PlanSolver

LIMIT_S = 30.0


class Bare:
    """HiGHS with all numbers prepared and handed over, warm from the window before; what is left is
    `run()`.
    """

    def __init__(self, compiled: CompiledLP) -> None:
        self._instance = _Instance(
            compiled, COMMON | LP_OPTIONS, np.zeros(compiled.n_columns, dtype=np.bool_)
        )

    def hand_over(self, problem: SiteProblem) -> None:
        self._highs, _ = self._instance.send(parameters(problem))
        self._highs.limit_time(LIMIT_S)

    def run(self) -> None:
        self._highs.run()

    @property
    def objective(self) -> float:
        return self._highs.objective


class Ours:
    """A problem in, a checked plan out: warm from the window before, or with a solver instance made
    anew.
    """

    def __init__(self, tie_break: float = TIE_BREAK) -> None:
        self._tie_break = tie_break
        self._solver = PlanSolver(tie_break)

    def warm(self, problem: SiteProblem) -> Plan:
        plan = self._solver.solve(problem, LIMIT_S)
        assert plan.usable, plan.reason
        return plan

    def cold_solver(self, problem: SiteProblem) -> PlanSolver:
        """A solver that has the compiled model and nothing else; to be made before the clock
        starts.
        """
        solver = PlanSolver(self._tie_break)
        solver._ready_for(shape_of(problem))
        return solver


class NaivePyomo:
    """The model built anew, filled, translated and solved by `appsi_highs`, all values read back."""

    def solve(self, problem: SiteProblem) -> float:
        model = build(shape_of(problem))
        _fill(model, parameters(problem))
        solver = PyomoHighs()
        _set_options(solver, {"threads": 1})
        return float(solver.solve(model).best_feasible_objective)


class PersistentPyomo:
    """The model built once; `appsi_highs` told that only Params change, and HiGHS not to perturb
    costs.
    """

    def __init__(self, problem: SiteProblem) -> None:
        self._model = build(shape_of(problem))
        self._solver = PyomoHighs()
        _set_options(self._solver, {"threads": 1, "dual_simplex_cost_perturbation_multiplier": 0.0})
        self.solve(problem)
        update = self._solver.update_config
        update.check_for_new_or_removed_constraints = update.check_for_new_or_removed_vars = False
        update.check_for_new_or_removed_params = update.check_for_new_objective = False
        update.update_constraints = update.update_vars = update.update_named_expressions = False
        update.update_objective = update.treat_fixed_vars_as_params = False

    def solve(self, problem: SiteProblem) -> float:
        _fill(self._model, parameters(problem))
        return float(self._solver.solve(self._model).best_feasible_objective)


def _set_options(solver: Any, options: Mapping[str, object]) -> None:
    solver.highs_options = dict(options)


def _fill(model: ConcreteModel, values: Mapping[str, Any]) -> None:
    for param in model.component_objects(Param):
        flat = np.ravel(values[param.name]).tolist()
        if param.is_indexed():
            param.store_values(dict(zip(param.index_set(), flat, strict=True)))
        else:
            param.set_value(flat[0])
