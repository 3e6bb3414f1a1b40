"""Wear costs: convex from any table, netted of the calendar, and what rainflow counting gives
afterwards.
"""

import numpy as np
import pytest
import rainflow
from site_cases import lead_carbon, site_problem

from optimisation.problem.site_problem import FullCharge, ProblemError
from optimisation.problem.wear import CycleLife, WearMode
from optimisation.solving.solver import PlanSolver

NARADA = CycleLife(((0.2, 11200.0), (0.4, 4800.0), (0.6, 2700.0), (0.8, 2000.0)))
COST = {"replacement_per_kwh": 700.0, "discharge_efficiency": 0.92}


def rainflow_cost(stored_kwh, capacity_kwh, life, replacement_per_kwh):
    """Cost of a trace after the fact: ASTM E1049 cycles, half cycles counted half, each at its
    depth.
    """
    cycles = rainflow.extract_cycles(np.asarray(stored_kwh) / capacity_kwh)
    return (
        capacity_kwh
        * replacement_per_kwh
        * sum(n * float(life.stress(depth)) for depth, _, n, *_ in cycles)
    )


def test_the_narada_table_is_made_convex_and_stays_near_its_fit():
    depth = np.array([0.2, 0.4, 0.6, 0.8])
    assert NARADA.stress(depth) == pytest.approx(depth**1.26 / 1478, rel=0.03)
    assert NARADA.stress([0.2, 0.4]) == pytest.approx([1 / 11200, 1 / 4800])
    # Its two deepest slopes, 1.620e-4 and 1.296e-4 per 20 %, are pooled.
    assert np.diff(NARADA.stress([0.4, 0.6, 0.8, 1.0])) == pytest.approx([1.458e-4] * 3, rel=1e-3)


def test_at_sixty_percent_the_mean_wear_is_that_of_the_table():
    # 700 / (2,700 cycles x 0.6) = 0.432 per kWh; pooling takes 6e-6 x 2700 = 4 % off.
    wear = NARADA.wear_per_kwh(replacement_per_kwh=700.0, discharge_efficiency=1.0, segments=5)
    assert np.mean(wear[:3]) == pytest.approx(0.432, rel=0.05)


@pytest.mark.parametrize("segments", [1, 2, 3, 4, 8, 10])
@pytest.mark.parametrize("mode", [WearMode.CYCLE, WearMode.CALENDAR_NETTED])
def test_segment_costs_never_fall_and_sum_to_a_full_cycle(segments, mode):
    wear = NARADA.wear_per_kwh(**COST, segments=segments, mode=mode, calendar_years=8.0)
    assert list(wear) == sorted(wear)
    free = 1 / (365 * 8) if mode is WearMode.CALENDAR_NETTED else 0.0
    assert np.mean(wear) == pytest.approx(700.0 / 0.92 * (float(NARADA.stress(1.0)) - free))


@pytest.mark.parametrize(
    ("years", "cycles", "depth"), [(6, 1, 0.73), (8, 1, 0.58), (10, 1, 0.49), (12, 2, 0.24)]
)
def test_a_battery_that_ages_anyway_wears_for_nothing_down_to_a_depth(years, cycles, depth):
    wear = NARADA.wear_per_kwh(
        **COST,
        segments=100,
        mode=WearMode.CALENDAR_NETTED,
        calendar_years=years,
        cycles_per_day=cycles,
    )
    assert np.count_nonzero(np.array(wear) == 0.0) / 100 == pytest.approx(depth, abs=0.03)


def test_off_costs_nothing():
    assert NARADA.wear_per_kwh(**COST, segments=4, mode=WearMode.OFF) == (0.0,)


@pytest.mark.parametrize("load_kw", [2.0, 3.0, 4.0])
def test_planned_wear_is_what_rainflow_counts_on_the_planned_trace(load_kw):
    """From full to full, so that every discharge is a closed cycle."""
    wear = NARADA.wear_per_kwh(**COST, segments=8)
    hour = np.arange(72)
    prices = np.random.default_rng(4).permutation([0.1, 0.1, 0.1, 0.4, 0.7, 0.7, 1.2, 1.9])
    problem = site_problem(
        72,
        step_h=np.ones(72),
        price_per_kwh=prices[hour % 24 // 3],
        dc_load_kw=np.full(72, load_kw),
        pv_kw=np.zeros(72),
        reserve_kwh=np.zeros(72),
        batteries=(
            lead_carbon(
                stored_kwh=48.0, wear_per_kwh=wear, acceptance=(), full_charge=FullCharge(71, 5.0)
            ),
        ),
    )
    plan = PlanSolver().solve(problem)
    assert plan.soft_limits == {}
    counted = rainflow_cost([48.0, *plan.stored_kwh], 48.0, NARADA, 700.0)
    assert plan.cost_by_term["wear"] > 1.0
    assert 0.95 <= plan.cost_by_term["wear"] / counted <= 1.15


@pytest.mark.parametrize(
    ("table", "text"),
    [
        ((), "cycle table is empty"),
        (
            ((0.4, 4800.0), (0.2, 11200.0)),
            "cycle table depth [1] is 0.2; allowed is above 0.4 to 1",
        ),
        (
            ((0.2, 4800.0), (0.4, 11200.0)),
            "cycle table cycles [1] is 11200.0; allowed is at most 4800.0",
        ),
        (((0.2, float("nan")),), "cycle table cycles [0] is nan"),
    ],
)
def test_tables_without_information_are_refused(table, text):
    with pytest.raises(ProblemError) as refused:
        CycleLife(table)
    assert text in str(refused.value)


def test_a_calendar_without_years_is_refused():
    with pytest.raises(ProblemError, match="calendar_years is None; allowed is above 0"):
        NARADA.wear_per_kwh(**COST, segments=4, mode=WearMode.CALENDAR_NETTED)
