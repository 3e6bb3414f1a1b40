"""Plans that can be computed by hand, the arithmetic beside them.

All on the plain site of `site_cases`: lossless rectifier with 0.1 kW standby, steps of 1 h, a
battery of 10 kWh that takes 3 kW and gives 5 kW, 0.9 each way, 0.05 per kWh discharged; load 2 kW.
"""

from dataclasses import replace

import numpy as np
import pytest
from site_cases import plain_battery, plain_problem, site_problem

from optimisation.problem.site_problem import (
    Cooling,
    DemandCharge,
    Export,
    FullCharge,
    Genset,
    RadioSleep,
    RectifierCurve,
)
from optimisation.problem.wear import CycleLife
from optimisation.solving.solver import PlanSolver

IDLE = plain_battery(max_charge_kw=0.0)
NARADA = CycleLife(((0.2, 11200.0), (0.4, 4800.0), (0.6, 2700.0), (0.8, 2000.0)))


@pytest.fixture(scope="module")
def solver():
    return PlanSolver()


def test_a_demand_charge_is_shaved_to_equal_hours(solver):
    # c kW in at 1 h and 0.81 c out at 2 h: 2.1 + c = 6.1 - 0.81 c, so c = 4 / 1.81 = 2.2099 and the
    # peak is 4.3099.
    demand = DemandCharge(price_per_kw=10.0, peak_so_far_kw=4.0, interval_of_step=[0, 1, 2])
    problem = plain_problem(price_per_kwh=[0.5] * 3, dc_load_kw=[2.0, 6.0, 0.0], demand=demand)
    plan = solver.solve(problem)
    assert plan.battery_kw == pytest.approx([4 / 1.81, -0.81 * 4 / 1.81, 0.0], abs=1e-6)
    assert plan.demand_peak_kw == pytest.approx(2.1 + 4 / 1.81)
    assert plan.cost_by_term["demand"] == pytest.approx(10.0 * (2.1 + 4 / 1.81 - 4.0))


def test_hours_that_do_not_count_are_not_shaved(solver):
    # The second hour draws 0.1 + 6 kW and is not billed; of the others the first has 0.1 + 2, below
    # the peak so far.
    demand = DemandCharge(
        price_per_kw=10.0,
        peak_so_far_kw=4.0,
        interval_of_step=[0, 1, 2],
        counts=[True, False, True],
    )
    plan = solver.solve(
        plain_problem(price_per_kwh=[0.5] * 3, dc_load_kw=[2.0, 6.0, 0.0], demand=demand)
    )
    assert plan.grid_import_kw == pytest.approx([2.1, 6.1, 0.1])
    assert plan.demand_peak_kw == 4.0
    assert plan.cost_by_term["demand"] == pytest.approx(0.0, abs=1e-9)


def test_below_the_peak_so_far_a_demand_charge_asks_for_nothing(solver):
    demand = DemandCharge(price_per_kw=10.0, peak_so_far_kw=6.1, interval_of_step=[0, 1, 2])
    plan = solver.solve(
        plain_problem(price_per_kwh=[0.5] * 3, dc_load_kw=[2.0, 6.0, 0.0], demand=demand)
    )
    assert plan.battery_kw == pytest.approx([0.0, 0.0, 0.0])
    assert plan.cost_by_term["demand"] == pytest.approx(0.0, abs=1e-9)


def test_of_a_billing_interval_the_mean_counts(solver):
    # 8.1 and 0.1 kW in the two halves of an interval are 4.1 kW; the third step is an interval of
    # its own.
    demand = DemandCharge(price_per_kw=10.0, peak_so_far_kw=0.0, interval_of_step=[0, 0, 1])
    plan = solver.solve(
        plain_problem(
            dc_load_kw=[8.0, 0.0, 2.0], price_per_kwh=[0.5] * 3, demand=demand, batteries=(IDLE,)
        )
    )
    assert plan.demand_peak_kw == pytest.approx(4.1)


def test_a_binding_reserve_shows_in_the_marginal_value(solver):
    # 5 kWh in the battery, 2 are reserved: 3 x 0.9 = 2.7 kWh come out, first at 1.2 (2 kWh), then
    # at 1.0 (0.7 kWh).
    problem = plain_problem(
        price_per_kwh=[0.9, 1.2, 1.0],
        reserve_kwh=[2.0] * 3,
        batteries=(plain_battery(stored_kwh=5.0, max_charge_kw=0.0),),
    )
    plan = solver.solve(problem)
    assert plan.battery_kw == pytest.approx([0.0, -2.0, -0.7])
    assert plan.soft_limits == {}
    # Another kWh would save 0.9 x (1.0 - 0.05).
    assert plan.stored_value_per_kwh[0] == pytest.approx(0.855, abs=1e-3)


def zhejiang(wear):
    """A spring day of Zhejiang from July 2026 (1-10 kV): valley 0.3653, flat 0.6803, peak 1.1267;
    48 kWh, 3.4 kW.
    """
    hour = np.arange(24)
    peak = (hour >= 16) & (hour < 23)
    valley = (hour < 7) | ((hour >= 11) & (hour < 14))
    return site_problem(
        24,
        price_per_kwh=np.where(peak, 1.1267, np.where(valley, 0.3653, 0.6803)),
        dc_load_kw=np.full(24, 3.4),
        ac_load_kw=np.zeros(24),
        pv_kw=np.zeros(24),
        reserve_kwh=np.full(24, 19.2),
        terminal_value_per_kwh=0.3653 / 0.95 / 0.92,
        rectifier=RectifierCurve(0.0, (20.0,), (1 / 0.95,)),
        rectifier_max_dc_kw=20.0,
        batteries=(
            plain_battery(
                capacity_kwh=48.0,
                stored_kwh=19.2,
                charge_efficiency=0.922,
                discharge_efficiency=0.922,
                max_charge_kw=9.6,
                wear_per_kwh=wear,
            ),
        ),
    )


def test_valley_to_peak_pays_for_lead_carbon_and_valley_to_flat_does_not(solver):
    # A kWh from valley to peak earns (1.1267 - 0.3653 / 0.85) / 0.95 = 0.734, to flat 0.264. The
    # deepest of the three fifths in use wears 0.56 (700 per kWh x 1.458e-4 per 20 % x 5 / 0.922),
    # the shallowest 0.34.
    wear = NARADA.wear_per_kwh(replacement_per_kwh=700.0, discharge_efficiency=0.922, segments=5)
    assert wear == pytest.approx((0.339, 0.452, 0.553, 0.553, 0.553), abs=1e-3)
    problem = zhejiang(wear)
    plan = solver.solve(problem)
    flat, peak = problem.price_per_kwh == 0.6803, problem.price_per_kwh == 1.1267
    assert plan.discharge_kw[flat].max() == 0.0
    # The battery has 28.8 x 0.922 = 26.55 kWh above the reserve, the peak asks for 7 x 3.4 = 23.8:
    # it gets all of them.
    assert plan.discharge_kw[peak] == pytest.approx([3.4] * 7)


def test_a_battery_that_does_not_wear_makes_the_second_cycle(solver):
    problem = zhejiang((0.0,))
    plan = solver.solve(problem)
    assert plan.discharge_kw[7:11] == pytest.approx([3.4] * 4)
    assert plan.charge_kw[11:14].sum() > 3.4 * 4


@pytest.mark.parametrize(
    ("penalty", "battery_kw"), [(2.0, [0.0, 5 / 0.9 - 3.0, 3.0]), (0.2, [0.0, 0.0, 0.0])]
)
def test_a_full_charge_is_bought_in_the_cheap_hours_or_left(penalty, battery_kw, solver):
    # 5 kWh are missing: 5.556 from the bus, 3 of them in the last cheap hour. A kWh costs 0.3 /
    # 0.9 = 0.333.
    battery = plain_battery(
        stored_kwh=5.0, full_charge=FullCharge(2, penalty), max_discharge_kw=0.0
    )
    plan = solver.solve(plain_problem(price_per_kwh=[1.0, 0.3, 0.3], batteries=(battery,)))
    assert plan.battery_kw == pytest.approx(battery_kw, abs=1e-6)
    assert plan.soft_limits == ({} if penalty == 2.0 else {"full_charge_kwh": pytest.approx(5.0)})


def test_surplus_pv_is_exported_after_the_ac_side_is_served(solver):
    # 6 kW of PV less 2 kW of load: 4 x 0.95 = 3.8 kW AC, of which 0.1 is the standby and 3.7 are
    # sold at 0.4.
    export = Export(
        price_per_kwh=[0.4] * 3, limit_kw=[9.0] * 3, inverter_efficiency=0.95, inverter_max_kw=5.0
    )
    plan = solver.solve(plain_problem(pv_kw=[6.0, 0.0, 0.0], export=export, batteries=(IDLE,)))
    assert plan.grid_export_kw == pytest.approx([3.7, 0.0, 0.0])
    assert plan.cost_by_term["export"] == pytest.approx(-1.48)
    assert plan.grid_import_kw == pytest.approx([0.0, 2.1, 2.1], abs=1e-9)


def test_a_battery_is_filled_to_be_sold_where_a_kwh_earns_more_than_it_costs(solver):
    # 8 kWh are bought at 0.3. The last hour gives 2 to the load and 8 to the inverter: 7.6 kWh AC,
    # of which 0.1 is the standby and 7.5 are sold at 1.0. It buys nothing then, though what it buys
    # for 0.3 would sell for 1.0 at once.
    battery = plain_battery(
        capacity_kwh=10.0,
        stored_kwh=2.0,
        charge_efficiency=1.0,
        discharge_efficiency=1.0,
        max_charge_kw=20.0,
        max_discharge_kw=20.0,
    )
    export = Export(
        price_per_kwh=[0.0, 0.0, 1.0],
        limit_kw=[9.0] * 3,
        inverter_efficiency=0.95,
        inverter_max_kw=9.0,
    )
    problem = plain_problem(price_per_kwh=[0.3] * 3, export=export, batteries=(battery,))
    plan = solver.solve(problem)
    assert plan.grid_import_kw[2] == pytest.approx(0.0, abs=1e-9)
    assert plan.battery_kw.sum() == pytest.approx(-2.0)
    assert plan.battery_discharge_kw[0, 2] == pytest.approx(10.0)
    assert plan.grid_export_kw == pytest.approx([0.0, 0.0, 8.0 * 0.95 - 0.1])
    assert plan.cost_by_term["export"] == pytest.approx(-7.5)


def test_pv_is_exported_above_the_price_of_import_before_it_is_stored(solver):
    # 0.4 for a kWh sold at noon, 0.2 for one bought then and later: PV is exported, the battery
    # rests.
    export = Export(
        price_per_kwh=[0.4] * 3, limit_kw=[9.0] * 3, inverter_efficiency=0.95, inverter_max_kw=9.0
    )
    battery = plain_battery(stored_kwh=5.0, max_discharge_kw=0.0)
    problem = plain_problem(
        price_per_kwh=[0.2] * 3, pv_kw=[6.0, 0.0, 0.0], export=export, batteries=(battery,)
    )
    plan = solver.solve(problem)
    assert plan.grid_export_kw == pytest.approx([3.7, 0.0, 0.0])
    assert plan.battery_kw == pytest.approx([0.0] * 3, abs=1e-6)


def room(**changes):
    fields = {
        "max_kw": 3.0,
        "cop": 2.5,
        "heat_capacity_kwh_per_k": 0.5,
        "heat_loss_kw_per_k": 0.05,
        "room_now_c": 28.0,
        "low_c": 20.0,
        "high_c": 28.0,
        "outdoor_c": [38.0] * 3,
        "inside_heat_kw": [2.0] * 3,
        "discomfort_per_k_h": 5.0,
    }
    return Cooling(**(fields | changes))


def test_a_room_is_held_at_the_top_of_its_band(solver):
    # 0.05 x 10 K + 2 kW = 2.5 kW of heat = 1 kW electric.
    plan = solver.solve(plain_problem(price_per_kwh=[0.5] * 3, cooling=room(), batteries=(IDLE,)))
    assert plan.cooling_kw == pytest.approx([1.0] * 3)
    assert plan.room_c == pytest.approx([28.0] * 3)
    assert plan.grid_import_kw == pytest.approx([3.1] * 3)


def test_a_room_is_cooled_ahead_of_an_expensive_hour(solver):
    # Without cooling in the expensive hour the room warms by (66.67 - x)(1 - exp(-0.1)) from x; it
    # must end that hour at 28 at most.
    plan = solver.solve(
        plain_problem(
            price_per_kwh=[0.1, 2.0, 0.1], cooling=room(outdoor_c=[38.0] * 3), batteries=(IDLE,)
        )
    )
    kept = np.exp(-0.1)
    before = (28.0 - (38.0 + 2.0 / 0.05) * (1 - kept)) / kept
    assert plan.cooling_kw[1] == pytest.approx(0.0, abs=1e-6)
    assert plan.room_c[0] == pytest.approx(before)


@pytest.mark.parametrize(("cost", "asleep"), [(0.4, [0.0, 1.0, 1.0]), (1.5, [0.0, 0.0, 0.0])])
def test_radio_sleeps_where_energy_is_more_expensive(cost, asleep, solver):
    sleep = RadioSleep(available_kw=[1.0] * 3, cost_per_kwh=cost)
    plan = solver.solve(plain_problem(sleep=sleep, batteries=(IDLE,)))
    assert plan.sleep_kw == pytest.approx(asleep)
    assert plan.cost_by_term["sleep"] == pytest.approx(cost * sum(asleep))


def genset(**changes):
    fields = {
        "max_kw": 8.0,
        "min_kw": 1.0,
        "fuel_per_kwh": 2.5,
        "start_cost": 1.0,
        "available": [0, 1, 0],
    }
    return Genset(**(fields | changes))


def test_a_genset_carries_an_outage_that_the_battery_cannot(solver):
    # 2 kW of load and 0.1 kW of standby, which the site draws again while the set runs.
    plan = solver.solve(
        plain_problem(import_limit_kw=[10.0, 0.0, 10.0], genset=genset(), batteries=(IDLE,))
    )
    assert plan.genset_kw == pytest.approx([0.0, 2.1, 0.0])
    assert plan.cost_by_term["genset"] == pytest.approx(2.5 * 2.1 + 1.0)
    assert plan.unserved_kw.max() == 0.0
    running = replace(genset(available=[1, 1, 1]), running=True)
    plan = solver.solve(
        plain_problem(import_limit_kw=[0.0, 0.0, 10.0], genset=running, batteries=(IDLE,))
    )
    assert plan.cost_by_term["genset"] == pytest.approx(2.5 * 2.1 * 2)


def test_a_genset_stays_off_where_the_battery_is_cheaper(solver):
    problem = plain_problem(
        import_limit_kw=[10.0, 0.0, 10.0],
        genset=genset(),
        batteries=(plain_battery(stored_kwh=5.0),),
    )
    plan = solver.solve(problem)
    assert plan.genset_on.max() == 0.0
    assert plan.unserved_kw.max() == 0.0


def test_a_genset_at_its_minimum_charges_what_the_load_leaves(solver):
    # 3 kW at least: 2.1 for the site, 0.9 into the battery, 0.81 stored.
    problem = plain_problem(
        import_limit_kw=[10.0, 0.0, 10.0], genset=genset(min_kw=3.0), price_per_kwh=[1.0] * 3
    )
    plan = solver.solve(replace(problem, batteries=(plain_battery(max_discharge_kw=0.0),)))
    assert plan.genset_kw == pytest.approx([0.0, 3.0, 0.0])
    assert plan.stored_kwh[1] == pytest.approx(0.81)


def test_of_two_batteries_the_one_that_wears_less_is_used(solver):
    # 2 kWh at 1.2: from the second, which wears 0.02 and loses less.
    expensive = plain_battery(stored_kwh=5.0, max_charge_kw=0.0)
    cheap = plain_battery(
        stored_kwh=5.0, max_charge_kw=0.0, wear_per_kwh=(0.02,), discharge_efficiency=0.95
    )
    plan = solver.solve(
        plain_problem(price_per_kwh=[0.01, 1.2, 0.01], batteries=(expensive, cheap))
    )
    assert plan.battery_discharge_kw[:, 1] == pytest.approx([0.0, 2.0])
    assert plan.cost_by_term["wear"] == pytest.approx(0.04)
    assert plan.stored_kwh == pytest.approx(plan.battery_stored_kwh.sum(axis=0))


def test_the_value_of_the_limit_and_of_the_cap_are_separate(solver):
    # Empty battery. A cap of 1 in the first hour is broken at 20 per kWh; the limit of 2 in the
    # second leaves 0.1 kW of load unserved at 1000, and 0.3 more would be paid for the kWh that is
    # let in.
    problem = plain_problem(
        price_per_kwh=[0.3] * 3,
        import_limit_kw=[10.0, 2.0, 10.0],
        import_cap_kw=[1.0, np.inf, np.inf],
        batteries=(IDLE,),
    )
    plan = solver.solve(problem)
    assert plan.import_cap_value_per_kwh == pytest.approx([20.0, 0.0, 0.0])
    assert plan.import_limit_value_per_kwh == pytest.approx([0.0, 999.7, 0.0], abs=1e-3)
    assert plan.soft_limits == {
        "import_cap_kwh": pytest.approx(1.1),
        "unserved_kwh": pytest.approx(0.1),
    }
