"""A plan as it comes back from the record: every field is checked, because the control loop trusts
it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from itertools import pairwise
from typing import Any, Final

from siteems.history.valid_rows import EARLIEST, LATEST
from siteems.planning.published_plan import SERIES, PublishedPlan

MAY_BE_UNKNOWN: Final = "stored_value_per_kwh"
"""The only series that may be without numbers."""
MOST_STEPS: Final = 10_000


def plan_from_record(data: Mapping[str, Any]) -> PublishedPlan | None:
    """The plan that `PublishedPlan.to_dict` made; None where it is not valid, or of a version that
    this one cannot read.
    """
    try:
        return plan_from_dict(data)
    except (KeyError, TypeError, ValueError, AttributeError):
        return None


def newest_plan(bodies: Sequence[Mapping[str, Any]]) -> PublishedPlan | None:
    """The first of these plans, newest first, that can be read."""
    return next((plan for body in bodies if (plan := plan_from_record(body))), None)


def plan_from_dict(data: Mapping[str, Any]) -> PublishedPlan:
    """Raises KeyError, TypeError, ValueError or AttributeError for data that is no valid plan."""
    starts = tuple(_time(each) for each in data["starts"])
    issued, end = _time(data["issued"]), _time(data["end"])
    if not 1 <= len(starts) <= MOST_STEPS:
        raise ValueError(f"{len(starts)} steps")
    if not all(a < b for a, b in pairwise((*starts, end))):
        raise ValueError("the steps are not in order")

    def numbers(values: Sequence[Any], number: Callable[[Any], float]) -> tuple[float, ...]:
        if len(values) != len(starts):
            raise ValueError(f"{len(values)} values for {len(starts)} steps")
        return tuple(number(value) for value in values)

    capacity_kwh = _number(data["capacity_kwh"])
    if capacity_kwh <= 0.0:
        raise ValueError(f"a capacity of {capacity_kwh} kWh")
    peak_kw, health = data.get("month_peak_kw"), data.get("learned_health")
    return PublishedPlan(
        issued=issued,
        trigger=_text(data["trigger"]),
        status=_text(data["status"]),
        capacity_kwh=capacity_kwh,
        stored_now_kwh=_number(data["stored_now_kwh"]),
        starts=starts,
        end=end,
        series={
            name: numbers(data["series"][name], _maybe if name == MAY_BE_UNKNOWN else _number)
            for name in SERIES
        },
        prices=numbers(data["prices"], _number),
        reserve_kwh=numbers(data["reserve_kwh"], _number),
        cost_by_term={_text(name): _number(cost) for name, cost in data["cost_by_term"].items()},
        solve_s=_number(data["solve_s"]),
        segment_values=tuple(numbers(values, _maybe) for values in data.get("segment_values", ())),
        peak_kw=numbers(data["peak_kw"], _maybe) if data.get("peak_kw") else (),
        month_peak_kw=None if peak_kw is None else _number(peak_kw),
        learned_health=None if health is None else _number(health),
    )


def _time(text: Any) -> datetime:
    time = datetime.fromisoformat(text)
    if not EARLIEST <= time < LATEST:  # also raises TypeError for a time without a time zone
        raise ValueError(f"{text} is not a time of a plan")
    return time


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"{value!r} is not a number")
    return value


def _maybe(value: Any) -> float:
    return math.nan if value is None else _number(value)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is not a text")
    return value
