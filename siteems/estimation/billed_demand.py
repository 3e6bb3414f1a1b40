"""Which demand charge of the tariff a plan can influence, and what a kW of it costs."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from siteems.accounting.contract import excess_starts_kw
from siteems.site.model import GridConnection
from siteems.tariff.gap import TariffGap
from siteems.tariff.model import DemandTerm, TariffVersion
from siteems.tariff.schedule import TariffSchedule


class BilledDemand(NamedTuple):
    """The demand charge that is planned for. `price_per_kw` applies above `free_kw`."""

    version: TariffVersion
    term: DemandTerm
    price_per_kw: float
    """Currency per kW of the month's peak."""
    free_kw: float
    """Paid for in any case: the contracted demand, with its tolerance."""


def billed_demand(
    schedule: TariffSchedule, connection: GridConnection, when: datetime
) -> BilledDemand | None:
    """The most expensive of the charges that hold on that local day and that a plan can influence.

    A charge on the size of the transformer stays the same whatever is imported, so it is left out.
    None where no charge remains, and where no tariff is valid on that day.
    """
    try:
        version = schedule.version(when.astimezone(schedule.zone).date())
    except TariffGap:
        return None
    charges = [_billed(version, term, connection) for term in version.demand]
    return max(
        [charge for charge in charges if charge is not None],
        key=lambda charge: charge.price_per_kw,
        default=None,
    )


def _billed(
    version: TariffVersion, term: DemandTerm, connection: GridConnection
) -> BilledDemand | None:
    if term.mode == "measured":
        return BilledDemand(version, term, term.price_per_kw, 0.0)
    if term.mode == "contract" and term.over:
        _, multiple = term.over[0]
        free_kw = float(excess_starts_kw(term, connection)[0])
        return BilledDemand(version, term, multiple * term.price_per_kw, free_kw)
    return None
