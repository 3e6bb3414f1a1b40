"""Two hundred rolling windows: the next setpoint of the battery does not depend on how the plan was
solved.
"""

from collections.abc import Iterator

import numpy as np
import pytest
from pyomo.contrib.appsi.solvers.highs import Highs
from pyomo.core import ConcreteModel

from optimisation.arrays import Floats
from optimisation.plan.plan import Plan, PlanStatus
from optimisation.problem.battery import BatteryModel
from optimisation.problem.components import DemandCharge
from optimisation.problem.rectifier import RectifierCurve
from optimisation.problem.site_problem import SiteProblem
from optimisation.program.compiled import CompiledLP
from optimisation.program.model import build
from optimisation.program.model_source import compile_shape
from optimisation.program.parameters import parameters
from optimisation.program.shape import shape_of
from optimisation.solving.engine import Engine
from optimisation.solving.solution import layout_of, read_plan
from optimisation.solving.solver import PlanSolver

STEPS = 96
SAME_KW = 1e-6


def tariff(hour: Floats, kind: str) -> Floats:
    """Currency/kWh over the hours since midnight; in a flat one or a free one nearly every plan is
    as good as any.
    """
    of_day = hour % 24
    if kind == "flat":
        return np.full(hour.size, 0.7)
    if kind == "free nights":
        return np.where(of_day < 8, 0.0, 0.7)
    if kind == "below zero at noon":
        return np.where((of_day >= 11) & (of_day < 14), -0.1, 0.7)
    peak = ((of_day >= 8) & (of_day < 11)) | ((of_day >= 17) & (of_day < 21))
    return np.where((of_day < 7) | (of_day >= 23), 0.3, np.where(peak, 1.2, 0.7))


def windows(count: int, kind: str, seed: int = 5) -> Iterator[SiteProblem]:
    """Windows of a site of 3 to 6 kW with PV, each a step after the last one, with the forecast
    revised every time.
    """
    rng = np.random.default_rng(seed)
    hour = 0.25 * np.arange(count + STEPS)
    noise = np.convolve(rng.standard_normal(hour.size), 0.9 ** np.arange(40))[: hour.size]
    load = np.clip(4.3 + 0.9 * np.sin(np.pi * (hour - 9) / 12) + 0.1 * noise, 3.0, 6.0)
    cloud = rng.uniform(0.2, 1.0, hour.size // STEPS + 1)[np.arange(hour.size) // STEPS]
    pv = 5.0 * cloud * np.clip(np.sin(np.pi * (hour % 24 - 6) / 12), 0.0, None)
    unsure = np.minimum(1.0, np.arange(STEPS) / 24)
    stored = 15.0
    for first in range(count):
        now = slice(first, first + STEPS)
        expected = load[now] * (1 + 0.03 * unsure * rng.standard_normal(STEPS))
        in_event = (hour[now] % 24 >= 19) & (hour[now] % 24 < 21) & (hour[now] // 24 % 4 == 1)
        yield SiteProblem(
            step_h=np.full(STEPS, 0.25),
            price_per_kwh=tariff(hour[now], kind),
            dc_load_kw=expected,
            ac_load_kw=np.full(STEPS, 0.3),
            pv_kw=np.clip(pv[now] * (1 + 0.15 * unsure * rng.standard_normal(STEPS)), 0.0, None),
            import_limit_kw=np.full(STEPS, 15.0),
            import_cap_kw=np.where(in_event, 2.0, np.inf),
            reserve_kwh=2.0 * expected,
            terminal_value_per_kwh=1.0
            if kind == "flat"
            else 0.55,  # 1.0: charging pays, at any hour alike
            reserve_penalty_per_kwh_h=30.0,
            cap_penalty_per_kwh=20.0,
            unserved_penalty_per_kwh=1000.0,
            rectifier=RectifierCurve(0.1, (3.0, 4.0, 5.0), (1.04, 1.06, 1.10)),
            rectifier_max_dc_kw=12.0,
            batteries=(
                BatteryModel(
                    capacity_kwh=30.0,
                    stored_kwh=stored,
                    charge_efficiency=0.92,
                    discharge_efficiency=0.92,
                    max_charge_kw=6.0,
                    max_discharge_kw=8.0,
                    wear_per_kwh=(0.041, 0.126, 0.214, 0.302),
                    acceptance=((0.8, 6.0), (0.9, 3.0), (1.0, 0.15)),
                ),
            ),
            demand=DemandCharge(
                price_per_kw=40.0, peak_so_far_kw=8.0, interval_of_step=np.arange(STEPS)
            ),
        )
        stored = float(np.clip(stored + rng.uniform(-1.2, 1.2), 3.0, 30.0))


SHAPE = shape_of(next(windows(1, "flat")))


def first_setpoints(plan: Plan) -> Floats:
    assert plan.status is PlanStatus.OPTIMAL, plan.remarks
    return np.array([plan.battery_kw[0], plan.rectifier_dc_kw[0], plan.pv_kw[0]])


def solved_cold(problem: SiteProblem, compiled: CompiledLP) -> Plan:
    engine = Engine(compiled)
    return read_plan(problem, layout_of(SHAPE, compiled), engine.solve(parameters(problem), 10.0))


def solved_by_pyomo(problem: SiteProblem, model: ConcreteModel) -> Floats:
    """First setpoints of battery, rectifier and PV, kW."""
    for name, numbers in parameters(problem).items():
        param = getattr(model, name)
        for index, number in zip(param.index_set(), np.ravel(numbers), strict=True):
            param[index] = float(number)
    solver = Highs()
    solver.highs_options = {
        "threads": 1,
        "primal_feasibility_tolerance": 1e-9,
        "dual_feasibility_tolerance": 1e-9,
    }
    solver.solve(model)
    battery = sum(
        model.charge[0, b, k].value - model.discharge[0, b, k].value for b, k in model.cells
    )
    return np.array(
        [battery, sum(model.segment[0, s].value for s in model.segments), model.pv[0].value]
    )


@pytest.mark.parametrize(
    ("kind", "count"),
    [("three levels", 200), ("flat", 30), ("free nights", 30), ("below zero at noon", 30)],
)
def test_the_first_setpoint_is_the_same_cold_and_warm(kind, count):
    warm, compiled = PlanSolver(), compile_shape(SHAPE)
    moved = 0
    for i, problem in enumerate(windows(count, kind)):
        plan = warm.solve(problem)
        assert (
            np.abs(first_setpoints(plan) - first_setpoints(solved_cold(problem, compiled))).max()
            <= SAME_KW
        ), i
        moved += bool(np.abs(plan.battery_kw[:8]).max() > 0.1)
    assert moved >= 0.2 * count  # else the battery only rests, and nothing has been compared


def test_the_first_setpoint_is_that_of_the_solver_of_pyomo():
    warm, model = PlanSolver(), build(SHAPE)
    for i, problem in enumerate(windows(200, "three levels")):
        plan = warm.solve(problem)
        if i % 10 == 0:
            assert (
                np.abs(first_setpoints(plan) - solved_by_pyomo(problem, model)).max() <= SAME_KW
            ), i
