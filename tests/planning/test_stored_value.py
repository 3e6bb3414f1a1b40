"""Each value of stored energy that is shown is what the plan's cost changes by."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from optimisation.problem.site_problem import SiteProblem
from optimisation.solving.solver import PlanSolver
from siteems.planning import explanation_messages as messages
from siteems.planning.explanation import Explanation
from siteems.planning.explanation_text import as_data, as_table
from siteems.planning.offline_plan import plan_offline
from siteems.planning.stored_value import stored_value
from siteems.site.model import Site

RNG = np.random.default_rng(13)
MOMENTS = [
    (
        datetime(2026, 7, 6, tzinfo=UTC) + timedelta(minutes=15 * int(RNG.integers(0, 960))),
        float(RNG.uniform(0.2, 1.0)),
    )
    for _ in range(24)
]
SOLVER = PlanSolver()


def cost(problem: SiteProblem, change_kwh: float) -> float:
    battery = problem.batteries[0]
    changed = replace(battery, stored_kwh=battery.stored_kwh + change_kwh)
    plan = SOLVER.solve(replace(problem, batteries=(changed,)))
    assert plan.usable
    return plan.objective


@pytest.mark.parametrize(("at", "soc"), MOMENTS)
def test_it_is_the_difference_of_two_costs(hangzhou: Site, at: datetime, soc: float) -> None:
    """With another small step, at any moment and state of charge, in the direction of the text."""
    explained = plan_offline(hangzhou, at, soc, None)
    problem, step_kwh = explained.inputs.problem, 0.005
    more = (cost(problem, 0.0) - cost(problem, step_kwh)) / step_kwh
    less = (cost(problem, -step_kwh) - cost(problem, 0.0)) / step_kwh
    assert explained.value.more == pytest.approx(more, rel=0.01, abs=0.002)
    assert explained.value.less == pytest.approx(less, rel=0.01, abs=0.002)
    for named, value in (("more", more), ("less", less)):
        message = explained.reason().values.get(named)
        if message is not None:
            shown = message.values.get("saving", message.values.get("cost"))
            assert shown == pytest.approx(value, rel=0.01, abs=0.002)


def test_with_segments_as_cycles_left_them(hangzhou: Site) -> None:
    """Less in store comes from the shallowest segment that is not empty, more goes to the
    shallowest that is not full.
    """
    explained = plan_offline(hangzhou, datetime(2026, 7, 15, 11, 0, tzinfo=UTC), 0.75, None)
    battery = explained.inputs.problem.batteries[0]
    width = battery.capacity_kwh / len(battery.wear_per_kwh)
    problem = replace(
        explained.inputs.problem,
        batteries=(replace(battery, segment_kwh=(width, 0.5 * width, 0.5 * width, width)),),
    )
    plan = SOLVER.solve(problem)
    value = stored_value(problem, plan, SOLVER, 10.0)
    assert value.more is not None
    assert value.less is not None
    assert value.less >= value.more - 0.01


def test_table_and_data_hold_no_dual(hangzhou: Site) -> None:
    explained: Explanation = plan_offline(hangzhou, *MOMENTS[0], None)
    data = as_data(explained)
    assert data["stored_more_saves_per_kwh"] == explained.value.more
    assert data["stored_less_costs_per_kwh"] == explained.value.less
    assert "stored_value_per_kwh" not in data
    assert "value" not in as_table(explained).split("\n")[0]
    assert messages.LESS.template.count("{") == 1
