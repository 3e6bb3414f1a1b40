"""A plan with its place in time: what the control loop follows, the record keeps, and a restart
takes up again.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog

from optimisation.arrays import Floats
from optimisation.plan.plan import Plan
from siteems.planning.problem import PlanningInputs

log = structlog.get_logger()

SERIES = (
    "grid_import_kw", "rectifier_dc_kw", "pv_kw", "battery_kw", "stored_kwh", "reserve_short_kwh", "cap_excess_kw",
    "unserved_kw", "stored_value_per_kwh",
)  # fmt: skip


RESTING_KW = 0.02
"""What is less is rounding."""
DIGITS = 6
"""Of kW, kWh and money, after the point."""


@dataclass(frozen=True)
class PublishedPlan:
    """A usable plan as issued. All series have one value per start; energies are at the end of the
    step.
    """

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
    month_peak_kw: float | None = None
    """What the month's demand charge is due on so far; none where there is no such charge."""

    @property
    def month_peak(self) -> tuple[datetime, float] | None:
        """When the plan was issued, and the month's peak in kW until then."""
        return None if self.month_peak_kw is None else (self.issued, self.month_peak_kw)

    def step_at(self, now: datetime) -> int | None:
        """The index of the step that holds `now`; none before the first and after the last."""
        if not self.starts[0] <= now < self.end:
            # A plan made a moment before a boundary begins at the boundary; until then its first
            # step holds.
            return 0 if self.issued <= now < self.starts[0] else None
        return bisect_right(self.starts, now) - 1

    def battery_kw(self, now: datetime) -> float | None:
        """Planned battery power at a time, + charging."""
        step = self.step_at(now)
        return None if step is None else self.series["battery_kw"][step]

    def carries_load(self, now: datetime) -> bool:
        """Whether the battery is to carry all that the sun does not, with the rectifiers at rest."""
        step = self.step_at(now)
        if step is None:
            return False
        return (
            self.series["battery_kw"][step] < -RESTING_KW
            and self.series["rectifier_dc_kw"][step] < RESTING_KW
        )

    def soc(self, now: datetime) -> float | None:
        """Planned state of charge at a time."""
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
        """For the record."""
        return {
            "issued": self.issued.isoformat(),
            "trigger": self.trigger,
            "status": self.status,
            "capacity_kwh": self.capacity_kwh,
            "stored_now_kwh": self.stored_now_kwh,
            "starts": [s.isoformat() for s in self.starts],
            "end": self.end.isoformat(),
            "series": {name: [_known(v) for v in values] for name, values in self.series.items()},
            "prices": list(self.prices),
            "reserve_kwh": list(self.reserve_kwh),
            "cost_by_term": dict(self.cost_by_term),
            "solve_s": self.solve_s,
            "month_peak_kw": self.month_peak_kw,
        }

    @classmethod
    def from_record(cls, data: Mapping[str, Any] | None) -> PublishedPlan | None:
        """From the record, if it holds one that this version can read; else none, and planning
        starts afresh.
        """
        if data is None:
            return None
        try:
            return cls.from_dict(data)
        except (KeyError, TypeError, ValueError, AttributeError):
            log.warning("recorded-plan-unreadable")
            return None

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> PublishedPlan:
        """From the record."""
        return cls(
            issued=datetime.fromisoformat(data["issued"]),
            trigger=data["trigger"],
            status=data["status"],
            capacity_kwh=data["capacity_kwh"],
            stored_now_kwh=data["stored_now_kwh"],
            starts=tuple(datetime.fromisoformat(s) for s in data["starts"]),
            end=datetime.fromisoformat(data["end"]),
            series={
                name: tuple(math.nan if v is None else v for v in vs)
                for name, vs in data["series"].items()
            },
            prices=tuple(data["prices"]),
            reserve_kwh=tuple(data["reserve_kwh"]),
            cost_by_term=dict(data["cost_by_term"]),
            solve_s=data["solve_s"],
            month_peak_kw=data.get("month_peak_kw"),
        )


def _known(value: float) -> float | None:
    """For JSON, which has no NaN: a plan stopped by the time limit does not know what stored energy
    is worth.
    """
    return None if math.isnan(value) else value


def publish(plan: Plan, inputs: PlanningInputs, trigger: str) -> PublishedPlan:
    """Put a usable plan on the clock, with its numbers rounded as in the record, so that a restart
    changes nothing.
    """
    state, horizon = inputs.state, inputs.horizon
    peak_kw = state.month_peak_kw
    return PublishedPlan(
        issued=state.time,
        trigger=trigger,
        status=str(plan.status),
        capacity_kwh=inputs.problem.capacity_kwh,
        stored_now_kwh=inputs.problem.stored_kwh,
        starts=horizon.grid.starts,
        end=horizon.grid.end,
        series={name: _rounded(getattr(plan, name)) for name in SERIES},
        prices=tuple(price.per_kwh for price in horizon.prices),
        reserve_kwh=_rounded(horizon.reserve_kwh),
        cost_by_term={name: round(float(v), DIGITS) for name, v in plan.cost_by_term.items()},
        solve_s=round(plan.solve_s, DIGITS),
        month_peak_kw=None if peak_kw is None else round(peak_kw, DIGITS),
    )


def _rounded(series: Floats) -> tuple[float, ...]:
    """So that rounding errors of the solver give a battery that rests no sign; + 0.0 takes that of
    -0.0.
    """
    return tuple((series.round(DIGITS) + 0.0).tolist())
