"""Plans against known answers by hand, and in the cases in which a plan may go wrong."""

from dataclasses import replace

import numpy as np
import pytest
from changed_plans import BY_BATTERY, BY_SEGMENT
from site_cases import lead_carbon, plain_battery, plain_problem, random_problem, site_problem

from optimisation.plan.plan import PlanStatus
from optimisation.plan.remark import remark
from optimisation.plan.series import MARGINAL_VALUES, SERIES
from optimisation.problem.future import Future
from optimisation.problem.site_problem import ProblemError, RectifierCurve
from optimisation.solving import solver as solver_module
from optimisation.solving.solver import PlanSolver


@pytest.fixture(scope="module")
def solver():
    return PlanSolver()


@pytest.fixture(scope="module")
def exact():
    return PlanSolver(tie_break=0.0)


def test_three_hours_computed_by_hand(solver):
    # 3 kWh go in at 0.3, 2.7 are stored, 2.43 come out at 1.0; the standby of 0.1 kW is paid every
    # hour.
    plan = solver.solve(plain_problem())
    assert plan.status is PlanStatus.OPTIMAL
    assert plan.remarks == ()
    assert plan.battery_kw == pytest.approx([3.0, -2.0, -0.43])
    assert plan.grid_import_kw == pytest.approx([5.1, 0.1, 1.67])
    assert plan.stored_kwh == pytest.approx([2.7, 2.7 - 2.0 / 0.9, 0.0], abs=1e-9)
    assert plan.cost_by_term["energy"] == pytest.approx(0.3 * 5.1 + 0.1 + 1.67)
    assert plan.cost_by_term["wear"] == pytest.approx(0.05 * 2.43)
    assert plan.objective == pytest.approx(3.4215)
    # Charging is at its limit: a stored kWh replaces 0.9 kWh at 1.0 and wears the battery by 0.9 x
    # 0.05.
    assert plan.stored_value_per_kwh == pytest.approx([0.855, 0.855, 0.855], abs=1e-3)


def test_the_plan_is_read_only(solver):
    plan = solver.solve(plain_problem())
    for name in (*SERIES, *MARGINAL_VALUES, *BY_BATTERY, *BY_SEGMENT, "battery_kw"):
        with pytest.raises(ValueError, match="read-only"):
            getattr(plan, name)[0] = 1.0


def test_tie_breaks_cost_next_to_nothing(solver, exact):
    for seed in range(6):
        problem = random_problem(seed)
        extra = solver.solve(problem).objective - exact.solve(problem).objective
        assert -1e-6 <= extra < 0.02


def test_charges_in_the_valley_and_discharges_at_the_peak(solver):
    problem = site_problem()
    plan = solver.solve(problem)
    valley, peak = problem.price_per_kwh == 0.3, problem.price_per_kwh == 1.2
    assert plan.charge_kw[valley].sum() > 20.0
    assert plan.charge_kw[~valley].max() == 0.0
    assert plan.discharge_kw[valley].max() == 0.0
    assert plan.discharge_kw[peak] == pytest.approx(problem.dc_load_kw[peak] - problem.pv_kw[peak])
    assert plan.reserve_short_kwh.max() == 0.0


def test_stored_value_explains_the_battery(solver):
    """Where it is free to move, charging pays the stored value and discharging earns it."""
    problem = site_problem()
    plan = solver.solve(problem)
    (battery,) = problem.batteries
    buying = problem.price_per_kwh * problem.rectifier.ac_per_dc[0]
    value = plan.stored_value_per_kwh
    charging, discharging = plan.charge_kw > 0.01, plan.discharge_kw > 0.01
    assert charging.any()
    assert discharging.any()
    dc_price = problem.price_per_kwh * problem.rectifier.ac_per_dc[-1]
    assert (value[charging] * battery.charge_efficiency >= buying[charging] - 1e-3).all()
    assert (
        value[discharging] <= (dc_price[discharging] - battery.wear_per_kwh[0]) * 0.92 + 1e-3
    ).all()
    assert (value > 0.0).all()


def test_stored_value_is_what_another_kwh_now_would_save(exact):
    problem = site_problem(n=48, batteries=(lead_carbon(stored_kwh=14.0),))
    richer = exact.solve(replace(problem, batteries=(lead_carbon(stored_kwh=14.01),)))
    plan = exact.solve(problem)
    assert (plan.objective - richer.objective) / 0.01 == pytest.approx(
        plan.stored_value_per_kwh[0], rel=0.02
    )


def test_warm_and_cold_agree_on_the_first_setpoint():
    """Equal prices for hours make the optimum a whole face; the tie-breaks must leave one point of
    it.
    """
    warm = PlanSolver()
    for k in range(25):
        day = site_problem(48)
        rolled = {
            name: np.roll(getattr(day, name), -k)
            for name in ("price_per_kwh", "dc_load_kw", "pv_kw", "reserve_kwh")
        }
        problem = replace(day, **rolled, batteries=(lead_carbon(stored_kwh=12.0 + k),))
        assert warm.solve(problem).battery_kw[0] == pytest.approx(
            PlanSolver().solve(problem).battery_kw[0], abs=1e-3
        )


def test_a_start_below_the_reserve_recovers_at_once_and_never_falls_again(solver):
    problem = site_problem(
        price_per_kwh=np.full(96, 1.2),
        reserve_kwh=np.full(96, 20.0),
        batteries=(lead_carbon(stored_kwh=2.0),),
    )
    plan = solver.solve(problem)
    short = plan.reserve_short_kwh
    assert short[0] > 10.0
    assert (np.diff(short) <= 1e-9).all()
    assert plan.rectifier_dc_kw[0] == pytest.approx(problem.rectifier_max_dc_kw)
    assert plan.cost_by_term["reserve"] > 0.0
    assert short[-1] == 0.0


def test_a_shortage_is_priced_by_the_hour(solver):
    # A kWh short for a quarter of an hour costs 0.25, and 0.5 / 0.9 to fill: it is left; for an
    # hour it is.
    one = {name: [0.0] for name in ("dc_load_kw", "ac_load_kw", "pv_kw")}
    for hours, filled in ((0.25, 0.0), (1.0, 0.9)):
        problem = plain_problem(
            **one,
            step_h=[hours],
            price_per_kwh=[0.5],
            import_limit_kw=[10.0],
            import_cap_kw=[np.inf],
            reserve_kwh=[0.9],
            reserve_penalty_per_kwh_h=1.0,
        )
        assert solver.solve(problem).stored_kwh == pytest.approx([filled])


def test_a_planned_outage_runs_on_the_battery_and_draws_nothing(solver):
    out = slice(40, 52)
    limit = np.full(96, 15.0)
    limit[out] = 0.0
    plan = solver.solve(
        site_problem(
            import_limit_kw=limit,
            reserve_kwh=np.zeros(96),
            batteries=(lead_carbon(stored_kwh=5.0),),
        )
    )
    assert plan.status is PlanStatus.OPTIMAL
    assert (plan.grid_import_kw[out] == 0.0).all()
    assert (plan.rectifier_dc_kw[out] == 0.0).all()
    assert plan.unserved_kw.max() == 0.0


def test_load_that_nothing_can_serve_is_reported_and_the_rest_is_served(solver):
    problem = plain_problem(
        import_limit_kw=[10.0, 0.0, 0.0], batteries=(plain_battery(max_charge_kw=1.0),)
    )
    plan = solver.solve(problem)
    assert plan.status is PlanStatus.OPTIMAL
    assert plan.unserved_kw.sum() == pytest.approx(4.0 - 0.81)
    assert plan.cost_by_term["unserved"] == pytest.approx(1000.0 * (4.0 - 0.81))


def test_an_ac_side_that_draws_more_than_the_connection_is_a_remark_and_not_infeasible(solver):
    plan = solver.solve(
        plain_problem(ac_load_kw=[0.0, 12.0, 0.0], batteries=(plain_battery(stored_kwh=5.0),))
    )
    assert plan.status is PlanStatus.OPTIMAL
    assert plan.grid_import_kw[1] == pytest.approx(10.0)
    assert plan.remarks == (remark("ac-side-alone", steps=1),)


def test_a_demand_response_cap_is_held_when_that_is_possible(solver):
    cap = np.full(96, np.inf)
    cap[60:68] = 1.0
    plan = solver.solve(site_problem(import_cap_kw=cap))
    assert plan.grid_import_kw[60:68].max() <= 1.0 + 1e-6
    assert plan.cap_excess_kw.max() <= 1e-6


def test_a_cap_that_cannot_be_held_is_broken_by_no_more_than_necessary(solver):
    problem = plain_problem(import_cap_kw=[1.0, np.inf, np.inf])
    plan = solver.solve(problem)
    assert plan.status is PlanStatus.OPTIMAL
    assert plan.cap_excess_kw == pytest.approx([1.1, 0.0, 0.0])
    assert plan.cost_by_term["cap"] == pytest.approx(20.0 * 1.1)


@pytest.mark.parametrize("wear", [0.0, 0.1])
@pytest.mark.parametrize("price", [0.0, -0.1, -0.6])
def test_never_charges_and_discharges_at_once_whatever_the_price(price, wear, solver):
    prices = np.where(np.arange(96) % 48 < 30, price, 0.7)
    for pv_scale in (0.0, 4.0):
        problem = site_problem(price_per_kwh=prices, batteries=(lead_carbon(wear_per_kwh=(wear,)),))
        plan = solver.solve(replace(problem, pv_kw=pv_scale * problem.pv_kw))
        assert plan.status is PlanStatus.OPTIMAL, plan.remarks
        assert np.minimum(plan.charge_kw, plan.discharge_kw).max() < 1e-6


def test_at_a_negative_price_the_plan_does_not_count_on_rectifier_losses(solver):
    # Filling the lossy segment first would seem to earn 0.2 per kWh in the first hour; it cannot be
    # filled first.
    problem = plain_problem(
        price_per_kwh=[-0.1, -0.15, 1.0],
        dc_load_kw=[0.0, 8.0, 0.0],
        import_limit_kw=[50.0, 50.0, 50.0],
        rectifier=RectifierCurve(0.1, (5.0, 5.0), (1.0, 2.0)),
        batteries=(plain_battery(capacity_kwh=1.8),),
    )
    plan = solver.solve(problem)
    assert plan.battery_kw == pytest.approx([0.0, 2.0, 0.0], abs=1e-6)
    assert plan.grid_import_kw == pytest.approx([0.1, 15.1, 0.1])


def test_of_equal_hours_pv_is_stored_in_the_early_ones_and_energy_bought_in_the_late_ones(solver):
    free = plain_problem(price_per_kwh=[0.5] * 3, pv_kw=[4.0, 4.0, 0.0])
    assert solver.solve(free).battery_kw == pytest.approx([2.0, 2.0 / 0.81 - 2.0, -2.0])
    bought = plain_problem(price_per_kwh=[0.1, 0.1, 1.0], dc_load_kw=[0.0, 0.0, 2.0])
    assert solver.solve(bought).battery_kw == pytest.approx([0.0, 2.0 / 0.81, -2.0])
    used = plain_problem(
        price_per_kwh=[1.0, 1.0, 0.1],
        dc_load_kw=[2.0, 2.0, 0.0],
        batteries=(plain_battery(stored_kwh=2.0 / 0.9, max_charge_kw=0.0),),
    )
    assert solver.solve(used).battery_kw == pytest.approx([-2.0, 0.0, 0.0])


def test_stored_energy_has_a_value_in_each_future(solver):
    """A kWh more gives 0.9 kWh in the last hour, saves import there and costs wear; but only in the
    expected future is there a load.
    """
    battery = plain_battery(stored_kwh=0.5, max_charge_kw=0.0)
    problem = plain_problem(
        price_per_kwh=[0.0, 0.0, 1.0], dc_load_kw=[0.0, 0.0, 2.0], batteries=(battery,)
    )
    nothing = Future(np.zeros(3), np.zeros(3))
    alone, both = solver.solve(problem), solver.solve(problem, futures=(nothing, nothing))
    assert alone.segment_value_per_kwh[0, 0] == pytest.approx(0.855, abs=1e-3)
    assert both.segment_value_per_kwh == pytest.approx(alone.segment_value_per_kwh)
    assert len(both.future_value_per_kwh) == 2
    for values in both.future_value_per_kwh:
        assert values[0, 0] == pytest.approx(0.0, abs=1e-3)
    assert both.battery_kw == pytest.approx(alone.battery_kw)
    assert both.stored_value_per_kwh == pytest.approx(alone.stored_value_per_kwh)


def test_a_future_that_is_not_solved_is_left_out(solver):
    problem = site_problem()
    plan = solver.solve(problem)
    future = Future(problem.dc_load_kw, problem.pv_kw)
    late = solver.solve(problem, limit_s=plan.solve_s + 1e-9, futures=(future,))
    assert not late.future_value_per_kwh


@pytest.mark.parametrize("wrong", [[1.0, -1.0, 0.0], [1.0, np.nan, 0.0], [np.inf] * 3])
def test_a_future_holds_powers(wrong):
    with pytest.raises(ProblemError, match=r"dc_load_kw\["):
        Future(np.array(wrong), np.zeros(3))


def test_surplus_pv_is_stored_and_the_rest_curtailed(solver):
    plan = solver.solve(plain_problem(pv_kw=[9.0, 0.0, 0.0]))
    assert plan.pv_kw == pytest.approx([5.0, 0.0, 0.0])
    assert plan.grid_import_kw[0] == pytest.approx(0.1)


@pytest.mark.parametrize("stored", [0.0, 48.0])
def test_an_empty_and_a_full_battery_have_a_plan(stored, solver):
    assert (
        solver.solve(site_problem(batteries=(lead_carbon(stored_kwh=stored),))).status
        is PlanStatus.OPTIMAL
    )


def test_a_smaller_rectifier_limit_is_kept(solver):
    plan = solver.solve(site_problem(rectifier_max_dc_kw=5.5))
    assert plan.usable
    assert plan.rectifier_dc_kw.max() == pytest.approx(5.5)


@pytest.mark.parametrize("limit", [0.0, -1.0, float("nan"), float("inf")])
def test_a_time_limit_that_is_none_is_refused(limit, solver):
    with pytest.raises(ProblemError, match="limit_s"):
        solver.solve(plain_problem(), limit)


def test_a_reached_time_limit_is_an_error_with_its_reason():
    plan = PlanSolver().solve(site_problem(), 1e-9)
    assert not plan.usable
    assert plan.remarks == (remark("time-limit", limit_s=1e-9),)
    assert plan.stored_kwh.size == 0


def test_a_plan_that_the_checker_refuses_does_not_get_out(solver, monkeypatch):
    monkeypatch.setattr(
        solver_module, "check", lambda problem, plan: ("the sky is green in step 3",)
    )
    plan = solver.solve(plain_problem())
    assert plan.status is PlanStatus.ERROR
    assert plan.remarks == (remark("check-refused", violations="the sky is green in step 3"),)


def test_only_so_many_compiled_shapes_are_kept(monkeypatch):
    monkeypatch.setattr(solver_module, "SHAPES_KEPT", 2)
    solver = PlanSolver()
    for n in (4, 6, 8, 6, 4):
        assert solver.solve(site_problem(n)).usable
    assert [shape.n_steps for shape in solver._ready] == [6, 4]


def test_a_price_while_the_mains_are_out_changes_nothing():
    out = np.arange(96) >= 80
    problem = site_problem(import_limit_kw=np.where(out, 0.0, 15.0))
    solver = PlanSolver()
    priced, paid = (
        solver.solve(replace(problem, price_per_kwh=np.where(out, price, problem.price_per_kwh)))
        for price in (0.3, -1.0)
    )
    assert paid.objective == pytest.approx(priced.objective, rel=1e-6)
    np.testing.assert_allclose(paid.battery_kw, priced.battery_kw, atol=1e-6)
