"""HiGHS held to its word: time limits that do not add up, statuses, options, numbers that are not finite."""

import numpy as np
import pytest
from highspy import HighsModelStatus
from pyomo.core import ConcreteModel, Constraint, NonNegativeReals, Objective, Param, Reals, Var
from site_cases import random_problem

from optimisation import engine as engine_module
from optimisation.compiled import compile_model
from optimisation.engine import Engine
from optimisation.model import build
from optimisation.parameters import parameters
from optimisation.plan import PlanStatus


def tiny_engine():
    """min c x with p <= x <= q and x <= 10."""
    model = ConcreteModel()
    model.c, model.p, model.q = (Param(mutable=True, initialize=1.0, within=Reals) for _ in range(3))
    model.x = Var(within=NonNegativeReals)
    model.low = Constraint(expr=model.x >= model.p)
    model.high = Constraint(expr=model.x <= model.q)
    model.cost = Objective(expr=model.c * model.x)
    return Engine(compile_model(model))


def solve(engine, c, p, q):
    return engine.solve(engine.compiled.theta({"c": c, "p": p, "q": q}), 10.0)


def test_infeasible_and_unbounded_are_statuses_and_the_next_solve_is_sound():
    engine = tiny_engine()
    assert solve(engine, 1.0, 2.0, 5.0).x.tolist() == [2.0]
    infeasible = solve(engine, 1.0, 6.0, 5.0)
    assert (infeasible.status, infeasible.x.size) == (PlanStatus.INFEASIBLE, 0)
    assert "nfeasible" in infeasible.reason
    assert solve(engine, -1.0, 2.0, 5.0).x.tolist() == [5.0]


@pytest.mark.parametrize("values", [(np.nan, 2.0, 5.0), (1.0, np.nan, 5.0), (1.0, 2.0, np.inf)])
def test_numbers_that_are_not_finite_never_reach_the_solver(values):
    engine = tiny_engine()
    solve(engine, 1.0, 2.0, 5.0)
    with pytest.raises(ValueError, match="not finite"):
        solve(engine, *values)


def test_what_highs_refuses_is_an_error_with_a_reason_and_a_fresh_start():
    engine = tiny_engine()
    refused = solve(engine, 1e300, 2.0, 5.0)
    assert refused.status is PlanStatus.ERROR
    assert refused.reason
    assert solve(engine, 1.0, 2.0, 5.0).x.tolist() == [2.0]


def test_a_mistyped_option_is_not_passed_over(monkeypatch):
    monkeypatch.setitem(engine_module.OPTIONS, "simplex_stratgy", 1)
    refused = solve(tiny_engine(), 1.0, 2.0, 5.0)
    assert (refused.status, refused.reason) == (PlanStatus.ERROR, "HiGHS refused setOptionValue simplex_stratgy")


def test_a_time_limit_that_is_reached_is_no_plan_and_does_not_stick():
    problem = random_problem(1, n=96)
    cuts = problem.battery.acceptance_cuts()
    engine = Engine(compile_model(build(96, len(problem.rectifier.ac_per_dc), len(cuts))))
    theta = engine.compiled.theta(parameters(problem, cuts))
    late = engine.solve(theta, 1e-9)
    assert late.status in (PlanStatus.ERROR, PlanStatus.FEASIBLE)
    assert "time limit" in late.reason
    assert engine.solve(theta, 60.0).status is PlanStatus.OPTIMAL


def test_the_time_limit_is_for_each_solve_and_not_for_the_life_of_the_instance():
    engine = Engine(compile_model(build(48, 4, 3)))
    limit_s, spent_s = 0.5, 0.0
    for seed in range(2000):
        problem = random_problem(seed)
        cuts = problem.battery.acceptance_cuts()
        outcome = engine.solve(engine.compiled.theta(parameters(problem, cuts)), limit_s)
        assert outcome.status is PlanStatus.OPTIMAL, (seed, spent_s, outcome.reason)
        spent_s = engine._highs.getRunTime()
        if spent_s > 2 * limit_s:
            break
    assert spent_s > 2 * limit_s


def test_an_answer_that_is_not_optimal_is_tried_again_cold_once(monkeypatch):
    engine = tiny_engine()
    run, answers = Engine._run, []

    def failing_first(self, highs, until_s):
        answers.append(run(self, highs, until_s))
        return answers[-1] if len(answers) != 1 else HighsModelStatus.kSolveError

    monkeypatch.setattr(Engine, "_run", failing_first)
    assert solve(engine, 1.0, 2.0, 5.0).x.tolist() == [2.0]
    assert len(answers) == 2
    assert solve(engine, 1.0, 6.0, 5.0).status is PlanStatus.INFEASIBLE
    assert len(answers) == 4
