"""What a replay comes to: series and figures of each policy, and how the policies compare."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from siteems.forecast.score import Score
from siteems.forecast.score_table import as_data

Array = npt.NDArray[np.float64]
Policy = Literal["idle", "rules", "optimal", "foresight"]
POLICIES: tuple[Policy, ...] = ("idle", "rules", "optimal", "foresight")

MEANING: Mapping[Policy, str] = {
    "idle": "no control: the battery floats, photovoltaics feed the bus first",
    "rules": "peak-valley timer: charge in the cheap third of the day's prices, carry the load in the dear third",
    "optimal": "ours: forecast, linear program every 15 minutes, control inside the reserve",
    "foresight": "the same controller with perfect knowledge of load and sun: the bound",
}


@dataclass(frozen=True, eq=False)
class Series:
    """One value per interval, shape (n,); powers are means over it, kW, states are at its end."""

    price_per_kwh: Array
    grid_import_kw: Array
    battery_kw: Array
    pv_kw: Array
    pv_available_kw: Array
    dc_load_kw: Array
    ac_load_kw: Array
    soc: Array
    reserve_soc: Array
    """Wanted by the controller; NaN without one."""
    mains_ok: Array
    """Share of the interval with mains."""


@dataclass(frozen=True)
class PolicyOutcome:
    """One policy over the whole span. Money in the site's currency."""

    policy: Policy
    energy_cost: float
    demand_cost: float
    wear_cost: float
    stored_credit: float
    """What the change of stored energy is worth: bought back at the span's lowest price."""
    import_kwh: float
    pv_used_kwh: float
    pv_available_kwh: float
    unserved_kwh: float
    full_cycles: float
    """Equivalent full cycles, by rainflow."""
    reserve_violations: int
    """Cycles in which we discharged below the reserve with the mains there."""
    lowest_margin_soc: float
    co2_kg: float
    plans: int
    failed_plans: int
    travel_kw: float
    """Sum of all changes of the battery's power from interval to interval."""
    writes_per_day: Mapping[str, float]
    """Changed setpoints by device."""
    plan_p95_s: float
    wall_s: float
    cpu_s: float
    breakdown_s: Mapping[str, float]
    """Wall time by what was done: solve, plan (all around a solve), forecast, control, simulate,
    record.
    """
    incidents: Mapping[str, int]
    series: Series

    @property
    def cost(self) -> float:
        """Energy, demand and wear, less the credit for what is left in the battery."""
        return self.energy_cost + self.demand_cost + self.wear_cost - self.stored_credit

    def summary(self) -> dict[str, Any]:
        """Everything but the series, for `summary.json`."""
        names = (
            "energy_cost", "demand_cost", "wear_cost", "stored_credit", "import_kwh", "pv_used_kwh",
            "pv_available_kwh", "unserved_kwh", "full_cycles", "reserve_violations", "lowest_margin_soc", "co2_kg",
            "plans", "failed_plans", "travel_kw", "plan_p95_s", "wall_s", "cpu_s",
        )  # fmt: skip
        figures = {name: _figure(getattr(self, name)) for name in ("cost", *names)}
        return figures | {
            "writes_per_day": {
                name: round(count, 2) for name, count in self.writes_per_day.items()
            },
            "breakdown_s": {name: round(seconds, 3) for name, seconds in self.breakdown_s.items()},
            "incidents": dict(self.incidents),
        }


@dataclass(frozen=True, eq=False)
class ReplayResult:
    """All policies over one span of one site's data."""

    site_id: str
    currency: str
    source: str
    start: datetime
    step: timedelta
    notes: tuple[str, ...]
    """What was done to the recorded data, one sentence for each rule that was applied."""
    policies: Mapping[Policy, PolicyOutcome]
    forecasts: tuple[Score, ...] = ()
    """How good the forecasts were on the recording, where it is long enough to tell."""

    @property
    def end(self) -> datetime:
        """End of the last interval."""
        return self.start + self.step * len(next(iter(self.policies.values())).series.soc)

    @property
    def days(self) -> float:
        """Length of the span."""
        return (self.end - self.start) / timedelta(days=1)

    def saving(self, reference: Policy, policy: Policy = "optimal") -> float | None:
        """Cost of the reference less that of the policy; None where one of them was not run."""
        if reference not in self.policies or policy not in self.policies:
            return None
        return self.policies[reference].cost - self.policies[policy].cost

    def summary(self) -> dict[str, Any]:
        """For `summary.json`."""
        foresight, optimal = self.saving("idle", "foresight"), self.saving("idle")
        regret = None if foresight is None or optimal is None else foresight - optimal
        return {
            "site": self.site_id,
            "currency": self.currency,
            "source": self.source,
            "start": self.start.isoformat(),
            "end": self.end.isoformat(),
            "days": round(self.days, 3),
            "policies": {name: outcome.summary() for name, outcome in self.policies.items()},
            "forecasts": as_data(self.forecasts),
            "saving_vs_idle": _figure(optimal),
            "saving_vs_rules": _figure(self.saving("rules")),
            "regret_to_foresight": _figure(regret),
            "regret_share": _figure(regret / foresight)
            if regret is not None and foresight
            else None,
            "notes": list(self.notes),
        }


def _figure(value: float | None) -> float | None:
    return None if value is None or not np.isfinite(value) else round(float(value), 4)
