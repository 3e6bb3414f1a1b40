"""The methods to plan one window that are timed against each other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from models import cached_models
from pyomo.contrib.appsi.solvers.highs import Highs as PyomoHighs
from pyomo.core import ConcreteModel, Param

from optimisation.plan.plan import Plan
from optimisation.problem.site_problem import SiteProblem
from optimisation.program.compiled import CompiledLP
from optimisation.program.model import build
from optimisation.program.parameters import parameters
from optimisation.program.prices import TIE_BREAK
from optimisation.program.shape import shape_of
from optimisation.solving.engine import LP_OPTIONS
from optimisation.solving.refresh import HeldProgram
from optimisation.solving.solver import PlanSolver

LIMIT_S = 30.0


class Bare:
    """HiGHS alone, warm from the window before: what is timed is `run()`, with all numbers sent
    before.
    """

    def __init__(self, compiled: CompiledLP) -> None:
        self._compiled = compiled
        continuous = np.zeros(compiled.n_columns, dtype=np.bool_)
        self._program = HeldProgram(compiled, LP_OPTIONS, continuous)

    def send(self, problem: SiteProblem) -> None:
        theta = self._compiled.theta(parameters(problem))
        self._program.refresh(theta, self._compiled.numbers(theta))
        self._program.highs.limit_time(LIMIT_S)

    def run(self) -> None:
        self._program.highs.run()

    @property
    def objective(self) -> float:
        return self._program.highs.objective


class Ours:
    """A problem in, a checked plan out."""

    def __init__(self, tie_break: float = TIE_BREAK) -> None:
        self._tie_break = tie_break
        self._models = cached_models()
        self._solver = PlanSolver(self._models, tie_break)

    def warm(self, problem: SiteProblem) -> Plan:
        """Plan from the basis of the window before."""
        return _usable(self._solver.solve(problem, LIMIT_S))

    def cold_solver(self, problem: SiteProblem) -> PlanSolver:
        """A new solver, with the compiled model in memory; to be made before the clock starts."""
        compiled = self._models(shape_of(problem))
        return PlanSolver(lambda _: compiled, self._tie_break)

    def cold(self, solver: PlanSolver, problem: SiteProblem) -> Plan:
        """Plan with a solver that has not solved before."""
        return _usable(solver.solve(problem, LIMIT_S))


def _usable(plan: Plan) -> Plan:
    assert plan.usable, plan.remarks
    return plan


class NaivePyomo:
    """The model is built, filled, translated and solved by `appsi_highs`; all values are read."""

    def solve(self, problem: SiteProblem) -> float:
        model = build(shape_of(problem))
        _fill(model, parameters(problem))
        solver = PyomoHighs()
        _set_options(solver, {"threads": 1})
        return float(solver.solve(model).best_feasible_objective)


class PersistentPyomo:
    """The model built once. `appsi_highs` looks for changed Params only, and HiGHS does not perturb
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
