"""A plan of a site with everything is checked before a problem of which one number differs: none
may go unseen.
"""

from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest
from changed_plans import BY_BATTERY, BY_SEGMENT, with_series

from optimisation.arrays import Floats
from optimisation.checking.checker import check
from optimisation.plan.plan import Plan, PlanStatus
from optimisation.plan.series import COMPONENT_SERIES as BY_COMPONENT
from optimisation.plan.series import SERIES
from optimisation.problem.battery import BatteryModel, FullCharge
from optimisation.problem.components import (
    Cooling,
    DemandCharge,
    Export,
    Genset,
    RadioSleep,
    Reduction,
)
from optimisation.problem.rectifier import RectifierCurve
from optimisation.problem.site_problem import COMPONENTS, SiteProblem
from optimisation.solving.solver import PlanSolver

COMPONENT_SERIES = tuple(name for names in BY_COMPONENT.values() for name in names)
N = 24
HOUR = np.arange(N)


def everything() -> SiteProblem:
    """A day by the hour on which every part is used, every limit reached and every soft limit
    broken.
    """

    def at(hours: list[int], value: float, otherwise: float) -> Floats:
        return np.where(np.isin(HOUR, hours), value, otherwise)

    large = BatteryModel(
        capacity_kwh=20.0,
        stored_kwh=5.0,
        charge_efficiency=0.92,
        discharge_efficiency=0.93,
        max_charge_kw=5.0,
        max_discharge_kw=8.0,
        wear_per_kwh=(0.02, 0.05, 0.1, 0.2),
        acceptance=((0.0, 6.0), (0.5, 6.0), (1.0, 0.6)),
        full_charge=FullCharge(by_step=1, penalty_per_kwh=2.0),
    )
    small = replace(
        large,
        capacity_kwh=10.0,
        stored_kwh=3.0,
        wear_per_kwh=(0.03,),
        acceptance=(),
        full_charge=None,
    )
    return SiteProblem(
        step_h=np.ones(N),
        price_per_kwh=np.where(HOUR < 7, 0.3, np.where((HOUR >= 17) & (HOUR < 22), 1.2, 0.7)),
        dc_load_kw=at([20], 40.0, 3.0),
        ac_load_kw=at([18, 19], 6.0, 0.3),
        pv_kw=np.clip(14.0 * np.sin(np.pi * (HOUR - 6) / 12), 0.0, None),
        import_limit_kw=at([20, 21], 0.0, 15.0),
        import_cap_kw=at([18], 1.0, np.inf),
        reserve_kwh=at([23], 40.0, 4.0),
        terminal_value_per_kwh=0.4,
        reserve_penalty_per_kwh_h=50.0,
        cap_penalty_per_kwh=20.0,
        unserved_penalty_per_kwh=10.0,
        rectifier=RectifierCurve(0.1, (6.0, 6.0), (1.04, 1.08)),
        rectifier_max_dc_kw=12.0,
        batteries=(large, small),
        demand=DemandCharge(price_per_kw=0.2, peak_so_far_kw=1.0, interval_of_step=HOUR // 2),
        export=Export(
            price_per_kwh=np.full(N, 0.4),
            limit_kw=np.full(N, 2.5),
            inverter_efficiency=0.95,
            inverter_max_kw=3.0,
        ),
        reduction=Reduction(
            baseline_kw=at([9, 10], 4.2, 0.0),
            in_event=np.isin(HOUR, [9, 10, 23]),
            price_per_kwh=2.0,
            bid_kw=5.0,
            valid_high=1.4,
            penalty_per_kwh=0.5,
        ),
        cooling=Cooling(
            max_kw=1.0,
            cop=3.0,
            heat_capacity_kwh_per_k=0.5,
            heat_loss_kw_per_k=0.05,
            room_now_c=36.0,
            low_c=18.0,
            high_c=28.0,
            outdoor_c=np.full(N, 32.0),
            inside_heat_kw=np.full(N, 2.0),
            discomfort_per_k_h=1.0,
            rebound_cap_kw=3.2,
        ),
        sleep=RadioSleep(available_kw=at([17, 18, 19, 22], 0.5, 0.0), cost_per_kwh=0.5),
        genset=Genset(
            max_kw=20.0,
            min_kw=2.0,
            fuel_per_kwh=0.2,
            start_cost=1.0,
            available=np.isin(HOUR, [0, 20, 21]),
            running=True,
        ),
    )


Change = Callable[[SiteProblem, Plan], SiteProblem]
CHANGES: dict[tuple[str, str], Change] = {}


def change(owner: str, field: str, value: Callable[[Any, SiteProblem, Plan], Any]) -> None:
    """Enter a mutation: `value` gives the field's new number from its owner, the problem and the
    plan.
    """

    def mutated(problem: SiteProblem, plan: Plan) -> SiteProblem:
        if not owner:
            return replace(problem, **{field: value(problem, problem, plan)})
        if owner.startswith("battery"):
            b = int(owner[-1])
            batteries = list(problem.batteries)
            batteries[b] = replace(batteries[b], **{field: value(batteries[b], problem, plan)})
            return replace(problem, batteries=tuple(batteries))
        part = getattr(problem, owner)
        return replace(problem, **{owner: replace(part, **{field: value(part, problem, plan)})})

    CHANGES[owner, field] = mutated


def moved(name: str, t: int, by: float) -> Callable[[Any, SiteProblem, Plan], Floats]:
    """The series with `by` more in step t."""

    def value(part: Any, problem: SiteProblem, plan: Plan) -> Floats:
        series = np.array(getattr(part, name))
        series[t] += by
        return series

    return value


def below(name: str, series: str) -> Callable[[Any, SiteProblem, Plan], Floats]:
    """The limit `name` a little below what the plan has in the step of its largest `series`."""

    def value(part: Any, problem: SiteProblem, plan: Plan) -> Floats:
        limit, reached = np.array(getattr(part, name)), getattr(plan, series)
        t = int(reached.argmax())
        limit[t] = reached[t] - 0.01
        return limit

    return value


change("", "step_h", moved("step_h", 2, 0.01))
change("", "price_per_kwh", lambda p, _, plan: p.price_per_kwh + 0.01 * (plan.grid_import_kw > 1.0))
change("", "dc_load_kw", moved("dc_load_kw", 2, 0.001))
change("", "ac_load_kw", moved("ac_load_kw", 2, 0.001))
change("", "pv_kw", below("pv_kw", "pv_kw"))
change("", "import_limit_kw", below("import_limit_kw", "grid_import_kw"))
change("", "import_cap_kw", moved("import_cap_kw", 18, -0.01))
change("", "reserve_kwh", moved("reserve_kwh", 23, -0.01))
for penalty in ("terminal_value", "cap_penalty", "unserved_penalty"):
    change(
        "", f"{penalty}_per_kwh", lambda p, _, __, name=f"{penalty}_per_kwh": getattr(p, name) + 0.1
    )
change("", "reserve_penalty_per_kwh_h", lambda p, _, __: p.reserve_penalty_per_kwh_h + 0.1)
change("", "rectifier_max_dc_kw", lambda _, __, plan: plan.rectifier_dc_kw.max() - 0.01)
change("rectifier", "standby_ac_kw", lambda r, _, __: r.standby_ac_kw + 0.01)
change("rectifier", "segment_dc_kw", lambda _, __, plan: (6.0, plan.rectifier_dc_kw.max() - 6.01))
change("rectifier", "ac_per_dc", lambda _, __, ___: (1.04, 1.09))
for b in (0, 1):
    name = f"battery {b}"
    change(name, "capacity_kwh", lambda _, __, plan, b=b: plan.battery_stored_kwh[b].max() - 0.01)
    change(name, "stored_kwh", lambda battery, _, __: battery.stored_kwh + 0.01)
    change(name, "charge_efficiency", lambda battery, _, __: battery.charge_efficiency + 0.001)
    change(
        name, "discharge_efficiency", lambda battery, _, __: battery.discharge_efficiency + 0.001
    )
    change(name, "max_charge_kw", lambda _, __, plan, b=b: plan.battery_charge_kw[b].max() - 0.01)
    change(
        name, "max_discharge_kw", lambda _, __, plan, b=b: plan.battery_discharge_kw[b].max() - 0.01
    )
    change(
        name,
        "wear_per_kwh",
        lambda battery, _, __: (*battery.wear_per_kwh[:-1], battery.wear_per_kwh[-1] + 0.01),
    )
change("battery 0", "acceptance", lambda _, __, ___: ((0.0, 6.0), (0.5, 6.0), (0.9, 0.6)))
change("battery 0", "segment_kwh", lambda _, __, ___: (2.5, 2.5, 0.0, 0.0))
change("battery 0", "full_charge", lambda _, __, ___: FullCharge(by_step=0, penalty_per_kwh=2.0))
change("demand", "price_per_kw", lambda d, _, __: d.price_per_kw + 0.1)
change("demand", "peak_so_far_kw", lambda d, _, __: d.peak_so_far_kw + 0.1)
change("demand", "interval_of_step", lambda _, __, ___: HOUR)
change("demand", "counts", lambda _, __, ___: HOUR < 8)
change("export", "price_per_kwh", lambda e, _, __: e.price_per_kwh + 0.01)
change("export", "limit_kw", below("limit_kw", "grid_export_kw"))
change("export", "inverter_efficiency", lambda e, _, __: e.inverter_efficiency + 0.001)
change(
    "export",
    "inverter_max_kw",
    lambda e, _, plan: e.inverter_efficiency * plan.inverter_dc_kw.max() - 0.01,
)
change("reduction", "baseline_kw", moved("baseline_kw", 9, 0.1))
change("reduction", "in_event", lambda _, __, ___: np.isin(HOUR, [9, 10, 22, 23]))
change("reduction", "price_per_kwh", lambda r, _, __: r.price_per_kwh + 0.1)
change("reduction", "bid_kw", lambda r, _, __: r.bid_kw + 0.1)
change(
    "reduction", "valid_low", lambda r, _, plan: plan.settlements[0].reduction_kw / r.bid_kw + 0.01
)
change(
    "reduction", "valid_high", lambda r, _, plan: plan.settlements[0].reduction_kw / r.bid_kw - 0.01
)
change("reduction", "penalty_low", lambda r, _, __: r.penalty_low + 0.1)
change("reduction", "penalty_per_kwh", lambda r, _, __: r.penalty_per_kwh + 0.1)
change("cooling", "max_kw", lambda _, __, plan: plan.cooling_kw.max() - 0.01)
change("cooling", "cop", lambda c, _, __: c.cop + 0.01)
change("cooling", "heat_capacity_kwh_per_k", lambda c, _, __: c.heat_capacity_kwh_per_k + 0.001)
change("cooling", "heat_loss_kw_per_k", lambda c, _, __: c.heat_loss_kw_per_k + 0.001)
change("cooling", "room_now_c", lambda c, _, __: c.room_now_c + 0.01)
change("cooling", "low_c", lambda _, __, plan: plan.room_c.min() + 0.1)
change("cooling", "high_c", lambda c, _, __: c.high_c - 0.1)
change("cooling", "outdoor_c", moved("outdoor_c", 2, 0.1))
change("cooling", "inside_heat_kw", moved("inside_heat_kw", 2, 0.1))
change("cooling", "discomfort_per_k_h", lambda c, _, __: c.discomfort_per_k_h + 0.01)
change("cooling", "rebound_cap_kw", lambda c, _, __: c.rebound_cap_kw - 0.5)
change("sleep", "available_kw", below("available_kw", "sleep_kw"))
change("sleep", "cost_per_kwh", lambda s, _, __: s.cost_per_kwh + 0.01)
change("genset", "max_kw", lambda _, __, plan: plan.genset_kw.max() - 0.01)
change("genset", "min_kw", lambda _, __, plan: plan.genset_kw[plan.genset_on > 0.5].min() + 0.01)
change("genset", "fuel_per_kwh", lambda g, _, __: g.fuel_per_kwh + 0.01)
change("genset", "start_cost", lambda g, _, __: g.start_cost + 0.1)
change("genset", "available", lambda _, __, plan: np.arange(N) != int(plan.genset_on.argmax()))
change("genset", "running", lambda g, _, __: not g.running)


@pytest.fixture(scope="module")
def problem() -> SiteProblem:
    return everything()


@pytest.fixture(scope="module")
def plan(problem) -> Plan:
    plan = PlanSolver().solve(problem)
    assert plan.status is PlanStatus.OPTIMAL, plan.remarks
    return plan


def test_the_plan_uses_everything_and_is_sound(problem, plan):
    assert check(problem, plan) == ()
    for name in (*SERIES, *COMPONENT_SERIES):
        assert getattr(plan, name).max() > 0.1, name
    assert set(plan.soft_limits) >= {
        "reserve_kwh_h",
        "import_cap_kwh",
        "unserved_kwh",
        "full_charge_kwh",
        "too_warm_k_h",
    }


@pytest.mark.parametrize(("owner", "field"), CHANGES)
def test_a_plan_that_breaks_one_number_of_the_problem_is_caught(problem, plan, owner, field):
    assert check(CHANGES[owner, field](problem, plan), plan)


def test_every_number_of_the_problem_is_tried(problem):
    parts = {"": problem, "battery 0": problem.batteries[0], "rectifier": problem.rectifier}
    parts |= {name: getattr(problem, name) for name in COMPONENTS}
    for owner, part in parts.items():
        whole = {"batteries", "rectifier", *COMPONENTS} if not owner else set()
        assert {field.name for field in fields(part)} - whole == {
            name for o, name in CHANGES if o == owner
        }


@pytest.mark.parametrize("by", [0.01, -0.01])
@pytest.mark.parametrize("name", [*SERIES, *COMPONENT_SERIES, *BY_BATTERY, *BY_SEGMENT])
def test_a_series_that_is_off_by_a_little_in_any_step_is_caught(problem, plan, name, by):
    series = getattr(plan, name)
    for index in np.ndindex(series.shape):
        wrong = np.array(series)
        wrong[index] += by
        assert check(problem, with_series(plan, **{name: wrong})), (name, index)


@pytest.mark.filterwarnings("ignore:invalid value encountered:RuntimeWarning")
@pytest.mark.parametrize("name", [*SERIES, *COMPONENT_SERIES, *BY_BATTERY, *BY_SEGMENT])
def test_infinity_in_any_series_is_caught(problem, plan, name):
    for by in (np.inf, -np.inf):
        wrong = np.array(getattr(plan, name))
        wrong[..., 3] += by
        assert check(problem, with_series(plan, **{name: wrong})), by


@pytest.mark.parametrize("term", ["objective", "demand_peak_kw"])
def test_a_total_that_is_off_is_caught(problem, plan, term):
    assert check(problem, replace(plan, **{term: getattr(plan, term) + 0.01}))
