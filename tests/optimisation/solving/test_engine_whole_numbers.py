"""Whole-numbered variables through the engine: found whole, priced by duals, never passed off as
better than known.
"""

import numpy as np
import pytest
from pyomo.core import (
    Binary,
    ConcreteModel,
    Integers,
    NonNegativeReals,
    Objective,
    Param,
    Reals,
    Var,
)
from pyomo.core import Constraint as Row

from optimisation.plan.plan import PlanStatus
from optimisation.plan.remark import remark
from optimisation.program.compiler import compile_model
from optimisation.solving import engine as engine_module
from optimisation.solving.engine import Engine, _Instance


def unit_engine():
    """A unit of 2 to 5 kW at 1/kW and 3 when on, or grid at 2/kW, to serve a load; the bill has a
    fixed part.
    """
    m = ConcreteModel()
    m.p_load, m.fixed = (
        Param(mutable=True, initialize=1.0),
        Param(mutable=True, initialize=0.0, within=Reals),
    )
    m.grid, m.unit, m.on = (
        Var(within=NonNegativeReals),
        Var(within=NonNegativeReals),
        Var(within=Binary),
    )
    m.balance = Row(expr=m.grid + m.unit == m.p_load)
    m.least, m.most = Row(expr=m.unit - 2 * m.on >= 0), Row(expr=m.unit - 5 * m.on <= 0)
    m.cost = Objective(expr=2 * m.grid + m.unit + 3 * m.on + m.fixed)
    return Engine(compile_model(m))


def solve(engine, load, fixed=0.0):
    return engine.solve({"p_load": load, "fixed": fixed}, 10.0)


def test_the_domain_of_a_variable_reaches_the_solver_and_the_answer_is_whole():
    engine = unit_engine()
    assert engine.compiled.integer.tolist() == [False, False, True]
    # 4 kW: the unit costs 3 + 4 = 7, the grid 8. The relaxation would turn the unit on by 0.8 for
    # 6.4.
    outcome = solve(engine, 4.0)
    assert (outcome.status, outcome.objective) == (PlanStatus.OPTIMAL, pytest.approx(7.0))
    assert outcome.x.tolist() == [0.0, 4.0, 1.0]


def test_the_same_engine_finds_each_way_of_running_in_turn():
    engine = unit_engine()
    for load, cost, x in [
        (6.0, 10.0, [1, 5, 1]),
        (1.0, 2.0, [1, 0, 0]),
        (4.0, 7.0, [0, 4, 1]),
        (2.5, 5.0, [2.5, 0, 0]),
    ]:
        outcome = solve(engine, load)
        assert outcome.x.tolist() == pytest.approx(x)
        assert outcome.objective == pytest.approx(cost)


def test_duals_are_those_of_the_way_of_running_that_was_chosen():
    engine = unit_engine()
    balance = engine.compiled.rows["balance"]
    assert solve(engine, 4.0).row_dual[balance].tolist() == pytest.approx(
        [1.0]
    )  # one kW more from the unit
    assert solve(engine, 6.0).row_dual[balance].tolist() == pytest.approx([2.0])  # the unit is full


def test_a_search_result_without_marginal_values_gives_the_reason():
    engine = unit_engine()
    engine._lp = _Instance(engine.compiled, {"no_such_option": 1}, np.zeros(3, dtype=np.bool_))
    outcome = solve(engine, 4.0)
    assert (outcome.status, outcome.x.tolist()) == (PlanStatus.OPTIMAL, [0.0, 4.0, 1.0])
    assert [str(each) for each in outcome.remarks] == [
        "no-marginal-values: why solver-error: error HiGHS refused option no_such_option"
    ]
    assert np.isnan(outcome.row_dual).all()


def test_a_constant_part_of_the_cost_is_in_the_objective():
    assert solve(unit_engine(), 4.0, fixed=-40.0).objective == pytest.approx(7.0 - 40.0)


def test_infeasible_is_a_status_also_with_whole_numbers():
    m = ConcreteModel()
    m.p = Param(mutable=True, initialize=1.0)
    m.x = Var(within=Integers, bounds=(0, 5))
    m.row = Row(expr=2 * m.x == m.p)
    m.cost = Objective(expr=m.x)
    engine = Engine(compile_model(m))
    assert engine.solve({"p": 3.0}, 10.0).status is PlanStatus.INFEASIBLE
    assert engine.solve({"p": 4.0}, 10.0).x.tolist() == [2.0]


def hard_engine():
    """A knapsack of many like things: proving the last bit takes far longer than finding something
    good.
    """
    rng = np.random.default_rng(5)
    weight, gain = rng.integers(1000, 2000, (8, 60)), rng.integers(1000, 2000, 60)
    m = ConcreteModel()
    m.p = Param(mutable=True, initialize=1.0)
    m.x = Var(range(60), within=Binary)
    m.rows = Row(
        range(8),
        rule=lambda m, i: sum(int(weight[i, j]) * m.x[j] for j in range(60)) <= 30000 * m.p,
    )
    m.cost = Objective(expr=-sum(int(gain[j]) * m.x[j] for j in range(60)))
    return Engine(compile_model(m))


def test_what_is_found_when_the_time_is_up_is_feasible_with_the_reason():
    outcome = hard_engine().solve({"p": 1.0}, 0.4)
    assert outcome.status is PlanStatus.FEASIBLE
    assert outcome.remarks[0].code == "time-limit"
    assert set(outcome.x.tolist()) <= {0.0, 1.0}
    assert outcome.objective < 0.0
    assert np.isfinite(outcome.row_dual).all()


def test_the_time_limit_of_a_search_does_not_grow_with_the_life_of_the_instance():
    engine = hard_engine()
    # Were it counted from the start of that life, each search would have as long as all before it,
    # and end proven.
    for i in range(9):
        (noted,) = engine.solve({"p": 1.0 - 1e-3 * i}, 0.05).remarks
        assert noted.code == "time-limit", i


def test_a_gap_ends_the_search_early():
    outcome = hard_engine().solve({"p": 1.0}, 20.0, gap=20000.0)
    assert outcome.status is PlanStatus.OPTIMAL


def test_an_answer_that_cannot_be_priced_is_kept_without_duals(monkeypatch):
    engine = unit_engine()
    lost = engine_module._no_solution(PlanStatus.ERROR, remark("solver-error", error="lost"), 0.0)
    monkeypatch.setattr(engine._lp, "solve", lambda theta, numbers, limit_s: lost)
    outcome = solve(engine, 4.0)
    assert outcome.x.tolist() == pytest.approx([0.0, 4.0, 1.0])
    assert np.isnan(outcome.row_dual).all()
    assert outcome.status is PlanStatus.OPTIMAL
