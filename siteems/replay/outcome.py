"""The result of a replay: series and figures of each policy, and how the policies compare."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from siteems.accounting.span import SpanBalance
from siteems.forecast.score import Score
from siteems.forecast.score_table import as_data

Array = npt.NDArray[np.float64]
Policy = Literal["idle", "rules", "self-consumption", "standby", "optimal", "foresight", "bound"]
POLICIES: tuple[Policy, ...] = (
    "idle",
    "rules",
    "self-consumption",
    "optimal",
    "foresight",
    "bound",
)
"""Those that a replay compares. `standby` is one of a replay with DR events alone."""
SIMPLE: tuple[Policy, ...] = ("idle", "rules", "self-consumption")
"""The policies without forecast and optimisation, which `optimal` is compared with."""
PLANNING: tuple[Policy, ...] = ("optimal", "foresight")
"""Those whose controller makes plans."""

MEANING: Mapping[Policy, str] = {
    "idle": "no control: the battery floats, PV feeds the bus first",
    "rules": "peak-valley timer: charge in the cheapest third of the day's price range, carry the "
    "load in the most expensive third",
    "self-consumption": "store surplus PV, carry the load from the battery above the reserve; no "
    "forecast, no tariff",
    "standby": "the battery is kept full, and discharged in DR events only",
    "optimal": "siteems: forecast, linear program every 15 minutes, control above the reserve",
    "foresight": "the same controller with perfect foresight of load and PV",
    "bound": "one program over the whole window with everything known, carried out as planned: no "
    "controller can cost less",
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
    """As the controller held it; NaN without one."""
    mains_ok: Array
    """Share of the interval with mains."""


@dataclass(frozen=True)
class PolicyOutcome:
    """One policy over the whole window. Money is in the site's currency."""

    policy: Policy
    balance: SpanBalance
    pv_used_kwh: float
    pv_available_kwh: float
    unserved_kwh: float
    """Telecom load that was not served."""
    reserve_violations: int
    """Control cycles that discharged below the reserve with the mains present."""
    lowest_margin_soc: float
    """Lowest SoC above the reserve while discharging; infinite where it never discharged."""
    plans: int
    failed_plans: int
    travel_kw: float
    """Sum of all changes of battery power from interval to interval."""
    writes_per_day: Mapping[str, float]
    """Changed setpoints by device."""
    plan_p95_s: float
    wall_s: float
    cpu_s: float
    breakdown_s: Mapping[str, float]
    """Wall time by activity: solve, plan (all around a solve), forecast, control, simulate,
    record.
    """
    alarms: Mapping[str, int]
    """Alarms raised, by code."""
    series: Series
    planned_cost: float | None = None
    """What the bound's plan would cost, followed to the letter; other policies have none."""

    @property
    def cost(self) -> float:
        """Energy, demand, wear, and the drop in value of the energy stored in the battery."""
        return self.balance.cost

    def figures(self) -> dict[str, float]:
        """Every single figure by its name in `summary.json`."""
        balance = self.balance
        return {
            "cost": balance.cost,
            "energy_cost": balance.energy_cost,
            "demand_cost": balance.demand_cost,
            "wear_cost": balance.wear_cost,
            "stored_drop": 0.0 - balance.stored_credit,
            "import_kwh": balance.import_kwh,
            "pv_used_kwh": self.pv_used_kwh,
            "pv_available_kwh": self.pv_available_kwh,
            "unserved_kwh": self.unserved_kwh,
            "full_cycles": balance.full_cycles,
            "reserve_violations": self.reserve_violations,
            "lowest_margin_soc": self.lowest_margin_soc,
            "co2_kg": balance.co2_kg,
            "plans": self.plans,
            "failed_plans": self.failed_plans,
            "travel_kw": self.travel_kw,
            "plan_p95_s": self.plan_p95_s,
            "wall_s": self.wall_s,
            "cpu_s": self.cpu_s,
        }

    def summary(self) -> dict[str, Any]:
        """Everything but the series, for `summary.json`."""
        return {
            **{name: _rounded(value) for name, value in self.figures().items()},
            "planned_cost": _rounded(self.planned_cost),
            "writes_per_day": {
                name: round(count, 2) for name, count in self.writes_per_day.items()
            },
            "breakdown_s": {name: round(seconds, 3) for name, seconds in self.breakdown_s.items()},
            "alarms": dict(self.alarms),
        }


@dataclass(frozen=True, eq=False)
class ReplayResult:
    """All policies over one window of one site's data."""

    site_id: str
    currency: str
    source: str
    start: datetime
    step: timedelta
    notes: tuple[str, ...]
    """What was done to the recorded data, one sentence for each rule that was applied."""
    policies: Mapping[Policy, PolicyOutcome]
    data_sha256: str = ""
    """Hash of the recording's file; empty for data that come from none."""
    forecasts: tuple[Score, ...] = ()
    """How good the forecasts were on the recording, if it is long enough for a score."""

    @property
    def end(self) -> datetime:
        """End of the last interval."""
        return self.start + self.step * len(next(iter(self.policies.values())).series.soc)

    @property
    def days(self) -> float:
        """Length of the window."""
        return (self.end - self.start) / timedelta(days=1)

    def saving(self, reference: Policy, policy: Policy = "optimal") -> float | None:
        """Cost of the reference less that of the policy; None where one of them was not run."""
        if reference not in self.policies or policy not in self.policies:
            return None
        return self.policies[reference].cost - self.policies[policy].cost

    def best_simple(self) -> Policy | None:
        """The cheapest of the simple rules that were run, which a saving has to be measured
        against.
        """
        simple = [policy for policy in SIMPLE if policy in self.policies]
        return min(simple, key=lambda policy: self.policies[policy].cost, default=None)

    def regret(self, best: Policy = "bound") -> tuple[float, float] | None:
        """What `best` saves beyond `optimal`, and as a share of what it saves in all.

        None where one of `idle`, `optimal` and `best` was not run. The share is NaN where `best`
        saves nothing.
        """
        possible, optimal = self.saving("idle", best), self.saving("idle")
        if possible is None or optimal is None:
            return None
        return possible - optimal, (possible - optimal) / possible if possible else np.nan

    def summary(self) -> dict[str, Any]:
        """For `summary.json`."""
        regret, regret_share = self.regret() or (None, None)
        to_foresight, _ = self.regret("foresight") or (None, None)
        best = self.best_simple()
        return {
            "site": self.site_id,
            "currency": self.currency,
            "source": self.source,
            "data_sha256": self.data_sha256 or None,
            "start": self.start.isoformat(),
            "end": self.end.isoformat(),
            "days": round(self.days, 3),
            "policies": {name: outcome.summary() for name, outcome in self.policies.items()},
            "forecasts": as_data(self.forecasts),
            "saving_vs_idle": _rounded(self.saving("idle")),
            "saving_vs_rules": _rounded(self.saving("rules")),
            "saving_vs_self_consumption": _rounded(self.saving("self-consumption")),
            "best_simple_rule": best,
            "saving_vs_best_simple_rule": _rounded(self.saving(best) if best else None),
            "regret_to_bound": _rounded(regret),
            "regret_share": _rounded(regret_share),
            "regret_to_foresight": _rounded(to_foresight),
            "notes": list(self.notes),
        }


def _rounded(value: float | None) -> float | None:
    """For JSON, which has neither NaN nor infinity."""
    return None if value is None or not np.isfinite(value) else round(float(value), 4)
