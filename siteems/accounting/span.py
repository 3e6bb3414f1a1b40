"""The balance of a span of time: energy, money, wear, carbon and stored energy.

The one arithmetic behind a demo day, a replay and the scores.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import numpy.typing as npt

from siteems.accounting.billing import make_bill
from siteems.accounting.carbon import co2_kg
from siteems.accounting.wear import Wear
from siteems.site.model import Site
from siteems.tariff.schedule import TariffSchedule

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class SpanBalance:
    """Energy, money and CO2 of a span: three figures, none derived from another.

    Money is in the site's currency. Where the battery ends fuller than it began, the grid energy
    that bought the difference is credited, at the lowest price of the span; where it ends emptier,
    the credit is negative.
    """

    import_kwh: float
    energy_cost: float
    demand_cost: float
    wear_cost: float
    full_cycles: float
    """Equivalent full cycles."""
    stored_change_kwh: float
    """Energy in the battery at the end, less that at the start."""
    refill_kwh: float
    """Grid energy that it takes to store that change."""
    stored_credit: float
    """What that grid energy costs at the lowest price of the span."""
    co2_kg: float
    """Of all imported energy."""
    net_co2_kg: float
    """Of the imported energy less the refill."""

    @property
    def cost(self) -> float:
        """Energy, demand and wear, less the credit for what is left in the battery."""
        return self.energy_cost + self.demand_cost + self.wear_cost - self.stored_credit

    @property
    def net_import_kwh(self) -> float:
        """Imported energy, less the refill."""
        return self.import_kwh - self.refill_kwh


def span_balance(
    site: Site,
    import_kwh: Array,
    price_per_kwh: Array,
    start_soc: float,
    end_soc: float,
    wear: Wear,
    demand_cost: float = 0.0,
) -> SpanBalance:
    """The balance of a span.

    `import_kwh` and `price_per_kwh`, shape (n,), are the energy and the price of its intervals,
    which need not be equal.
    """
    change_kwh = (end_soc - start_soc) * site.battery.capacity_kwh
    grid_kwh = refill_kwh(site, change_kwh)
    imported_kwh = float(import_kwh.sum())
    return SpanBalance(
        import_kwh=imported_kwh,
        energy_cost=float(price_per_kwh @ import_kwh),
        demand_cost=demand_cost,
        wear_cost=wear.cost,
        full_cycles=wear.full_cycles,
        stored_change_kwh=change_kwh,
        refill_kwh=grid_kwh,
        stored_credit=grid_kwh * float(price_per_kwh.min()),
        co2_kg=co2_kg(imported_kwh, site.carbon),
        net_co2_kg=co2_kg(imported_kwh - grid_kwh, site.carbon),
    )


def refill_kwh(site: Site, stored_kwh: float) -> float:
    """Grid energy that it takes to store so much, with the rectifiers at their best efficiency."""
    best_rectifier = max(efficiency for _, efficiency in site.rectifier.efficiency)
    return stored_kwh / (site.battery.charge_efficiency * best_rectifier)


def demand_cost(
    site: Site, schedule: TariffSchedule, start: datetime, step: timedelta, import_kw: Array
) -> float:
    """Demand charges of a span as they would be billed, from mean import powers, shape (n,).

    A part of a month pays its part of the month's charge.
    """
    if not any(version.demand for version in site.tariffs):
        return 0.0
    bill = make_bill(schedule, site.grid, site.site.currency, start, step, import_kw)
    return float(bill.demand_amount)
