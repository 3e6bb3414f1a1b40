"""A published plan: which step holds, the planned state of charge, and the round trip through the
record.
"""

from __future__ import annotations

import json
import math
from dataclasses import replace
from datetime import date, datetime, timedelta

import numpy as np
import pytest
from plans import ISSUED, QUARTER, plan

from optimisation.solving.solver import PlanSolver
from siteems.estimation.site_state import SiteState
from siteems.forecast.learning_forecaster import LearningForecaster
from siteems.planning.problem import PlanningInputs, ProblemBuilder
from siteems.planning.published_plan import SERIES, PublishedPlan, publish
from siteems.planning.recorded_plan import plan_from_dict
from siteems.site.model import Site
from siteems.tariff.schedule import TariffSchedule

SECOND = timedelta(seconds=1)


def inputs_at(site: Site, now: datetime) -> PlanningInputs:
    builder = ProblemBuilder(site, TariffSchedule(site.tariffs, site.site.zone))
    return builder.build(SiteState(now, 0.6, battery_c=25.0), LearningForecaster(site), ())


@pytest.mark.parametrize(
    ("after", "step", "battery_kw"),
    [
        (-SECOND, None, None),
        (timedelta(0), 0, 4.0),
        (QUARTER - SECOND, 0, 4.0),
        (QUARTER, 1, 4.0),
        (2 * QUARTER, 2, 0.0),
        (4 * QUARTER - SECOND, 3, -8.0),
        (4 * QUARTER, None, None),
    ],
)
def test_step_at_its_edges(after: timedelta, step: int | None, battery_kw: float | None) -> None:
    assert plan().step_at(ISSUED + after) == step
    assert plan().battery_kw(ISSUED + after) == battery_kw


def test_a_plan_made_a_moment_before_a_boundary_holds_at_once() -> None:
    early = plan(issued=ISSUED - timedelta(seconds=40))
    assert early.step_at(ISSUED - timedelta(seconds=41)) is None
    assert early.step_at(ISSUED - timedelta(seconds=40)) == 0
    assert early.soc(ISSUED - timedelta(seconds=10)) == 0.40, (
        "what it holds now, until its first step begins"
    )


@pytest.mark.parametrize(
    ("minutes", "soc"),
    [(0, 0.40), (7.5, 0.41), (15, 0.42), (30, 0.44), (40, 0.44), (52.5, 0.42), (60, None)],
)
def test_the_planned_charge_is_interpolated_between_the_steps(
    minutes: float, soc: float | None
) -> None:
    planned = plan().soc(ISSUED + timedelta(minutes=minutes))
    assert planned == (None if soc is None else pytest.approx(soc))


def test_uneven_first_step() -> None:
    late = plan(starts=(ISSUED + timedelta(minutes=10), *plan().starts[1:]), stored_now_kwh=20.0)
    assert late.soc(ISSUED + timedelta(minutes=12.5)) == pytest.approx(20.5 / 50)


def through_json(published: PublishedPlan) -> PublishedPlan:
    return plan_from_dict(json.loads(json.dumps(published.to_dict(), allow_nan=False)))


def test_round_trip_through_the_record() -> None:
    assert through_json(plan()) == plan()


def test_values_and_peak_of_a_step_come_back_from_the_record() -> None:
    valued = plan(
        segment_values=((0.1, 0.2, 0.3, math.nan), (0.5, 0.6, 0.7, 0.8)),
        peak_kw=(4.0, 4.0, math.nan, math.nan),
    )
    for each in (valued, through_json(valued)):
        assert each.values(ISSUED + QUARTER) == (0.2, 0.6)
        assert each.values(ISSUED + 3 * QUARTER) is None, "one of them is unknown"
        assert each.values(ISSUED + 4 * QUARTER) is None, "after the end"
        assert each.peak_at(ISSUED + QUARTER) == 4.0
        assert each.peak_at(ISSUED + 2 * QUARTER) is None, "import is not billed by its peak then"


def test_values_of_stored_energy_may_be_unknown() -> None:
    """A plan stopped by the time limit has no duals."""
    unknown = replace(
        plan(), series=dict(plan().series) | {"stored_value_per_kwh": (math.nan,) * 4}
    )
    kept = through_json(unknown).series["stored_value_per_kwh"]
    assert len(kept) == 4
    assert all(math.isnan(v) for v in kept)


def test_a_solved_plan_is_published_with_all_it_rests_on(hangzhou: Site) -> None:
    schedule = TariffSchedule(hangzhou.tariffs, hangzhou.site.zone)
    now = ISSUED + timedelta(minutes=5)
    inputs = inputs_at(hangzhou, now)
    solved = PlanSolver().solve(inputs.problem, futures=inputs.futures)
    published = publish(solved, inputs, "test")
    assert (published.issued, published.trigger) == (now, "test")
    assert published.status == "optimal"
    assert published.series.keys() == set(SERIES)
    assert (published.starts[0], published.end) == (now, ISSUED + timedelta(hours=36))
    lengths = {
        len(values)
        for values in (
            *published.series.values(),
            *published.segment_values,
            published.prices,
            published.reserve_kwh,
        )
    }
    assert lengths == {12 * 4 + 24}
    assert len(published.segment_values) == len(inputs.problem.batteries[0].wear_per_kwh)
    assert published.soc(now) == pytest.approx(0.6)
    assert published.prices[0] == schedule.price_at(now).per_kwh
    assert published.series["battery_kw"] == pytest.approx(
        list(solved.charge_kw - solved.discharge_kw), abs=1e-6
    )
    assert through_json(published) == published, (
        "after a restart the plan is the same to the last digit"
    )


@pytest.mark.parametrize("noise_kw", [3e-13, -3e-13, 4e-7, -4e-7])
def test_a_battery_that_rests_has_no_sign(noise_kw: float, hangzhou: Site) -> None:
    """A sign would have the rectifiers limited to the load, or a converter's mode turned round."""
    inputs = inputs_at(hangzhou, ISSUED)
    solved = PlanSolver().solve(inputs.problem)
    block = np.array(solved.block)
    block[solved.rows["charge_kw"]] = max(0.0, noise_kw)
    block[solved.rows["discharge_kw"]] = max(0.0, -noise_kw)
    noisy = replace(solved, block=block)
    assert noisy.battery_kw[0] == noise_kw
    published = publish(noisy, inputs, "test")
    planned = published.battery_kw(ISSUED)
    assert (planned, math.copysign(1.0, planned or 0.0)) == (0.0, 1.0)


def test_the_values_of_one_future_alone_are_not_published(hangzhou: Site) -> None:
    inputs = inputs_at(hangzhou, ISSUED)
    solved = PlanSolver().solve(inputs.problem)
    assert publish(solved, inputs, "test").values(ISSUED) is None


def test_values_are_the_mean_over_all_futures_also_with_those_of_an_earlier_plan(
    hangzhou: Site,
) -> None:
    solver = PlanSolver()
    inputs = inputs_at(hangzhou, ISSUED)
    first = publish(solver.solve(inputs.problem, futures=inputs.futures), inputs, "test")
    assert first.future_values is not None
    later = inputs_at(hangzhou, ISSUED + QUARTER)
    own = solver.solve(later.problem)
    published = publish(own, later, "test", first.future_values)
    more, less = first.future_values.per_kwh
    # A quarter hour later, the same time is one step earlier in the plan.
    mean = (own.segment_value_per_kwh[:, 0] + more[:, 1] + less[:, 1]) / 3
    assert published.values(ISSUED + QUARTER) == pytest.approx(tuple(mean), abs=1e-5)
    assert published.future_values is first.future_values, "they stay until solved anew"


def test_a_plan_ends_where_the_tariff_does(hangzhou: Site) -> None:
    """No price is made up: with a tariff that ends tonight, the plan is shorter."""
    ending = replace(hangzhou, tariffs=(replace(hangzhou.tariffs[0], valid_to=date(2026, 7, 16)),))
    inputs = inputs_at(ending, ISSUED)
    horizon = inputs.horizon
    assert horizon.grid.end == ISSUED + timedelta(hours=12), "midnight at the site"
    assert len(horizon.prices) == len(horizon.reserve_kwh) == inputs.problem.n_steps == 12 * 4
