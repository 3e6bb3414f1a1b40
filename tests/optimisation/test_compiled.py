"""The compiled arrays are the Pyomo model: same numbers, same optimum, and no Param is lost on the way."""

import numpy as np
import pytest
from pyomo.contrib.appsi.solvers.highs import Highs
from pyomo.core import ConcreteModel, Constraint, Objective, Param, Var
from site_cases import lead_carbon, random_problem

from optimisation.compiled import NotAffineError, compile_model
from optimisation.engine import Engine
from optimisation.model import build
from optimisation.parameters import parameters
from optimisation.plan import PlanStatus


def solved_by_pyomo(model, values):
    for name, numbers in values.items():
        param = getattr(model, name)
        for index, number in zip(param.index_set(), np.ravel(numbers), strict=True):
            param[index] = float(number)
    solver = Highs()
    solver.highs_options = {"threads": 1, "dual_feasibility_tolerance": 1e-9, "primal_feasibility_tolerance": 1e-9}
    return solver.solve(model).best_feasible_objective


def test_compiled_and_warm_equals_pyomo_on_random_windows():
    engine, model, shape = None, None, None
    for seed in range(8):
        # The matrix changes with the battery, so both ways of handing numbers over are used.
        battery = lead_carbon(charge_efficiency=0.92 if seed % 4 else 0.85, wear_per_kwh=0.02 * seed)
        problem = random_problem(seed, n=24, battery=battery)
        cuts = battery.acceptance_cuts()
        if engine is None:
            shape = (24, len(problem.rectifier.ac_per_dc), len(cuts))
            model = build(*shape)
            engine = Engine(compile_model(build(*shape)))
        assert shape == (24, len(problem.rectifier.ac_per_dc), len(cuts))
        values = parameters(problem, cuts)
        outcome = engine.solve(engine.compiled.theta(values), 10.0)
        assert outcome.status is PlanStatus.OPTIMAL
        assert outcome.objective == pytest.approx(solved_by_pyomo(model, values), rel=1e-9)


def test_every_param_of_the_model_reaches_the_arrays():
    compiled = compile_model(build(3, 2, 2))
    used = set(compiled.m_column[compiled.m_value != 0.0].tolist())
    unused = [name for name, place in compiled.params.items() if not used.issuperset(range(place.start, place.stop))]
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
    model.p, model.q = Param([0, 1], mutable=True, initialize=1.0), Param(mutable=True, initialize=1.0)
    model.x = Var([0, 1], bounds=lambda m, i: (-m.q, 2 * m.p[i]))
    model.row = Constraint(expr=(model.q - 1) * model.x[0] + 3 * model.x[1] + model.p[0] <= 5 - model.p[1])
    model.cost = Objective(expr=(model.p[0] - model.q) * model.x[0] + 4 * model.x[1])
    compiled = compile_model(model)
    numbers = compiled.numbers(compiled.theta({"p": [7.0, 11.0], "q": 13.0}))
    assert numbers.cost.tolist() == [-6.0, 4.0]
    assert numbers.column_lower.tolist() == [-13.0, -13.0]
    assert numbers.column_upper.tolist() == [14.0, 22.0]
    assert numbers.row_lower.tolist() == [-np.inf]
    assert numbers.row_upper.tolist() == [5.0 - 11.0 - 7.0]
    assert numbers.matrix.tolist() == [12.0, 3.0]


def test_params_that_do_not_fit_the_model_are_refused():
    compiled = compile_model(build(2, 1, 0))
    with pytest.raises(ValueError, match="do not match the model"):
        compiled.theta({"energy_cost": [1.0, 2.0]})
    values = {name: np.ones(place.stop - place.start) for name, place in compiled.params.items()}
    with pytest.raises(ValueError, match="Param reserve_cost has 3 numbers; the model has 2"):
        compiled.theta(values | {"reserve_cost": np.ones(3)})
