"""What a metered import costs by month: energy by period, demand charges, standing charges. Adds up
to the cent.

Every line is rounded half up to the cent, in decimal arithmetic, and sums are sums of lines. A
month of which the metered span covers a part pays that part, by days, of what is charged by the
month.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal

import numpy as np
import numpy.typing as npt

from siteems.accounting.demand import highest_mean_kw
from siteems.site.model import GridConnection
from siteems.tariff.local_clock import Seconds
from siteems.tariff.model import DemandTerm, TariffVersion
from siteems.tariff.schedule import PriceSeries, TariffSchedule

Array = npt.NDArray[np.float64]

CENT = Decimal("0.01")
ENERGY_DIGITS = 6
"""Energies enter a bill in kWh with so many digits: what float sums leave beyond is dust."""


@dataclass(frozen=True)
class EnergyLine:
    """Energy of one period at one price; `price_per_kwh` is the mean where a price vector made it
    change.
    """

    period: str
    tariff: str
    kwh: float
    price_per_kwh: float
    amount: Decimal


@dataclass(frozen=True)
class DemandLine:
    """One demand charge: what was measured, what was charged for (kW, kVA for capacity), and the
    price of one.
    """

    name: str
    mode: str
    measured_kw: float
    charged_kw: float
    price_per_kw: float
    amount: Decimal


@dataclass(frozen=True)
class MonthBill:
    """One local month, `"2026-07"`."""

    month: str
    days: float
    """Covered by the metered span; of the whole month when complete."""
    complete: bool
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


def make_bill(
    schedule: TariffSchedule,
    grid: GridConnection,
    currency: str,
    start: datetime,
    step: timedelta,
    import_kw: Array,
    export_kw: Array | None = None,
) -> Bill:
    """The bill of a metered span: mean powers over equal steps, shape (n,), from an aware `start`.

    Raises `TariffGap` where no tariff holds, ValueError for an unknown (NaN) or negative power.
    """
    for name, series in (("import", import_kw), ("export", export_kw)):
        if series is not None and not (series >= 0.0).all():
            raise ValueError(
                f"a bill needs every {name} power, each of 0 or more; fill the holes first"
            )
    step_s = round(step.total_seconds())
    epoch_s = int(start.timestamp()) + step_s * np.arange(len(import_kw), dtype=np.int64)
    priced = schedule.prices(epoch_s)
    hours = step_s / 3600.0
    months = np.array([_month(int(day)) for day in np.unique(priced.day)])[
        np.unique(priced.day, return_inverse=True)[1]
    ]
    bills = []
    for month in dict.fromkeys(months.tolist()):
        here = np.flatnonzero(months == month)
        bills.append(
            _month_bill(
                month, schedule, grid, priced, epoch_s, step_s, here, import_kw * hours,
                None if export_kw is None else export_kw * hours,
            )
        )  # fmt: skip
    return Bill(currency, tuple(bills))


def _month_bill(
    month: str,
    schedule: TariffSchedule,
    grid: GridConnection,
    priced: PriceSeries,
    epoch_s: Seconds,
    step_s: int,
    here: npt.NDArray[np.intp],
    import_kwh: Array,
    export_kwh: Array | None,
) -> MonthBill:
    version = schedule.version(date.fromordinal(int(priced.day[here[-1]])))
    month_s = _length_s(month, schedule)
    covered = Decimal(len(here) * step_s) / Decimal(month_s)
    standing = _cents(_exact(version.charge_per_month) * covered) + _cents(
        _exact(version.charge_per_day) * Decimal(len(here) * step_s) / 86_400
    )
    exported = 0.0 if export_kwh is None else float(export_kwh[here].sum())
    credit = _cents(_exact(version.export_per_kwh or 0.0) * _energy(exported))
    demand = tuple(
        _demand_line(
            term,
            version,
            grid,
            schedule,
            epoch_s[here],
            import_kwh[here] * 3600.0 / step_s,
            covered,
        )
        for term in version.demand
    )
    days = len(here) * step_s / 86_400
    return MonthBill(month, days, covered >= 1, tuple(_energy_lines(priced, here, import_kwh)), demand, standing,
                     exported, credit)  # fmt: skip


def _energy_lines(
    priced: PriceSeries, here: npt.NDArray[np.intp], import_kwh: Array
) -> list[EnergyLine]:
    lines = []
    for number in np.unique(priced.label[here]):
        label = priced.labels[number]
        of_label = here[priced.label[here] == number]
        kwh = float(import_kwh[of_label].sum())
        if np.isnan(label.per_kwh):
            cost = float((import_kwh[of_label] * priced.per_kwh[of_label]).sum())
            amount, price = _cents(_energy(cost)), cost / kwh if kwh else 0.0
        else:
            amount, price = _cents(_energy(kwh) * _exact(label.per_kwh)), label.per_kwh
        lines.append(
            EnergyLine(label.period, label.version, round(kwh, ENERGY_DIGITS), price, amount)
        )
    return sorted(lines, key=lambda line: -line.price_per_kwh)


def _demand_line(
    term: DemandTerm,
    version: TariffVersion,
    grid: GridConnection,
    schedule: TariffSchedule,
    epoch_s: Seconds,
    import_kw: Array,
    covered: Decimal,
) -> DemandLine:
    measured = highest_mean_kw(term, version, schedule, epoch_s, import_kw)
    price, kw = _exact(term.price_per_kw), _energy(measured)
    kva = _exact(grid.transformer_kva or 0.0)
    if term.mode == "capacity":
        charged = kva
    elif term.mode == "measured":
        charged = kw
    else:
        contract = max(_exact(grid.contract_kw or 0.0), _exact(term.least_contract_share) * kva)
        charged = contract + sum(_beyond(term.over, contract, kw), Decimal(0))
    return DemandLine(
        term.name,
        term.mode,
        measured,
        float(charged),
        term.price_per_kw,
        _cents(charged * price * covered),
    )


def _beyond(over: Sequence[tuple[float, float]], contract: Decimal, kw: Decimal) -> list[Decimal]:
    """What the demand beyond the contract counts as, part by part: each share of the contract
    begins a dearer one.
    """
    borders = [(contract * _exact(share), _exact(multiple)) for share, multiple in over]
    ends = [border for border, _ in borders[1:]] + [None]
    return [
        multiple * max(Decimal(0), (kw if end is None else min(kw, end)) - border)
        for (border, multiple), end in zip(borders, ends, strict=True)
    ]


def _month(ordinal: int) -> str:
    return f"{date.fromordinal(ordinal):%Y-%m}"


def _length_s(month: str, schedule: TariffSchedule) -> int:
    """Seconds of a local month; one with a change of clocks is an hour shorter or longer."""
    year, number = map(int, month.split("-"))
    after = (year + number // 12, number % 12 + 1)
    first, last = (
        datetime(y, m, 1, tzinfo=schedule.zone).astimezone(UTC) for y, m in ((year, number), after)
    )
    return round((last - first).total_seconds())


def _exact(value: float) -> Decimal:
    return Decimal(str(value))


def _energy(value: float) -> Decimal:
    return Decimal(str(round(value, ENERGY_DIGITS)))


def _cents(amount: Decimal) -> Decimal:
    return amount.quantize(CENT, ROUND_HALF_UP)
