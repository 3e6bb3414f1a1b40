"""HiGHS held to its word: time limits that do not add up, statuses, options, numbers that are not finite."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from battery_lp import battery_lp, battery_values
from highspy import HighsModelStatus, HighsStatus
from pyomo.core import ConcreteModel, Constraint, NonNegativeReals, Objective, Param, Reals, Var

from optimisation import engine as engine_module
from optimisation.compiler import compile_model
from optimisation.engine import Engine, _Instance
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
    monkeypatch.setitem(engine_module.COMMON, "simplex_stratgy", 1)
    refused = solve(tiny_engine(), 1.0, 2.0, 5.0)
    assert (refused.status, refused.reason) == (PlanStatus.ERROR, "HiGHS refused setOptionValue simplex_stratgy")


def battery_engine():
    return Engine(compile_model(battery_lp()))


def theta(engine, seed, **changes):
    return engine.compiled.theta(battery_values(seed, **changes))


def test_a_time_limit_that_is_reached_is_no_plan_and_does_not_stick():
    engine = battery_engine()
    late = engine.solve(theta(engine, 1), 1e-9)
    assert late.status in (PlanStatus.ERROR, PlanStatus.FEASIBLE)
    assert "time limit" in late.reason
    assert engine.solve(theta(engine, 1), 60.0).status is PlanStatus.OPTIMAL


def test_the_time_limit_is_for_each_solve_and_not_for_the_life_of_the_instance():
    engine = battery_engine()
    limit_s, spent_s = 0.3, 0.0
    for seed in range(5000):
        outcome = engine.solve(theta(engine, seed), limit_s)
        assert outcome.status is PlanStatus.OPTIMAL, (seed, spent_s, outcome.reason)
        spent_s = engine._lp._highs.getRunTime()
        if spent_s > 2 * limit_s:
            break
    assert spent_s > 2 * limit_s


def test_only_what_changed_is_sent_and_nothing_of_it_is_forgotten():
    warm = battery_engine()
    changes = [{}, {"now": 3.0}, {"room": 20.0}, {"price": np.ones(48)}, {"needed": np.full(48, 2.0)}, {"gain": 0.7}]
    for change in [*changes, {}, *reversed(changes)]:
        outcome, cold = (
            warm.solve(theta(warm, 1, **change), 10.0),
            battery_engine().solve(theta(warm, 1, **change), 10.0),
        )
        assert outcome.objective == pytest.approx(cold.objective, rel=1e-9)
        held = warm._lp._highs.getLp()
        numbers = warm.compiled.numbers(theta(warm, 1, **change))
        np.testing.assert_array_equal(held.col_cost_, numbers.cost)
        np.testing.assert_array_equal(held.col_lower_, numbers.column_lower)
        np.testing.assert_array_equal(held.col_upper_, numbers.column_upper)
        np.testing.assert_array_equal(held.row_lower_, numbers.row_lower)
        np.testing.assert_array_equal(held.row_upper_, numbers.row_upper)


def test_the_basis_outlives_a_new_matrix_and_the_optimum_is_that_of_a_cold_solve():
    warm, iterations = battery_engine(), []
    for seed in range(60):
        numbers = theta(warm, 0, gain=0.7 + 0.003 * (seed * 37 % 60), loss=1.05 + 0.01 * (seed * 7 % 30))
        cold = battery_engine()
        outcome = warm.solve(numbers, 10.0)
        assert outcome.status is PlanStatus.OPTIMAL
        assert outcome.objective == pytest.approx(cold.solve(numbers, 10.0).objective, rel=1e-9)
        iterations.append([e._lp._highs.getInfo().simplex_iteration_count for e in (warm, cold)])
    warm_count, cold_count = np.sum(iterations[1:], axis=0)
    assert warm_count < 0.7 * cold_count


def test_numbers_refused_on_the_way_are_not_taken_for_sent(monkeypatch):
    """HiGHS keeps its old numbers where it refuses new ones, and then calls the old plan optimal."""
    engine = battery_engine()
    engine.solve(theta(engine, 1), 10.0)
    highs = engine._lp._highs

    def refuse(*args):
        return HighsStatus.kError

    monkeypatch.setattr(highs, "changeRowsBounds", refuse)
    refused = engine.solve(theta(engine, 2), 10.0)
    assert (refused.status, refused.reason) == (PlanStatus.ERROR, "HiGHS refused changeRowsBounds")
    again = engine.solve(theta(engine, 2), 10.0)
    assert again.objective == pytest.approx(battery_engine().solve(theta(engine, 2), 10.0).objective, rel=1e-9)


def test_another_number_of_threads_in_the_process_is_a_status_with_a_reason():
    code = """
import highspy
other = highspy.Highs()
other.setOptionValue("output_flag", False)
other.setOptionValue("threads", 2)
other.addVar(0.0, 1.0)
other.run()
from test_engine import battery_engine, theta
engine = battery_engine()
outcome = engine.solve(theta(engine, 1), 10.0)
print(outcome.status, outcome.x.size, bool(outcome.reason))
"""
    path = os.pathsep.join([str(Path(__file__).parent), str(Path(engine_module.__file__).parents[1])])
    done = subprocess.run(
        [sys.executable, "-c", code], env=os.environ | {"PYTHONPATH": path}, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["error", "0", "True"]


def test_an_answer_that_is_not_optimal_is_tried_again_cold_once(monkeypatch):
    engine = tiny_engine()
    run, answers = _Instance._run, []

    def failing_first(self, highs, until_s):
        answers.append(run(self, highs, until_s))
        return answers[-1] if len(answers) != 1 else HighsModelStatus.kSolveError

    monkeypatch.setattr(_Instance, "_run", failing_first)
    assert solve(engine, 1.0, 2.0, 5.0).x.tolist() == [2.0]
    assert len(answers) == 2
    assert solve(engine, 1.0, 6.0, 5.0).status is PlanStatus.INFEASIBLE
    assert len(answers) == 4
