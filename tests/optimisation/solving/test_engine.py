"""The engine around HiGHS: time limits that do not add up, statuses, options, numbers that are not
finite.
"""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from battery_lp import battery_lp, battery_values
from held_lp import held_vectors
from highspy import HighsModelStatus
from pyomo.core import ConcreteModel, Constraint, NonNegativeReals, Objective, Param, Reals, Var

from optimisation.plan.plan import PlanStatus
from optimisation.plan.remark import remark
from optimisation.program.compiler import compile_model
from optimisation.solving import engine as engine_module
from optimisation.solving.engine import Engine
from optimisation.solving.highs import Highs, HighsError, ModelStatus


def tiny_engine():
    """min c x with p <= x <= q and x <= 10."""
    model = ConcreteModel()
    model.c, model.p, model.q = (
        Param(mutable=True, initialize=1.0, within=Reals) for _ in range(3)
    )
    model.x = Var(within=NonNegativeReals)
    model.low = Constraint(expr=model.x >= model.p)
    model.high = Constraint(expr=model.x <= model.q)
    model.cost = Objective(expr=model.c * model.x)
    return Engine(compile_model(model))


def solve(engine, c, p, q):
    return engine.solve({"c": c, "p": p, "q": q}, 10.0)


def test_infeasible_and_unbounded_are_statuses_and_the_next_solve_is_sound():
    engine = tiny_engine()
    assert solve(engine, 1.0, 2.0, 5.0).x.tolist() == [2.0]
    infeasible = solve(engine, 1.0, 6.0, 5.0)
    assert (infeasible.status, infeasible.x.size) == (PlanStatus.INFEASIBLE, 0)
    assert "nfeasible" in str(infeasible.remarks[0])
    assert solve(engine, -1.0, 2.0, 5.0).x.tolist() == [5.0]


@pytest.mark.parametrize("values", [(np.nan, 2.0, 5.0), (1.0, np.nan, 5.0), (1.0, 2.0, np.inf)])
def test_numbers_that_are_not_finite_never_reach_the_solver(values):
    engine = tiny_engine()
    solve(engine, 1.0, 2.0, 5.0)
    with pytest.raises(ValueError, match="not finite"):
        solve(engine, *values)


def test_what_highs_refuses_is_an_error_with_a_reason_and_a_fresh_start():
    engine = tiny_engine()
    refused = solve(engine, 1e30, 2.0, 5.0)
    assert refused.status is PlanStatus.ERROR
    assert refused.remarks
    assert solve(engine, 1.0, 2.0, 5.0).x.tolist() == [2.0]


def test_a_mistyped_option_is_not_passed_over(monkeypatch):
    monkeypatch.setitem(engine_module.LP_OPTIONS, "simplex_stratgy", 1)
    refused = solve(tiny_engine(), 1.0, 2.0, 5.0)
    assert (refused.status, refused.remarks) == (
        PlanStatus.ERROR,
        (remark("solver-error", error="HiGHS refused option simplex_stratgy"),),
    )


def battery_engine():
    return Engine(compile_model(battery_lp()))


def test_a_time_limit_that_is_reached_is_no_plan_and_does_not_stick():
    engine = battery_engine()
    late = engine.solve(battery_values(1), 1e-9)
    assert late.status in (PlanStatus.ERROR, PlanStatus.FEASIBLE)
    assert late.remarks[0].code == "time-limit"
    assert engine.solve(battery_values(1), 60.0).status is PlanStatus.OPTIMAL


def test_the_time_limit_is_for_each_solve_and_not_for_the_life_of_the_instance():
    engine = battery_engine()
    limit_s, spent_s = 0.3, 0.0
    for seed in range(5000):
        outcome = engine.solve(battery_values(seed), limit_s)
        assert outcome.status is PlanStatus.OPTIMAL, (seed, spent_s, outcome.remarks)
        spent_s += outcome.solve_s
        if spent_s > 2 * limit_s:
            break
    assert spent_s > 2 * limit_s


def test_every_change_of_numbers_reaches_highs_and_the_next_solve():
    warm = battery_engine()
    changes = [
        {},
        {"now": 3.0},
        {"room": 20.0},
        {"price": np.ones(48)},
        {"needed": np.full(48, 2.0)},
        {"gain": 0.7},
    ]
    for change in [*changes, {}, *reversed(changes)]:
        outcome, cold = (
            warm.solve(battery_values(1, **change), 10.0),
            battery_engine().solve(battery_values(1, **change), 10.0),
        )
        assert outcome.objective == pytest.approx(cold.objective, rel=1e-9)
        highs = warm._lp._program.highs
        held = held_vectors(highs, warm.compiled.n_columns, warm.compiled.n_rows)
        wanted = warm.compiled.numbers(warm.compiled.theta(battery_values(1, **change)))
        for there, number in zip(held, wanted, strict=False):
            np.testing.assert_allclose(there, number, rtol=1e-14)


def test_the_basis_outlives_a_new_matrix_and_the_optimum_is_that_of_a_cold_solve():
    warm, iterations = battery_engine(), []
    for seed in range(60):
        numbers = battery_values(
            0, gain=0.7 + 0.003 * (seed * 37 % 60), loss=1.05 + 0.01 * (seed * 7 % 30)
        )
        cold = battery_engine()
        outcome = warm.solve(numbers, 10.0)
        assert outcome.status is PlanStatus.OPTIMAL
        assert outcome.objective == pytest.approx(cold.solve(numbers, 10.0).objective, rel=1e-9)
        iterations.append(
            [e._lp._program.highs.info("simplex_iteration_count") for e in (warm, cold)]
        )
    warm_count, cold_count = np.sum(iterations[1:], axis=0)
    assert warm_count < 0.7 * cold_count


def test_numbers_refused_on_the_way_are_not_taken_for_sent(monkeypatch):
    """HiGHS keeps its old numbers where it refuses new ones, and then reports optimal."""
    engine = battery_engine()
    engine.solve(battery_values(1), 10.0)

    def refuse(numbers):
        raise HighsError("HiGHS refused new row bounds")

    monkeypatch.setattr(engine._lp._program.highs, "change_numbers", refuse)
    refused = engine.solve(battery_values(2), 10.0)
    assert (refused.status, refused.remarks) == (
        PlanStatus.ERROR,
        (remark("solver-error", error="HiGHS refused new row bounds"),),
    )
    again = engine.solve(battery_values(2), 10.0)
    assert again.objective == pytest.approx(
        battery_engine().solve(battery_values(2), 10.0).objective, rel=1e-9
    )


@pytest.mark.parametrize("broken", [np.full(48, None), np.ones(48, dtype=complex)])
def test_numbers_of_another_kind_are_not_taken_for_sent(broken):
    engine, values = battery_engine(), battery_values(1)
    for seed in range(3):
        engine.solve(values | {"price": battery_values(seed)["price"]}, 10.0)
    wanted = values | {"needed": np.full(48, 2.0)}
    with pytest.raises(TypeError):
        engine.solve(wanted | {"price": broken}, 10.0)
    cold = battery_engine().solve(wanted, 10.0)
    assert engine.solve(wanted, 10.0).objective == pytest.approx(cold.objective, rel=1e-9)


def test_every_status_that_highs_may_answer_is_known():
    assert {status.value for status in ModelStatus} == {
        int(status) for status in HighsModelStatus.__members__.values()
    }


def test_another_number_of_threads_in_the_process_is_a_status_with_a_reason():
    code = """
import highspy
other = highspy.Highs()
other.setOptionValue("output_flag", False)
other.setOptionValue("threads", 2)
other.addVar(0.0, 1.0)
other.run()
from battery_lp import battery_values
from test_engine import battery_engine
outcome = battery_engine().solve(battery_values(1), 10.0)
print(outcome.status, outcome.x.size, bool(outcome.remarks))
"""
    here = Path(__file__)
    packages = Path(engine_module.__file__).parents[2]
    path = os.pathsep.join(map(str, (here.parent, here.parents[2] / "rigs", packages)))
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["error", "0", "True"]


def test_an_answer_that_is_not_optimal_is_tried_again_cold_once(monkeypatch):
    engine = tiny_engine()
    run, answers = Highs.run, []

    def failing_first(self):
        answers.append(run(self))
        return answers[-1] if len(answers) != 1 else ModelStatus.SOLVE_ERROR

    monkeypatch.setattr(Highs, "run", failing_first)
    assert solve(engine, 1.0, 2.0, 5.0).x.tolist() == [2.0]
    assert len(answers) == 2
    assert solve(engine, 1.0, 6.0, 5.0).status is PlanStatus.INFEASIBLE
    assert len(answers) == 4
