"""A replay by local day: what each policy cost, so that days and months can be compared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import numpy.typing as npt
import pandas as pd

from siteems.accounting.billing import make_bill
from siteems.accounting.span import refill_kwh
from siteems.recordings.local_days import local_days
from siteems.replay.outcome import Policy, PolicyOutcome, ReplayResult
from siteems.replay.savings import Interval, confidence, of_months
from siteems.site.model import Site
from siteems.tariff.schedule import TariffSchedule

Array = npt.NDArray[np.float64]


MONTHS_FOR_INTERVAL = 3
"""Savings of demand charges scatter from month to month, which fewer months do not show."""


@dataclass(frozen=True, eq=False)
class Daily:
    """One value per local day and policy, shape (days,); `days` are local midnights
    without offset. The sum of a policy's days is its cost.
    """

    days: pd.DatetimeIndex
    cost: Mapping[Policy, Array]
    """Energy, wear and the change of stored energy. Wear is that of the whole window, shared out by
    the energy discharged.
    """
    demand_cost: Mapping[Policy, Array]
    """One value per local month, shape (months,)."""
    month_of: npt.NDArray[np.intp]
    """Index of the month of each day."""

    def saving(self, reference: Policy, policy: Policy = "optimal") -> Array:
        """Cost of the reference less that of the policy, without demand charges, shape (days,)."""
        return self.cost[reference] - self.cost[policy]

    def demand_saving(self, reference: Policy, policy: Policy = "optimal") -> Array:
        """Demand charges of the reference less those of the policy, shape (months,)."""
        return self.demand_cost[reference] - self.demand_cost[policy]

    def whole_saving(self, reference: Policy, policy: Policy = "optimal") -> Interval:
        """The saving of the window, demand charges included, with its confidence interval. With
        demand charges of fewer than three months the bounds are those of the rest.
        """
        days = confidence(self.saving(reference, policy))
        months = self.demand_saving(reference, policy)
        demand = float(months.sum())
        whole = Interval(days.total + demand, days.low + demand, days.high + demand)
        if months.any() and len(months) >= MONTHS_FOR_INTERVAL:
            return whole.widened(of_months(months))
        return whole

    def by_month(self, reference: Policy, policy: Policy = "optimal") -> Mapping[str, Interval]:
        """The saving of each month with its confidence interval, by `"2026-07"`; demand charges are
        in it as they were billed.
        """
        savings, demand = self.saving(reference, policy), self.demand_saving(reference, policy)
        found = {}
        for month, charged in enumerate(demand.tolist()):
            of_month = self.month_of == month
            days = confidence(savings[of_month])
            name = f"{self.days[of_month][0]:%Y-%m}"
            found[name] = Interval(days.total + charged, days.low + charged, days.high + charged)
        return found


def daily(site: Site, result: ReplayResult) -> Daily:
    """Sum a replay up by local day."""
    zone, schedule = site.site.zone, TariffSchedule(site.tariffs, site.site.zone)
    count = len(next(iter(result.policies.values())).series.soc)
    times = pd.date_range(result.start, periods=count, freq=result.step).tz_convert(zone)
    day_of = local_days(times)
    days = pd.DatetimeIndex(day_of.unique())
    hours = result.step / timedelta(hours=1)

    def by_day(values: Array) -> Array:
        return np.asarray(pd.Series(values, index=day_of).groupby(level=0).sum(), dtype=np.float64)

    def cost(outcome: PolicyOutcome) -> Array:
        series, balance = outcome.series, outcome.balance
        discharged = by_day(np.maximum(0.0, -series.battery_kw))
        wear = balance.wear_cost * discharged / max(float(discharged.sum()), 1e-9)
        change = np.diff(series.soc, prepend=series.soc[-1] - _change_soc(site, outcome))
        per_kwh = refill_kwh(site, site.battery.capacity_kwh) * float(series.price_per_kwh.min())
        stored = by_day(change) * per_kwh
        return by_day(series.price_per_kwh * series.grid_import_kw * hours) + wear - stored

    def demand_cost(outcome: PolicyOutcome) -> Array:
        import_kw = np.maximum(outcome.series.grid_import_kw, 0.0)
        bill = make_bill(
            schedule, site.grid, site.site.currency, result.start, result.step, import_kw
        )
        return np.array([float(month.demand_amount) for month in bill.months])

    return Daily(
        days=days,
        cost={policy: cost(each) for policy, each in result.policies.items()},
        demand_cost={policy: demand_cost(each) for policy, each in result.policies.items()},
        month_of=np.unique(days.year * 12 + days.month, return_inverse=True)[1],
    )


def _change_soc(site: Site, outcome: PolicyOutcome) -> float:
    """How much fuller the battery is at the end than at the start, as a share of capacity."""
    return outcome.balance.stored_change_kwh / site.battery.capacity_kwh
