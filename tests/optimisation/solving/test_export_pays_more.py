"""Where a kWh earns more than it costs: the best of all ways to take turns at buying and selling,
each tried.
"""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from component_cases import component_problem

from optimisation.problem.site_problem import SiteProblem
from optimisation.program.shape import shape_of
from optimisation.solving.solver import PlanSolver

N = 6


def problem_where_export_pays_more(seed: int) -> SiteProblem:
    problem = component_problem(seed, N, ("export", "batteries"))
    assert problem.export is not None
    rng = np.random.default_rng(seed)
    price = np.maximum(0.05, problem.price_per_kwh)
    export_price = np.where(rng.random(N) < 0.6, price + rng.uniform(0.1, 1.0, N), 0.5 * price)
    return replace(
        problem,
        price_per_kwh=price,
        import_cap_kw=np.full(N, np.inf),
        export=replace(problem.export, price_per_kwh=export_price),
    )


def cost_of_turns(problem: SiteProblem, sells: tuple[bool, ...], solver: PlanSolver) -> float:
    """Least cost, by a plain LP, where the steps of `sells` import nothing and the other steps in
    which export pays more export nothing.

    Where nothing is imported its price does not matter, so it may be the export price.
    """
    export = problem.export
    assert export is not None
    pays_more = export.price_per_kwh > problem.price_per_kwh
    chosen = pays_more.copy()
    chosen[pays_more] = sells
    turns = replace(
        problem,
        price_per_kwh=np.where(chosen, export.price_per_kwh, problem.price_per_kwh),
        import_cap_kw=np.where(chosen, 0.0, np.inf),
        export=replace(
            export,
            price_per_kwh=np.where(pays_more & ~chosen, 0.0, export.price_per_kwh),
            limit_kw=np.where(pays_more & ~chosen, 0.0, export.limit_kw),
        ),
    )
    assert not shape_of(turns).export_pays_more
    plan = solver.solve(turns)
    assert plan.usable, plan.remarks
    return plan.objective


@pytest.mark.parametrize("seed", range(12))
def test_the_plan_is_the_best_of_all_turns(seed):
    problem, solver = problem_where_export_pays_more(seed), PlanSolver()
    export = problem.export
    assert export is not None
    assert shape_of(problem).export_pays_more
    plan = solver.solve(problem)
    assert plan.usable, plan.remarks
    n_paying = int((export.price_per_kwh > problem.price_per_kwh).sum())
    best = min(
        cost_of_turns(problem, sells, solver) for sells in product((False, True), repeat=n_paying)
    )
    assert plan.objective == pytest.approx(best, abs=2e-3 * max(1.0, abs(best)))
    assert np.minimum(plan.grid_import_kw, plan.grid_export_kw).max() <= 1e-6


def test_the_value_of_a_binding_limit_is_what_more_of_it_would_save():
    solver, more_kw, tried = PlanSolver(), 1e-4, 0
    for seed in range(20):
        limit_kw = np.full(N, np.random.default_rng(seed).uniform(1.5, 4.0))
        problem = replace(problem_where_export_pays_more(seed), import_limit_kw=limit_kw)
        plan = solver.solve(problem)
        binding = plan.grid_import_kw > limit_kw - 1e-6
        binding &= problem.ac_load_kw + problem.rectifier.standby_ac_kw < limit_kw
        for t in np.flatnonzero(binding):
            wider = replace(problem, import_limit_kw=limit_kw + more_kw * (np.arange(N) == t))
            saved = (plan.objective - solver.solve(wider).objective) / (more_kw * problem.step_h[t])
            value = plan.import_limit_value_per_kwh[t]
            assert value == pytest.approx(saved, abs=0.05 * max(1.0, saved)), (seed, t)
            tried += saved > 0.1
    assert tried > 10


def test_export_earns_more_than_at_the_price_of_import():
    solver, gains = PlanSolver(), []
    for seed in range(12):
        problem = problem_where_export_pays_more(seed)
        export = problem.export
        assert export is not None
        capped = np.minimum(export.price_per_kwh, problem.price_per_kwh)
        careful = solver.solve(replace(problem, export=replace(export, price_per_kwh=capped)))
        earned = float((problem.step_h * (export.price_per_kwh - capped)) @ careful.grid_export_kw)
        gains.append(careful.objective - earned - solver.solve(problem).objective)
    assert min(gains) >= -1e-2
    assert max(gains) > 0.1
