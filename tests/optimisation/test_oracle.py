"""The solver finds the cost that an exact dynamic program finds, which knows neither the model nor
a solver.
"""

from dataclasses import replace

import numpy as np
import pytest
from oracle_dp import optimum
from site_cases import EFFICIENCY

from optimisation.plan.plan import PlanStatus
from optimisation.problem.battery import BatteryModel
from optimisation.problem.components import DemandCharge
from optimisation.problem.rectifier import RectifierCurve
from optimisation.problem.site_problem import SiteProblem
from optimisation.program.prices import TIE_BREAK
from optimisation.solving.solver import PlanSolver

S1_OPTIMUM = 29.2741532795
"""Found for the same problem by scipy's linprog and by four other energy planners."""


def s1() -> SiteProblem:
    """A day of 15 minute steps without losses but those of the battery: 15 kWh at both ends, never
    below 9 kWh.
    """
    t = np.arange(96)
    reserve = np.full(96, 9.0)
    reserve[-1] = 15.0
    peak = ((t >= 32) & (t < 44)) | ((t >= 68) & (t < 84))
    return SiteProblem(
        step_h=np.full(96, 0.25),
        price_per_kwh=np.where((t < 28) | (t >= 92), 0.3, np.where(peak, 1.2, 0.7)),
        dc_load_kw=4.0 + 1.2 * np.sin(2 * np.pi * (t - 32) / 96),
        ac_load_kw=np.zeros(96),
        pv_kw=np.where(
            (t >= 24) & (t < 72), np.clip(4.2 * np.sin(np.pi * (t - 24) / 48), 0.0, None), 0.0
        ),
        import_limit_kw=np.full(96, 15.0),
        import_cap_kw=np.full(96, np.inf),
        reserve_kwh=reserve,
        terminal_value_per_kwh=0.0,
        reserve_penalty_per_kwh_h=100.0,
        cap_penalty_per_kwh=0.0,
        unserved_penalty_per_kwh=1000.0,
        rectifier=RectifierCurve(0.0, (20.0,), (1.0,)),
        rectifier_max_dc_kw=20.0,
        batteries=(
            BatteryModel(
                capacity_kwh=30.0,
                stored_kwh=15.0,
                charge_efficiency=0.92,
                discharge_efficiency=0.92,
                max_charge_kw=5.0,
                max_discharge_kw=5.0,
                wear_per_kwh=(0.0,),
            ),
        ),
    )


def single_battery(seed: int) -> SiteProblem:
    """An unrelated day of uneven steps; every limit and every penalty binds on some of them."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 49))
    capacity = float(rng.uniform(2.0, 50.0))
    limit = rng.choice([15.0, 8.0, 3.0], n)
    limit[rng.random(n) < 0.08] = 0.0
    levels = rng.choice([0.0, 0.3, 0.7, 1.2], n)
    curves = (
        RectifierCurve.from_efficiency(float(rng.uniform(4.0, 15.0)), EFFICIENCY),
        RectifierCurve(0.1, (3.0, 4.0, 5.0), (1.04, 1.06, 1.10)),
    )
    return SiteProblem(
        step_h=rng.choice([0.25, 0.5, 1.0], n),
        price_per_kwh=levels if rng.random() < 0.5 else rng.uniform(0.0, 1.5, n),
        dc_load_kw=rng.uniform(0.0, 6.0, n),
        ac_load_kw=rng.uniform(0.0, 1.0, n),
        pv_kw=rng.uniform(0.0, 8.0, n) * (rng.random(n) < 0.6),
        import_limit_kw=limit,
        import_cap_kw=np.where(rng.random(n) < 0.2, rng.uniform(0.0, 4.0, n), np.inf),
        reserve_kwh=rng.uniform(0.0, 1.2 * capacity, n),
        terminal_value_per_kwh=float(rng.uniform(0.0, 1.0)),
        reserve_penalty_per_kwh_h=float(rng.choice([0.5, 30.0])),
        cap_penalty_per_kwh=float(rng.choice([0.3, 20.0])),
        unserved_penalty_per_kwh=float(rng.choice([2.0, 1000.0])),
        rectifier=curves[int(rng.integers(2))],
        rectifier_max_dc_kw=float(rng.uniform(2.0, 15.0)),
        batteries=(
            BatteryModel(
                capacity_kwh=capacity,
                stored_kwh=capacity * float(rng.choice([0.0, rng.random(), 1.0, 1.05])),
                charge_efficiency=float(rng.uniform(0.8, 1.0)),
                discharge_efficiency=float(rng.uniform(0.8, 1.0)),
                max_charge_kw=float(rng.uniform(0.0, 8.0)),
                max_discharge_kw=float(rng.uniform(0.0, 8.0)),
                wear_per_kwh=(
                    float(rng.choice([0.001, 0.05, 0.4])),
                ),  # with 0 a surplus may go round at no cost
            ),
        ),
    )


def with_demand_charge(problem: SiteProblem, seed: int) -> SiteProblem:
    rng = np.random.default_rng(seed)
    demand = DemandCharge(
        price_per_kw=float(rng.uniform(0.0, 10.0)),
        peak_so_far_kw=float(rng.uniform(0.0, 4.0)),
        interval_of_step=np.arange(problem.n_steps),
    )
    return replace(problem, demand=demand)


def test_the_known_optimum_is_found_by_both():
    assert optimum(s1()) == pytest.approx(S1_OPTIMUM, abs=1e-9)
    plan = PlanSolver(tie_break=0.0).solve(s1())
    assert plan.objective == pytest.approx(S1_OPTIMUM, abs=1e-9)
    assert plan.grid_import_kw.sum() * 0.25 == pytest.approx(67.626, abs=1e-3)


@pytest.mark.parametrize("seed", range(50))
def test_the_cost_is_that_of_the_dynamic_program(seed):
    problem = single_battery(seed)
    exact = optimum(problem)
    plan = PlanSolver(tie_break=0.0).solve(problem)
    assert plan.status is PlanStatus.OPTIMAL, plan.remarks
    assert plan.objective == pytest.approx(exact, rel=1e-8, abs=1e-8)


@pytest.mark.parametrize("seed", range(8))
def test_the_cost_with_a_demand_charge_is_that_of_the_dynamic_program(seed):
    problem = with_demand_charge(single_battery(seed), seed)
    plan = PlanSolver(tie_break=0.0).solve(problem)
    assert plan.status is PlanStatus.OPTIMAL, plan.remarks
    assert plan.objective == pytest.approx(optimum(problem), rel=1e-7, abs=1e-7)


@pytest.mark.parametrize("seed", range(16))
def test_the_tie_breaks_cost_no_more_than_their_size(seed):
    problem = single_battery(seed)
    if seed % 2:
        problem = replace(problem, batteries=(replace(problem.batteries[0], wear_per_kwh=(0.0,)),))
    exact = optimum(problem)
    battery = problem.batteries[0]
    largest = max(
        float(problem.price_per_kwh.max()), problem.terminal_value_per_kwh, battery.wear_per_kwh[0]
    )
    # On each kWh: import and charging one tie-break, and one for each rectifier segment below the
    # last.
    parts = len(problem.rectifier.ac_per_dc)
    energy = (
        float(problem.step_h @ problem.import_limit_kw)
        + float(problem.step_h.sum()) * battery.max_charge_kw
    )
    allowed = TIE_BREAK * largest * (1 + parts) * energy
    plan = PlanSolver().solve(problem)
    assert exact - 1e-8 * max(1.0, abs(exact)) <= plan.objective <= exact + allowed + 1e-8


def test_the_oracle_refuses_what_it_does_not_hold_for():
    problem = single_battery(0)
    with pytest.raises(ValueError, match="prices of 0 or more"):
        optimum(replace(problem, price_per_kwh=problem.price_per_kwh - 2.0))
    two = replace(problem, batteries=problem.batteries * 2)
    with pytest.raises(ValueError, match="one battery of one segment"):
        optimum(two)
