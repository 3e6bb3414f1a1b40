"""A plan in time: which step holds, what charge it foresaw, and that the record gives it back as it was."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from plans import ISSUED, QUARTER, plan

from optimisation.plan import Plan, PlanStatus
from siteems.planning.published import SERIES, PublishedPlan, publish

SECOND = timedelta(seconds=1)


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
    assert early.soc(ISSUED - timedelta(seconds=10)) == 0.40, "what it holds now, until its first step begins"


@pytest.mark.parametrize(
    ("minutes", "soc"), [(0, 0.40), (7.5, 0.41), (15, 0.42), (30, 0.44), (40, 0.44), (52.5, 0.42), (60, None)]
)
def test_charge_is_foreseen_between_the_steps(minutes: float, soc: float | None) -> None:
    foreseen = plan().soc(ISSUED + timedelta(minutes=minutes))
    assert foreseen == (None if soc is None else pytest.approx(soc))


def test_uneven_first_step() -> None:
    late = plan(starts=(ISSUED + timedelta(minutes=10), *plan().starts[1:]), stored_now_kwh=20.0)
    assert late.soc(ISSUED + timedelta(minutes=12.5)) == pytest.approx(20.5 / 50)


def through_json(published: PublishedPlan) -> PublishedPlan:
    return PublishedPlan.from_dict(json.loads(json.dumps(published.to_dict(), allow_nan=False)))


def test_round_trip_through_the_record() -> None:
    assert through_json(plan()) == plan()


def test_values_of_stored_energy_may_be_unknown() -> None:
    """A plan stopped by the time limit has no duals."""
    unknown = replace(plan(), series=dict(plan().series) | {"stored_value_per_kwh": (math.nan,) * 4})
    kept = through_json(unknown).series["stored_value_per_kwh"]
    assert len(kept) == 4
    assert all(math.isnan(v) for v in kept)


def test_publish_takes_over_all_series() -> None:
    numbers = np.arange(4.0)
    solved = Plan(
        PlanStatus.FEASIBLE,
        cost_by_term={"energy": 1.0},
        grid_import_kw=numbers,
        rectifier_dc_kw=numbers,
        pv_kw=numbers,
        charge_kw=np.array([2.0, 0, 0, 0]),
        discharge_kw=np.array([0, 0, 0, 3.0]),
        stored_kwh=numbers + 20,
        reserve_short_kwh=numbers,
        cap_excess_kw=numbers,
        unserved_kw=numbers,
        stored_value_per_kwh=np.full(4, np.nan),
        solve_s=0.5,
    )
    published = publish(
        solved,
        issued=ISSUED,
        trigger="schedule",
        starts=plan().starts,
        last_step=QUARTER,
        capacity_kwh=50.0,
        stored_now_kwh=20.0,
        prices=(0.3,) * 4,
        reserve_kwh=(18.0,) * 4,
    )
    assert published.series.keys() == set(SERIES)
    assert published.series["battery_kw"] == (2.0, 0.0, 0.0, -3.0)
    assert published.series["stored_kwh"] == (20.0, 21.0, 22.0, 23.0)
    assert (published.status, published.end) == ("feasible", plan().end)
    assert through_json(published).starts == published.starts
