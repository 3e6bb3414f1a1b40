"""The cost of wear in a plan against the rainflow count of the planned stored energy."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
import rainflow

from optimisation.plan.plan import PlanStatus
from optimisation.problem.battery import BatteryModel, after_one_discharge, follow
from optimisation.problem.rectifier import RectifierCurve
from optimisation.problem.site_problem import SiteProblem
from optimisation.problem.wear import CycleLife
from optimisation.solving.solver import PlanSolver

LEAD_CARBON = CycleLife(((0.2, 11_200.0), (0.4, 4_800.0), (0.6, 2_700.0), (0.8, 2_000.0)))
LITHIUM = CycleLife(((0.25, 30_000.0), (0.5, 8_000.0), (0.75, 4_000.0), (1.0, 2_500.0)))
REPLACEMENT_PER_KWH = 700.0
DAYS = 5


def rainflow_wear(life: CycleLife, battery: BatteryModel, stored_kwh: Sequence[float]) -> float:
    """Currency: each cycle of the trace costs its share of the battery, half a cycle half of it
    (ASTM E1049-85).
    """
    soc = np.concatenate(([battery.counted_kwh], stored_kwh)) / battery.capacity_kwh
    used = sum(
        count * float(life.stress(min(1.0, depth))) for depth, count in rainflow.count_cycles(soc)
    )
    return REPLACEMENT_PER_KWH * battery.capacity_kwh * used


def two_cycles_a_day(life: CycleLife, segments: int, seed: int) -> SiteProblem:
    """Hours of some days, full to full: cheap at night and noon, expensive in the morning and the
    evening.
    """
    rng = np.random.default_rng(seed)
    hour = np.arange(24 * DAYS) % 24
    expensive = ((hour >= 8) & (hour < 11)) | ((hour >= 17) & (hour < 22))
    cheap = (hour < 7) | ((hour >= 11) & (hour < 14))
    each_day = np.repeat(
        rng.uniform(0.7, 1.3, DAYS), 24
    )  # so that the cycles are not all of one depth
    battery = BatteryModel(
        capacity_kwh=48.0,
        stored_kwh=48.0,
        charge_efficiency=0.92,
        discharge_efficiency=0.92,
        max_charge_kw=9.6,
        max_discharge_kw=12.0,
        wear_per_kwh=life.wear_per_kwh(
            replacement_per_kwh=REPLACEMENT_PER_KWH, discharge_efficiency=0.92, segments=segments
        ),
    )
    reserve = np.full(hour.size, 6.0)
    reserve[-1] = battery.capacity_kwh
    return SiteProblem(
        step_h=np.ones(hour.size),
        price_per_kwh=np.where(expensive, 1.6, np.where(cheap, 0.3, 0.7)) * each_day,
        dc_load_kw=rng.uniform(3.0, 6.0, hour.size),
        ac_load_kw=np.zeros(hour.size),
        pv_kw=rng.uniform(0.0, 3.0, hour.size) * ((hour >= 8) & (hour < 17)),
        import_limit_kw=np.full(hour.size, 25.0),
        import_cap_kw=np.full(hour.size, np.inf),
        reserve_kwh=reserve,
        terminal_value_per_kwh=0.0,
        reserve_penalty_per_kwh_h=120.0,
        cap_penalty_per_kwh=20.0,
        unserved_penalty_per_kwh=1000.0,
        rectifier=RectifierCurve(0.1, (20.0,), (1.05,)),
        rectifier_max_dc_kw=20.0,
        batteries=(battery,),
    )


def test_wear_of_one_cycle_by_hand():
    battery = two_cycles_a_day(LEAD_CARBON, 4, 0).batteries[0]
    # Full, down by 0.4 of 48 kWh, full: two half cycles of depth 0.4, each of 1/4800 of a battery
    # of 48 x 700.
    assert rainflow_wear(LEAD_CARBON, battery, [28.8, 48.0]) == pytest.approx(
        48.0 * 700.0 / 4_800.0
    )


@pytest.mark.parametrize("segments", [4, 8, 20])
@pytest.mark.parametrize("life", [LEAD_CARBON, LITHIUM], ids=["lead-carbon", "lithium"])
@pytest.mark.parametrize("seed", range(3))
def test_wear_in_the_plan_is_the_wear_that_rainflow_counts(life, segments, seed):
    problem = two_cycles_a_day(life, segments, seed)
    plan = PlanSolver().solve(problem)
    assert plan.status is PlanStatus.OPTIMAL, plan.remarks
    battery = problem.batteries[0]
    assert plan.discharge_kw.sum() > 0.6 * DAYS * battery.capacity_kwh  # it does work
    assert len(rainflow.count_cycles(plan.stored_kwh)) > DAYS  # on most days twice
    ratio = plan.cost_by_term["wear"] / rainflow_wear(life, battery, plan.stored_kwh)
    assert 0.95 <= ratio <= 1.15


def test_one_segment_for_all_depths_is_not_enough():
    problem = two_cycles_a_day(LITHIUM, 1, 0)
    plan = PlanSolver().solve(problem)
    assert (
        plan.cost_by_term["wear"] / rainflow_wear(LITHIUM, problem.batteries[0], plan.stored_kwh)
        > 1.15
    )


@pytest.mark.parametrize("life", [LEAD_CARBON, LITHIUM], ids=["lead-carbon", "lithium"])
def test_planned_anew_every_hour_the_wear_stays_near_what_rainflow_counts(life):
    """Each plan begins with the segments as the cycles so far left them, so it counts what
    will be counted.
    """
    whole, horizon = two_cycles_a_day(life, 8, 0), 30
    battery = replace(whole.batteries[0], segment_kwh=whole.batteries[0].split_kwh())
    first_battery, solver, stored, wear = battery, PlanSolver(), [battery.stored_kwh], 0.0
    series = (
        "step_h",
        "price_per_kwh",
        "dc_load_kw",
        "ac_load_kw",
        "pv_kw",
        "import_limit_kw",
        "import_cap_kw",
    )
    for t in range(72):
        now = slice(t, t + horizon)
        window = replace(
            whole,
            **{name: getattr(whole, name)[now] for name in series},
            reserve_kwh=np.full(horizon, 6.0),
            terminal_value_per_kwh=0.45,
            batteries=(battery,),
        )
        plan = solver.solve(window)
        assert plan.status is PlanStatus.OPTIMAL, plan.remarks
        stored.append(float(plan.stored_kwh[0]))
        segments = follow(battery.segment_kwh, stored[-1], battery.capacity_kwh)
        taken = (
            np.maximum(0.0, np.subtract(battery.segment_kwh, segments))
            * battery.discharge_efficiency
        )
        wear += float(np.array(battery.wear_per_kwh) @ taken)
        battery = replace(battery, stored_kwh=stored[-1], segment_kwh=segments)
    closed = [
        *stored,
        battery.capacity_kwh,
    ]  # rainflow counts what is not recharged as half a cycle
    assert 0.95 <= wear / rainflow_wear(life, first_battery, closed) <= 1.15


def test_the_shallow_segments_are_emptied_and_filled_first():
    segments = after_one_discharge(40.0, 40.0, 4)
    for stored_kwh, expected in (
        (25.0, (0.0, 5.0, 10.0, 10.0)),
        (32.0, (7.0, 5.0, 10.0, 10.0)),  # a recharge half way
        (28.0, (3.0, 5.0, 10.0, 10.0)),  # a shallow cycle within the deep one
        (18.0, (0.0, 0.0, 8.0, 10.0)),  # and on with the deep one
        (40.0, (10.0,) * 4),
        (0.0, (0.0,) * 4),
    ):
        segments = follow(segments, stored_kwh, 40.0)
        assert segments == pytest.approx(expected)
