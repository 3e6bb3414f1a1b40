"""The optimum against other programs: a published case, and a second formulation of a site."""

import numpy as np
import pytest
from scipy.optimize import linprog
from site_cases import lead_carbon, random_problem, site_problem

from optimisation.problem.site_problem import RectifierCurve
from optimisation.solving.solver import PlanSolver


@pytest.fixture(scope="module")
def exact():
    return PlanSolver(tie_break=0.0)


def test_the_small_problem_on_which_other_planners_were_measured(exact):
    """96 steps, floor 9 kWh, 15 kWh at the end; the optimum is known to ten digits from three other
    programs.
    """
    t = np.arange(96)
    problem = site_problem(
        price_per_kwh=np.where(
            (t < 28) | (t >= 92),
            0.3,
            np.where(((t >= 32) & (t < 44)) | ((t >= 68) & (t < 84)), 1.2, 0.7),
        ),
        dc_load_kw=4.0 + 1.2 * np.sin(2 * np.pi * (t - 32) / 96),
        ac_load_kw=np.zeros(96),
        pv_kw=np.where(
            (t >= 24) & (t < 72), np.maximum(0.0, 4.2 * np.sin(np.pi * (t - 24) / 48)), 0.0
        ),
        reserve_kwh=np.where(t == 95, 15.0, 9.0),
        terminal_value_per_kwh=0.0,
        rectifier=RectifierCurve(0.0, (15.0,), (1.0,)),
        rectifier_max_dc_kw=15.0,
        batteries=(
            lead_carbon(
                30.0,
                stored_kwh=15.0,
                max_charge_kw=5.0,
                max_discharge_kw=5.0,
                wear_per_kwh=(0.0,),
                acceptance=(),
            ),
        ),
    )
    plan = exact.solve(problem)
    assert plan.objective == pytest.approx(29.2741532795, abs=1e-9)
    assert plan.stored_kwh[-1] == pytest.approx(15.0)


def cost_by_another_formulation(problem):
    """The same site for scipy: import as an epigraph over rectifier lines, SoC as cumulated sums,
    dense matrices.
    """
    n, h, r = problem.n_steps, problem.step_h, problem.rectifier
    (b,) = problem.batteries
    eye, zero, sums = np.eye(n), np.zeros((n, n)), np.tril(np.ones((n, n)))
    # columns: import, rectifier, pv, charge, discharge, unserved, reserve short, cap excess
    end = np.zeros(n)
    end[-1] = problem.terminal_value_per_kwh
    cost = np.concatenate(
        [
            h * problem.price_per_kwh,
            np.zeros(2 * n),
            -h * b.charge_efficiency * (sums.T @ end),
            h * b.wear_per_kwh[0] + h / b.discharge_efficiency * (sums.T @ end),
            h * problem.unserved_penalty_per_kwh,
            h * problem.reserve_penalty_per_kwh_h,
            h * problem.cap_penalty_per_kwh,
        ]
    )
    stored = np.hstack(
        [
            zero,
            zero,
            zero,
            sums * (h * b.charge_efficiency),
            -sums * (h / b.discharge_efficiency),
            zero,
            zero,
            zero,
        ]
    )
    pick = [np.hstack([eye if i == j else zero for j in range(8)]) for i in range(8)]
    rows, limits = (
        [stored, -stored, -stored - pick[6], pick[0] - pick[7]],
        [
            np.full(n, b.capacity_kwh - problem.stored_kwh),
            np.full(n, problem.stored_kwh),
            problem.stored_kwh - problem.reserve_kwh,
            np.minimum(problem.import_cap_kw, 1e6),
        ],
    )
    base = np.minimum(problem.ac_load_kw + r.standby_ac_kw, problem.import_limit_kw)
    edge_dc = np.cumsum((0.0, *r.segment_dc_kw))
    for s, slope in enumerate(r.ac_per_dc):
        rows.append(slope * pick[1] - pick[0])
        limits.append(slope * edge_dc[s] - (r.ac_kw(edge_dc[s]) - r.standby_ac_kw) - base)
    before = np.vstack([np.zeros(8 * n), stored[:-1]])
    for (soc0, kw0), (soc1, kw1) in zip(b.acceptance[:-1], b.acceptance[1:], strict=True):
        slope = (kw1 - kw0) / (soc1 - soc0) / b.capacity_kwh
        rows.append(pick[3] - slope * before)
        limits.append(np.full(n, kw0 - slope * soc0 * b.capacity_kwh + slope * problem.stored_kwh))
    free, big = np.zeros(n), np.full(n, np.inf)
    top = min(problem.rectifier_max_dc_kw, edge_dc[-1])
    upper = [problem.import_limit_kw, np.full(n, top), problem.pv_kw, np.full(n, b.max_charge_kw)]
    upper += [np.full(n, b.max_discharge_kw), problem.dc_load_kw, big, big]
    found = linprog(
        cost,
        A_ub=np.vstack(rows),
        b_ub=np.concatenate(limits),
        A_eq=pick[1] + pick[2] + pick[4] + pick[5] - pick[3],
        b_eq=problem.dc_load_kw,
        bounds=np.column_stack([np.tile(free, 8), np.concatenate(upper)]),
        method="highs",
    )
    assert found.status == 0
    return found.fun - problem.terminal_value_per_kwh * problem.stored_kwh


@pytest.mark.parametrize("seed", range(6))
def test_cost_equals_that_of_another_formulation(seed, exact):
    problem = random_problem(seed, n=24, step_h=np.where(np.arange(24) < 12, 0.25, 1.0))
    plan = exact.solve(problem)
    assert plan.objective == pytest.approx(cost_by_another_formulation(problem), rel=1e-6, abs=1e-6)
