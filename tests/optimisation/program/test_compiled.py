"""The compiled arrays are the Pyomo model: same numbers, same optimum, and no Param is lost on the
way.
"""

import gc
from dataclasses import replace

import numpy as np
import pytest
from battery_lp import STEPS, battery_lp, battery_values
from pyomo.contrib.appsi.solvers.highs import Highs
from pyomo.core import ConcreteModel, Constraint, Objective, Param, Var
from site_cases import site_problem

from optimisation.plan.plan import PlanStatus
from optimisation.program import compiler
from optimisation.program.compiler import NotAffineError, compile_model
from optimisation.program.model import build
from optimisation.program.shape import shape_of
from optimisation.solving.engine import Engine


def solved_by_pyomo(model, values):
    for name, numbers in values.items():
        param = getattr(model, name)
        for index, number in zip(param.index_set(), np.ravel(numbers), strict=True):
            param[index] = float(number)
    solver = Highs()
    solver.highs_options = {
        "threads": 1,
        "dual_feasibility_tolerance": 1e-9,
        "primal_feasibility_tolerance": 1e-9,
    }
    return solver.solve(model).best_feasible_objective


def test_compiled_and_warm_equals_pyomo_whether_or_not_the_matrix_changes():
    model, engine = battery_lp(), Engine(compile_model(battery_lp()))
    for seed in range(12):
        values = battery_values(seed, gain=0.9 if seed % 4 else 0.8)
        outcome = engine.solve(values, 10.0)
        assert outcome.status is PlanStatus.OPTIMAL
        assert outcome.objective == pytest.approx(solved_by_pyomo(model, values), rel=1e-9)


def test_every_param_of_the_model_reaches_the_arrays():
    compiled = compile_model(build(shape_of(site_problem(3))))
    used = set(compiled.m_column[compiled.m_value != 0.0].tolist())
    unused = [
        name
        for name, part in compiled.params.items()
        if not used.issuperset(range(part.start, part.stop))
    ]
    assert unused == []


@pytest.mark.parametrize(
    "bound",
    [lambda m: m.p * m.q, lambda m: m.p**2, lambda m: abs(m.p), lambda m: 1 / m.p],
    ids=["pq", "p2", "abs", "1/p"],
)
def test_a_param_that_is_not_used_affinely_is_refused(bound):
    model = ConcreteModel()
    model.p, model.q = Param(mutable=True, initialize=1.0), Param(mutable=True, initialize=1.0)
    model.x = Var()
    model.row = Constraint(expr=model.x <= bound(model))
    model.cost = Objective(expr=model.x)
    with pytest.raises(NotAffineError, match="not affine"):
        compile_model(model)


def test_a_product_of_variables_is_refused():
    model = ConcreteModel()
    model.x, model.y = Var(), Var()
    model.row = Constraint(expr=model.x * model.y <= 1)
    model.cost = Objective(expr=model.x)
    with pytest.raises(NotAffineError, match="row is not linear"):
        compile_model(model)


def test_affine_params_in_cost_bounds_rows_and_matrix_are_evaluated():
    model = ConcreteModel()
    model.i = [0, 1]
    model.p, model.q = (
        Param([0, 1], mutable=True, initialize=1.0),
        Param(mutable=True, initialize=1.0),
    )
    model.x = Var([0, 1], bounds=lambda m, i: (-m.q, 2 * m.p[i]))
    model.row = Constraint(
        expr=(model.q - 1) * model.x[0] + 3 * model.x[1] + model.p[0] <= 5 - model.p[1]
    )
    model.cost = Objective(expr=(model.p[0] - model.q) * model.x[0] + 4 * model.x[1])
    compiled = compile_model(model)
    theta = compiled.theta({"p": np.array([7.0, 11.0]), "q": 13.0})
    numbers = compiled.numbers(theta)
    assert numbers.cost.tolist() == [-6.0, 4.0]
    assert numbers.column_lower.tolist() == [-13.0, -13.0]
    assert numbers.column_upper.tolist() == [14.0, 22.0]
    assert numbers.row_lower.tolist() == [-np.inf]
    assert numbers.row_upper.tolist() == [5.0 - 11.0 - 7.0]
    assert compiled.matrix(theta).tolist() == [12.0, 3.0]


def test_params_that_do_not_fit_the_model_are_refused():
    compiled = compile_model(battery_lp())
    with pytest.raises(ValueError, match=r"do not match the model: .*'gain'"):
        compiled.theta({"price": np.ones(STEPS)})
    with pytest.raises(ValueError, match=f"Param price has 3 numbers; the model has {STEPS}"):
        compiled.theta(battery_values(0, price=np.ones(3)))
    with pytest.raises(ValueError, match=f"Param needed has 1 numbers; the model has {STEPS}"):
        compiled.theta(battery_values(0, needed=2.0))


def test_the_garbage_collector_rests_while_a_model_is_walked(monkeypatch):
    walked, linear = [], compiler._linear

    def counted(component):
        walked.append(gc.isenabled())
        return linear(component)

    monkeypatch.setattr(compiler, "_linear", counted)
    compile_model(battery_lp())
    assert len(walked) == 1 + 2 * STEPS
    assert not any(walked)
    assert gc.isenabled()


def test_arrays_that_do_not_fit_each_other_never_reach_the_solver():
    compiled = compile_model(battery_lp())
    wrong = {
        "integer": compiled.integer[1:],
        "starts": compiled.starts[::-1].copy(),
        "indices": compiled.indices + compiled.n_columns,
        "z0": compiled.z0[1:],
        "m_row": compiled.m_row - len(compiled.z0),
        "m_column": compiled.m_column + compiled.n_params,
        "m_value": compiled.m_value[1:],
    }
    for name, array in wrong.items():
        with pytest.raises(ValueError, match="do not fit each other"):
            replace(compiled, **{name: array})
