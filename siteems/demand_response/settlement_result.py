"""What a settlement consists of: settled periods, the capacity payment, the whole."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Final, Literal

from siteems.demand_response.programme import Programme

Band = Literal["below", "paid", "capped", "penalty", "missing"]
"""Where the response of a period lies: `penalty` below `penalty_below`, `below` from there to
`valid_low`, `paid` from there to `valid_high` (both ends included), `capped` above it; `missing`
where a step has no metered power or no baseline.
"""
NOTHING: Final = Decimal("0.00")


@dataclass(frozen=True)
class SettledPeriod:
    """One settlement period; quantities are None where the band is `missing`."""

    start_min: int
    """Minutes from the start of the event."""
    minutes: float
    """Length; the last period of an event may be shorter than the others."""
    missing_steps: int
    response_kw: float | None
    """Mean reduction of import; for filling, mean increase. Negative: the wrong way."""
    response_kwh: float | None
    ratio: float | None
    """Response / bid."""
    band: Band
    payment: Decimal
    penalty: Decimal

    @property
    def amount(self) -> Decimal:
        """Payment less penalty."""
        return self.payment - self.penalty


@dataclass(frozen=True)
class CapacityPayment:
    """What the event's share of a month's capacity payment amounts to."""

    paid_kw: float
    delivered_share: float | None
    """By which it is multiplied; None where no period was metered, and nothing is paid yet."""
    amount: Decimal


@dataclass(frozen=True)
class Settlement:
    """One settled event."""

    programme: Programme
    bid_kw: float
    periods: tuple[SettledPeriod, ...]
    capacity: CapacityPayment | None
    """None: the programme has no capacity payment."""

    @property
    def payment(self) -> Decimal:
        """Paid for energy: sum of the periods."""
        return sum((period.payment for period in self.periods), NOTHING)

    @property
    def penalty(self) -> Decimal:
        """Sum of the periods."""
        return sum((period.penalty for period in self.periods), NOTHING)

    @property
    def amount(self) -> Decimal:
        """Payment and capacity payment less penalty; negative: to be paid by the participant."""
        capacity = NOTHING if self.capacity is None else self.capacity.amount
        return self.payment + capacity - self.penalty

    @property
    def missing_periods(self) -> int:
        """Periods that could not be settled. While there are any, the amounts are provisional."""
        return sum(period.band == "missing" for period in self.periods)

    @property
    def response_kwh(self) -> float | None:
        """Sum of the periods that were metered; None where none was."""
        known = [each.response_kwh for each in self.periods if each.response_kwh is not None]
        return sum(known) if known else None
