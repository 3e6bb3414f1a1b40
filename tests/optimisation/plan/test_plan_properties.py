"""What must hold for any site and any day."""

from dataclasses import replace

import numpy as np
from examples import examples
from hypothesis import given, settings
from hypothesis import strategies as st
from site_cases import lead_carbon, site_problem

from optimisation.plan.plan import PlanStatus
from optimisation.solving.solver import PlanSolver

N = 8
SOLVER, EXACT = PlanSolver(), PlanSolver(tie_break=0.0)


def series(low, high):
    return st.lists(st.floats(low, high, allow_subnormal=False), min_size=N, max_size=N)


@settings(max_examples=examples(150))
@given(
    stored=st.floats(0.0, 1.05 * 48.0),
    price=series(-0.5, 2.0),
    load=series(0.0, 30.0),
    ac_load=series(0.0, 30.0),
    pv=series(0.0, 30.0),
    limit=st.lists(st.sampled_from([0.0, 0.05, 5.0, 15.0]), min_size=N, max_size=N),
    cap=st.lists(st.sampled_from([0.0, 3.0, float("inf")]), min_size=N, max_size=N),
    reserve=series(0.0, 60.0),
    max_charge=st.floats(0.0, 10.0),
)
def test_every_soc_load_price_and_outage_has_a_plan_that_the_checker_passes(
    stored, price, load, ac_load, pv, limit, cap, reserve, max_charge
):
    problem = site_problem(
        N,
        price_per_kwh=price,
        dc_load_kw=load,
        ac_load_kw=ac_load,
        pv_kw=pv,
        import_limit_kw=limit,
        import_cap_kw=cap,
        reserve_kwh=reserve,
        batteries=(lead_carbon(stored_kwh=stored, max_charge_kw=max_charge),),
    )
    plan = SOLVER.solve(problem)
    assert plan.status is PlanStatus.OPTIMAL, plan.remarks
    assert np.isfinite(plan.stored_value_per_kwh).all()


@settings(max_examples=examples(80))
@given(
    stored=st.floats(0.0, 30.0),
    price=series(0.01, 2.0),
    load=series(0.0, 12.0),
    pv=series(0.0, 12.0),
    growth=st.floats(1.0, 3.0),
)
def test_more_battery_never_costs_more(stored, price, load, pv, growth):
    batteries = (lead_carbon(30.0, stored_kwh=stored),)
    small = site_problem(N, price_per_kwh=price, dc_load_kw=load, pv_kw=pv, batteries=batteries)
    large = replace(small, batteries=(lead_carbon(30.0 * growth, stored_kwh=stored),))
    cost_small, cost_large = EXACT.solve(small).objective, EXACT.solve(large).objective
    assert cost_large <= cost_small + 1e-6 * max(1.0, abs(cost_small))
