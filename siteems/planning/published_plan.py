"""A plan on the clock: what the control loop follows, what is recorded, and what a restart takes up
again.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np

from optimisation.arrays import Floats
from optimisation.plan.plan import Plan
from siteems.planning.futures import FutureValues
from siteems.planning.problem import PlanningInputs

USABLE = ("optimal", "feasible")
"""Statuses of plans that can be followed."""
SERIES = (
    "grid_import_kw",
    "rectifier_dc_kw",
    "pv_kw",
    "battery_kw",
    "stored_kwh",
    "reserve_short_kwh",
    "cap_excess_kw",
    "unserved_kw",
    "stored_value_per_kwh",
)
"""The series of a plan that are published."""
PLANNED_ZERO_KW = 0.02
"""A planned power below this counts as zero. It is rounding; no battery command is that fine."""
DIGITS = 6
"""Decimal places of kW, kWh and money in the record."""


@dataclass(frozen=True)
class PublishedPlan:
    """A usable plan as issued. Each series has one value per step; energies are at its end."""

    issued: datetime
    trigger: str
    status: str
    capacity_kwh: float
    stored_now_kwh: float
    starts: tuple[datetime, ...]
    end: datetime
    series: Mapping[str, tuple[float, ...]]
    prices: tuple[float, ...]
    reserve_kwh: tuple[float, ...]
    cost_by_term: Mapping[str, float]
    solve_s: float
    segment_values: tuple[tuple[float, ...], ...] = ()
    """Marginal value of a kWh stored in each wear segment, the shallowest first, at the end of each
    step: the mean over several futures. Empty where not known, as in plans of earlier versions.
    """
    peak_kw: tuple[float, ...] = ()
    """Billed import that the plan leads to, in each step; NaN where import is not billed by its
    peak, empty where there is no demand charge.
    """
    month_peak_kw: float | None = None
    """Highest billed import of the month until then; None where there is no demand charge."""
    learned_health: float | None = None
    """State of health that discharges had shown; None while they agreed with the site file."""
    future_values: FutureValues | None = field(default=None, compare=False, repr=False)
    """The last values in the other futures; not in the record, so solved anew after a restart."""

    @property
    def month_peak(self) -> tuple[datetime, float] | None:
        """When the plan was issued, and the month's peak in kW until then."""
        return None if self.month_peak_kw is None else (self.issued, self.month_peak_kw)

    def step_at(self, now: datetime) -> int | None:
        """The index of the step at `now`; None before the first and after the last step."""
        if not self.starts[0] <= now < self.end:
            # A plan made within a minute before a boundary begins at the boundary; its first step
            # holds already.
            return 0 if self.issued <= now < self.starts[0] else None
        return bisect_right(self.starts, now) - 1

    def battery_kw(self, now: datetime) -> float | None:
        """Planned battery power, + charging; None where the plan has no step."""
        step = self.step_at(now)
        return None if step is None else self.series["battery_kw"][step]

    def carries_load(self, now: datetime) -> bool:
        """Whether the battery carries all load that PV does not, with the rectifiers at rest."""
        step = self.step_at(now)
        if step is None:
            return False
        return (
            self.series["battery_kw"][step] < -PLANNED_ZERO_KW
            and self.series["rectifier_dc_kw"][step] < PLANNED_ZERO_KW
        )

    def values(self, now: datetime) -> tuple[float, ...] | None:
        """Marginal value of a kWh stored in each wear segment, the shallowest first; None where the
        plan has no step or no values.
        """
        step = self.step_at(now)
        if step is None or not self.segment_values:
            return None
        values = tuple(of_segment[step] for of_segment in self.segment_values)
        return None if any(map(math.isnan, values)) else values

    def peak_at(self, now: datetime) -> float | None:
        """Billed import that the plan leads to; None where import is not billed by its peak."""
        step = self.step_at(now)
        peak_kw = math.nan if step is None or not self.peak_kw else self.peak_kw[step]
        return None if math.isnan(peak_kw) else peak_kw

    def soc(self, now: datetime) -> float | None:
        """Planned state of charge, linear within the step; None where the plan has no step."""
        step = self.step_at(now)
        if step is None:
            return None
        stored = self.series["stored_kwh"]
        before = stored[step - 1] if step else self.stored_now_kwh
        begin = self.starts[step]
        end = self.starts[step + 1] if step + 1 < len(self.starts) else self.end
        share = min(1.0, max(0.0, (now - begin) / (end - begin)))
        return (before + share * (stored[step] - before)) / self.capacity_kwh

    def to_dict(self) -> dict[str, Any]:
        """For the record; `planning/recorded_plan.py` reads it."""
        return {
            "issued": self.issued.isoformat(),
            "trigger": self.trigger,
            "status": self.status,
            "capacity_kwh": self.capacity_kwh,
            "stored_now_kwh": self.stored_now_kwh,
            "starts": [s.isoformat() for s in self.starts],
            "end": self.end.isoformat(),
            "series": {
                name: [_json_number(v) for v in values] for name, values in self.series.items()
            },
            "prices": list(self.prices),
            "reserve_kwh": list(self.reserve_kwh),
            "cost_by_term": dict(self.cost_by_term),
            "solve_s": self.solve_s,
            "segment_values": [[_json_number(v) for v in vs] for vs in self.segment_values],
            "peak_kw": [_json_number(v) for v in self.peak_kw],
            "month_peak_kw": self.month_peak_kw,
            "learned_health": self.learned_health,
        }


def _json_number(value: float) -> float | None:
    """None for NaN, which JSON does not have. A plan stopped by the time limit has no marginal
    values of stored energy.
    """
    return None if math.isnan(value) else value


def publish(
    plan: Plan, inputs: PlanningInputs, trigger: str, earlier: FutureValues | None = None
) -> PublishedPlan:
    """Put a usable plan on the clock, with its numbers rounded as in the record, so that a restart
    changes nothing. `earlier` are the values of other futures where this plan has none.
    """
    state, horizon = inputs.state, inputs.horizon
    others = earlier
    if plan.future_value_per_kwh:
        others = FutureValues(state.time, horizon.grid.starts_s, plan.future_value_per_kwh)
    peak_kw, health = state.month_peak_kw, state.learned_health
    return PublishedPlan(
        issued=state.time,
        trigger=trigger,
        status=str(plan.status),
        capacity_kwh=inputs.problem.capacity_kwh,
        stored_now_kwh=inputs.problem.stored_kwh,
        starts=horizon.grid.starts,
        end=horizon.grid.end,
        series=dict(zip(SERIES, _rounded([getattr(plan, name) for name in SERIES]), strict=True)),
        prices=tuple(price.per_kwh for price in horizon.prices),
        reserve_kwh=_rounded([horizon.reserve_kwh])[0],
        cost_by_term={name: round(float(v), DIGITS) for name, v in plan.cost_by_term.items()},
        solve_s=round(plan.solve_s, DIGITS),
        segment_values=_values(plan, inputs, others),
        peak_kw=_peak(plan, inputs),
        month_peak_kw=None if peak_kw is None else round(peak_kw, DIGITS),
        learned_health=None if health is None else round(health, DIGITS),
        future_values=others,
    )


def _values(
    plan: Plan, inputs: PlanningInputs, others: FutureValues | None
) -> tuple[tuple[float, ...], ...]:
    """The mean over the plan's own future and the others. Those of one alone are no guide: they
    jump at what its own plan needs.
    """
    if others is None:
        return ()
    mean = others.mean_with(plan.segment_value_per_kwh, inputs.horizon.grid)
    return tuple(_rounded(list(mean)))


def _peak(plan: Plan, inputs: PlanningInputs) -> tuple[float, ...]:
    demand, n = inputs.problem.demand, inputs.problem.n_steps
    if demand is None or plan.demand_peak_kw is None:
        return ()
    counts = np.ones(n, dtype=np.bool_) if demand.counts is None else demand.counts
    return _rounded([np.where(counts, plan.demand_peak_kw, np.nan)])[0]


def _rounded(series: Sequence[Floats]) -> list[tuple[float, ...]]:
    """Each series rounded to the digits of the record. A battery at rest then has no sign from the
    solver's rounding errors; adding 0.0 turns -0.0 into 0.0.
    """
    rounded = np.array(series).round(DIGITS) + 0.0
    return [tuple(values) for values in rounded.tolist()]
