"""What a bill consists of: lines, months, the whole."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True)
class EnergyLine:
    """Energy of one period at one price; the mean price where a price vector makes it change."""

    period: str
    tariff: str
    kwh: float
    price_per_kwh: float
    amount: Decimal


@dataclass(frozen=True)
class DemandLine:
    """One demand charge: measured demand, charged demand, and the price of one unit.

    The charged demand is in kW, for a charge on capacity in kVA.
    """

    name: str
    mode: str
    measured_kw: float
    charged_kw: float
    price_per_kw: float
    amount: Decimal


@dataclass(frozen=True)
class MonthBill:
    """The bill of one local month, or of the part of it that was metered."""

    month: str
    """Such as `"2026-07"`."""
    days: float
    """Days that were metered."""
    complete: bool
    """Whether the whole month was metered."""
    energy: tuple[EnergyLine, ...]
    demand: tuple[DemandLine, ...]
    standing: Decimal
    exported_kwh: float
    export_credit: Decimal

    @property
    def energy_amount(self) -> Decimal:
        """Sum of the energy lines."""
        return sum((line.amount for line in self.energy), Decimal(0))

    @property
    def demand_amount(self) -> Decimal:
        """Sum of the demand lines."""
        return sum((line.amount for line in self.demand), Decimal(0))

    @property
    def imported_kwh(self) -> float:
        """Sum of the energies."""
        return sum(line.kwh for line in self.energy)

    @property
    def total(self) -> Decimal:
        """What is to be paid."""
        return self.energy_amount + self.demand_amount + self.standing - self.export_credit


@dataclass(frozen=True)
class Bill:
    """All months of a metered span, in order."""

    currency: str
    months: tuple[MonthBill, ...]

    @property
    def total(self) -> Decimal:
        """Sum of the months."""
        return sum((month.total for month in self.months), Decimal(0))

    @property
    def demand_amount(self) -> Decimal:
        """Sum of all demand charges."""
        return sum((month.demand_amount for month in self.months), Decimal(0))
