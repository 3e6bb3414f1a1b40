"""A replay by local day: what each policy cost, so that days and months can be compared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pandas as pd

from siteems.replay.outcome import Policy, PolicyOutcome, ReplayResult
from siteems.replay.savings import Interval, confidence

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Daily:
    """One value per local day and policy; `days` are local midnights."""

    days: pd.DatetimeIndex
    energy_cost: Mapping[Policy, Array]
    wear_cost: Mapping[Policy, Array]
    """The span's wear, shared out by what was discharged."""
    lowest_soc: Mapping[Policy, Array]

    def saving(self, reference: Policy, policy: Policy = "optimal") -> Array:
        """Energy and wear of the reference less those of the policy, shape (days,)."""
        return (self.energy_cost[reference] + self.wear_cost[reference]) - (
            self.energy_cost[policy] + self.wear_cost[policy]
        )

    def by_month(self, reference: Policy, policy: Policy = "optimal") -> Mapping[str, Interval]:
        """The saving of each month with its confidence, by "2026-07"."""
        frame = pd.Series(self.saving(reference, policy), index=self.days)
        months = frame.groupby(self.days.strftime("%Y-%m"))
        return {
            str(month): confidence(np.asarray(values, dtype=np.float64)) for month, values in months
        }


def daily(result: ReplayResult, zone: ZoneInfo) -> Daily:
    """Sum a replay up by local day."""
    count = len(next(iter(result.policies.values())).series.soc)
    times = pd.date_range(result.start, periods=count, freq=result.step).tz_convert(zone)
    days = times.normalize()
    hours = result.step / timedelta(hours=1)

    def summed(values: Array) -> Array:
        return np.asarray(pd.Series(values, index=days).groupby(level=0).sum(), dtype=np.float64)

    def wear(outcome: PolicyOutcome) -> Array:
        discharged = summed(np.maximum(0.0, -outcome.series.battery_kw))
        return outcome.wear_cost * discharged / max(float(discharged.sum()), 1e-9)

    return Daily(
        days=pd.DatetimeIndex(days.unique()),
        energy_cost={
            policy: summed(o.series.price_per_kwh * o.series.grid_import_kw * hours)
            for policy, o in result.policies.items()
        },
        wear_cost={policy: wear(outcome) for policy, outcome in result.policies.items()},
        lowest_soc={
            policy: np.asarray(
                pd.Series(o.series.soc, index=days).groupby(level=0).min(), dtype=np.float64
            )
            for policy, o in result.policies.items()
        },
    )
