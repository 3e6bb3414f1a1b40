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
    """One value per local day and policy, shape (days,); `days` are local midnights."""

    days: pd.DatetimeIndex
    energy_cost: Mapping[Policy, Array]
    wear_cost: Mapping[Policy, Array]
    """The wear of the whole window, shared out by the energy discharged."""

    def saving(self, reference: Policy, policy: Policy = "optimal") -> Array:
        """Energy and wear of the reference less those of the policy, shape (days,)."""
        return (self.energy_cost[reference] + self.wear_cost[reference]) - (
            self.energy_cost[policy] + self.wear_cost[policy]
        )

    def by_month(self, reference: Policy, policy: Policy = "optimal") -> Mapping[str, Interval]:
        """The saving of each month with its confidence interval, by `"2026-07"`."""
        savings = pd.Series(self.saving(reference, policy), index=self.days)
        months = savings.groupby(self.days.strftime("%Y-%m"))
        return {
            str(month): confidence(np.asarray(values, dtype=np.float64)) for month, values in months
        }


def daily(result: ReplayResult, zone: ZoneInfo) -> Daily:
    """Sum a replay up by local day."""
    count = len(next(iter(result.policies.values())).series.soc)
    times = pd.date_range(result.start, periods=count, freq=result.step).tz_convert(zone)
    day_of = times.normalize()
    hours = result.step / timedelta(hours=1)

    def by_day(values: Array) -> Array:
        return np.asarray(pd.Series(values, index=day_of).groupby(level=0).sum(), dtype=np.float64)

    def energy_cost(outcome: PolicyOutcome) -> Array:
        series = outcome.series
        return by_day(series.price_per_kwh * series.grid_import_kw * hours)

    def wear_cost(outcome: PolicyOutcome) -> Array:
        discharged = by_day(np.maximum(0.0, -outcome.series.battery_kw))
        return outcome.balance.wear_cost * discharged / max(float(discharged.sum()), 1e-9)

    return Daily(
        days=pd.DatetimeIndex(day_of.unique()),
        energy_cost={policy: energy_cost(each) for policy, each in result.policies.items()},
        wear_cost={policy: wear_cost(each) for policy, each in result.policies.items()},
    )
