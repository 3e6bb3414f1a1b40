"""Every component alone and all together: the compiled form is the Pyomo model, and any numbers
have a plan.
"""

from dataclasses import replace

import numpy as np
import pytest
from component_cases import COMPONENTS, component_problem
from examples import examples
from hypothesis import given, settings
from hypothesis import strategies as st
from pyomo.contrib.appsi.solvers.highs import Highs
from site_cases import lead_carbon

from optimisation.plan.plan import PlanStatus
from optimisation.problem.site_problem import Cooling, DemandCharge, ProblemError, Reduction
from optimisation.program.compiler import compile_model
from optimisation.program.model import build
from optimisation.program.parameters import parameters
from optimisation.program.shape import shape_of
from optimisation.solving.engine import Engine
from optimisation.solving.solver import PlanSolver

N = 8
SOLVER = PlanSolver()
CONTINUOUS = tuple(name for name in COMPONENTS if name != "genset")
MIXES = [(), *((name,) for name in COMPONENTS), CONTINUOUS, COMPONENTS]


def solved_by_pyomo(model, values):
    for name, numbers in values.items():
        param = getattr(model, name)
        for index, number in zip(param.index_set(), np.ravel(numbers), strict=True):
            param[index] = float(number)
    solver = Highs()
    solver.highs_options = {
        "primal_feasibility_tolerance": 1e-9,
        "dual_feasibility_tolerance": 1e-9,
        "mip_rel_gap": 0.0,
    }
    return solver.solve(model).best_feasible_objective


@pytest.mark.parametrize("names", MIXES, ids=lambda names: "+".join(names) or "none")
def test_the_compiled_form_is_the_pyomo_model(names):
    engines = {}
    for seed in range(5):
        problem = component_problem(seed, N, names)
        shape = shape_of(problem)
        if shape not in engines:
            model = build(shape)
            engines[shape] = model, Engine(compile_model(model))
        model, engine = engines[shape]
        values = parameters(problem, (bool(seed % 2),) * len(problem.reduction_events))
        outcome = engine.solve(values, 10.0)
        assert outcome.status is PlanStatus.OPTIMAL
        whole = engine.compiled.integer.any()
        assert outcome.objective == pytest.approx(
            solved_by_pyomo(model, values), rel=1e-4 if whole else 1e-8, abs=1e-8
        )


@pytest.mark.parametrize("names", MIXES, ids=lambda names: "+".join(names) or "none")
def test_every_param_of_every_shape_reaches_the_arrays(names):
    compiled = compile_model(build(shape_of(component_problem(1, N, names))))
    used = set(compiled.m_column[compiled.m_value != 0.0].tolist())
    unused = [
        name
        for name, part in compiled.params.items()
        if not used.issuperset(range(part.start, part.stop))
    ]
    assert unused == []


def test_an_absent_component_adds_nothing():
    shape = shape_of(component_problem(1, N, ()))
    lean = compile_model(build(shape))
    # Rectifier, PV, unserved, charge, discharge, reserve short, cap excess, and stored at the
    # edges.
    assert lean.n_columns == N * (shape.n_rectifier_segments + 6) + N + 1
    # Recursion, acceptance, reserve, bus, cap.
    assert lean.n_rows == N * (4 + shape.batteries[0].n_cuts)


series = st.lists(st.floats(-0.8, 2.0, allow_subnormal=False), min_size=N, max_size=N)
power = st.lists(st.sampled_from([0.0, 0.1, 2.0, 5.0, 30.0]), min_size=N, max_size=N)


@settings(max_examples=examples(120))
@given(
    names=st.sets(st.sampled_from(CONTINUOUS)),
    seed=st.integers(0, 10_000),
    price=series,
    load=power,
    pv=power,
    limit=st.lists(st.sampled_from([0.0, 0.05, 5.0, 15.0]), min_size=N, max_size=N),
    cap=st.lists(st.sampled_from([0.0, 3.0, float("inf")]), min_size=N, max_size=N),
    reserve=st.sampled_from([0.0, 12.0, 60.0, 500.0]),
    soc=st.floats(0.0, 1.05),
)
def test_any_site_on_any_day_has_a_plan_that_reports_the_soft_limits_it_breaks(
    names, seed, price, load, pv, limit, cap, reserve, soc
):
    problem = component_problem(
        seed,
        N,
        tuple(sorted(names)),
        price_per_kwh=price,
        dc_load_kw=load,
        pv_kw=pv,
        import_limit_kw=limit,
        import_cap_kw=cap,
        reserve_kwh=np.full(N, reserve),
    )
    first = problem.batteries[0]
    problem = replace(
        problem,
        batteries=(replace(first, stored_kwh=soc * first.capacity_kwh), *problem.batteries[1:]),
    )
    plan = SOLVER.solve(problem)
    assert plan.status is PlanStatus.OPTIMAL, plan.remarks
    assert np.minimum(plan.battery_charge_kw, plan.battery_discharge_kw).max() < 1e-6
    assert ("reserve_kwh_h" in plan.soft_limits) == (problem.step_h @ plan.reserve_short_kwh > 1e-6)
    if reserve > problem.capacity_kwh:
        assert plan.soft_limits["reserve_kwh_h"] >= 24.0 * (reserve - problem.capacity_kwh) - 1e-3
    assert any(each.code == "counted-as-full" for each in plan.remarks) == any(
        b.stored_kwh > b.capacity_kwh for b in problem.batteries
    )


@pytest.mark.parametrize("seed", range(12))
def test_a_genset_among_everything_has_a_plan(seed):
    plan = SOLVER.solve(component_problem(seed, N, COMPONENTS))
    assert plan.usable, plan.remarks
    assert np.isfinite(plan.stored_value_per_kwh).all()


def test_a_battery_measured_above_its_capacity_counts_as_full_with_a_remark():
    battery = lead_carbon(stored_kwh=1.04 * 48.0)
    plan = SOLVER.solve(component_problem(1, N, (), batteries=(battery,)))
    assert plan.usable
    (noted,) = plan.remarks
    assert (noted.code, noted.values["battery"]) == ("counted-as-full", 0)
    assert noted.values["soc"] == pytest.approx(1.04, abs=0.005)


def test_warm_and_cold_agree_on_the_first_setpoint_with_depth_wear():
    for seed in range(20):
        problem = component_problem(seed, 24, CONTINUOUS)
        warm, cold = SOLVER.solve(problem), PlanSolver().solve(problem)
        assert warm.battery_kw[0] == pytest.approx(cold.battery_kw[0], abs=1e-3)
        assert warm.objective == pytest.approx(cold.objective, rel=1e-6, abs=1e-6)


def short_sleep():
    return replace(component_problem(1, N, ("sleep",)).sleep, available_kw=[1.0, 1.0])


def late_full_charge():
    problem = component_problem(1, N, ("batteries",))
    first = problem.batteries[0]
    return replace(
        problem, batteries=(replace(first, full_charge=replace(first.full_charge, by_step=N)),)
    )


def warm_below_cold() -> Cooling:
    return replace(component_problem(1, N, ("cooling",)).cooling, high_c=10.0)


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (
            lambda: DemandCharge(price_per_kw=1.0, peak_so_far_kw=0.0, interval_of_step=[1, 1]),
            "interval_of_step[0] is 1",
        ),
        (
            lambda: DemandCharge(price_per_kw=1.0, peak_so_far_kw=0.0, interval_of_step=[0, 2]),
            "allowed is 0 or 1",
        ),
        (
            lambda: Reduction(baseline_kw=[1.0], in_event=[0.5], price_per_kwh=1.0, bid_kw=1.0),
            "reduction.in_event[0] is 0.5; allowed is false or true",
        ),
        (
            lambda: Reduction(
                baseline_kw=[float("nan")], in_event=[1], price_per_kwh=1.0, bid_kw=1.0
            ),
            "reduction.baseline_kw[0] is nan",
        ),
        (
            lambda: component_problem(1, N, ("sleep",), step_h=[1.0] * N, sleep=short_sleep()),
            "sleep.available_kw has",
        ),
        (late_full_charge, "batteries[0].full_charge.by_step is 8; allowed is 0 to 7"),
        (warm_below_cold, "cooling.high_c is 10.0; allowed is 18 to 200"),
    ],
)
def test_bad_components_are_refused(make, text):
    with pytest.raises(ProblemError) as refused:
        make()
    assert text in str(refused.value)
