"""A plan in the record that is not as it was written is not followed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from plans import ISSUED, plan

from siteems.planning.recorded_plan import newest_plan, plan_from_record

Body = dict[str, Any]


def series(body: Body, name: str, values: list[Any]) -> None:
    body["series"][name] = values


DAMAGES: dict[str, Callable[[Body], object]] = {
    "no steps": lambda body: body.update(starts=[]),
    "steps in another order": lambda body: body["starts"].reverse(),
    "a step without a time zone": lambda body: body.update(
        starts=["2026-07-15T04:00:00", *body["starts"][1:]]
    ),
    "an end before the last step": lambda body: body.update(end=body["starts"][0]),
    "an end in the year 9999": lambda body: body.update(end="9999-12-31T00:00:00+00:00"),
    "issued before all years": lambda body: body.update(issued="0001-01-01T00:00:00+00:00"),
    "a time that is a number": lambda body: body.update(issued=3),
    "no battery power": lambda body: body["series"].pop("battery_kw"),
    "an unknown battery power": lambda body: series(body, "battery_kw", [None] * 4),
    "battery power as text": lambda body: series(body, "battery_kw", ["4.0"] * 4),
    "a truth value": lambda body: series(body, "stored_kwh", [True] * 4),
    "too few values": lambda body: series(body, "stored_kwh", [1.0]),
    "series as a list": lambda body: body.update(series=[1, 2]),
    "no capacity": lambda body: body.update(capacity_kwh=0.0),
    "capacity without end": lambda body: body.update(capacity_kwh=float("inf")),
    "stored energy as text": lambda body: body.update(stored_now_kwh="20"),
    "peak as text": lambda body: body.update(month_peak_kw="2"),
    "trigger as a number": lambda body: body.update(trigger=1),
    "costs as a list": lambda body: body.update(cost_by_term=[1.0]),
    "values of another length": lambda body: body.update(segment_values=[[0.5]]),
    "values as text": lambda body: body.update(segment_values=[["0.5"] * 4]),
    "planned peak without end": lambda body: body.update(peak_kw=[float("inf")] * 4),
    "prices of another length": lambda body: body.update(prices=[0.3]),
}


def test_a_sound_plan_is_taken_up() -> None:
    assert plan_from_record(plan().to_dict()) == plan()
    unknown_value = plan().to_dict()
    series(unknown_value, "stored_value_per_kwh", [None] * 4)
    assert plan_from_record(unknown_value) is not None


def test_a_plan_of_an_earlier_version_has_no_values_by_segment_and_no_peak() -> None:
    """The control loop then follows its kilowatts."""
    old = plan(segment_values=((0.5,) * 4,), peak_kw=(4.0,) * 4).to_dict()
    del old["segment_values"], old["peak_kw"]
    taken = plan_from_record(old)
    assert taken is not None
    assert (taken.values(ISSUED), taken.peak_at(ISSUED)) == (None, None)
    assert taken.battery_kw(ISSUED) == 4.0


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_plan_gives_way_to_the_one_before(damage: str) -> None:
    body = plan().to_dict()
    DAMAGES[damage](body)
    assert plan_from_record(body) is None
    assert newest_plan([body, plan(trigger="before").to_dict()]) == plan(trigger="before")
