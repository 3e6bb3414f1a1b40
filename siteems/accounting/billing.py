"""Billing: what a metered import costs by month, to the cent.

Every line is rounded half up to the cent in decimal arithmetic, and sums are sums of lines. A month
that was metered in part pays its monthly charges pro rata by days.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal

import numpy as np
import numpy.typing as npt

from siteems.accounting.bill import Bill, DemandLine, EnergyLine, MonthBill
from siteems.accounting.contract import contracted_kw, excess_starts_kw
from siteems.accounting.decimals import exact
from siteems.accounting.demand import highest_mean_kw
from siteems.site.model import GridConnection
from siteems.tariff.local_clock import Seconds
from siteems.tariff.model import DemandTerm, TariffVersion
from siteems.tariff.schedule import PriceSeries, TariffSchedule

Array = npt.NDArray[np.float64]
Indices = npt.NDArray[np.intp]

CENT = Decimal("0.01")
ENERGY_DIGITS = 6
"""Energies enter a bill in kWh with so many digits; smaller parts are rounding errors of sums."""
DAY_S = 86_400


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

    Raises `TariffGap` where no tariff is valid, ValueError for an unknown (NaN) or negative power.
    """
    for name, series in (("import", import_kw), ("export", export_kw)):
        if series is not None and not (series >= 0.0).all():
            raise ValueError(
                f"a bill needs every {name} power, each of 0 or more; fill the gaps first"
            )
    step_s, epoch_s = _billed_steps(schedule, start, step, len(import_kw))
    parts = len(epoch_s) // max(1, len(import_kw))
    import_kw = np.repeat(import_kw, parts)
    export_kw = None if export_kw is None else np.repeat(export_kw, parts)
    hours = step_s / 3600.0
    span = _MeteredSpan(
        schedule=schedule,
        grid=grid,
        step_s=step_s,
        epoch_s=epoch_s,
        priced=schedule.prices(epoch_s),
        import_kwh=import_kw * hours,
        export_kwh=None if export_kw is None else export_kw * hours,
    )
    days, day_of = np.unique(span.priced.day, return_inverse=True)
    month_of = np.array([f"{date.fromordinal(int(day)):%Y-%m}" for day in days])[day_of]
    months = dict.fromkeys(month_of.tolist())
    return Bill(
        currency,
        tuple(_month_bill(span, month, np.flatnonzero(month_of == month)) for month in months),
    )


def _billed_steps(
    schedule: TariffSchedule, start: datetime, step: timedelta, count: int
) -> tuple[int, Seconds]:
    """Length and starts of the steps in seconds. Where a price changes within a step, or billing
    intervals do not begin where steps do, these are their equal parts.
    """
    step_s = round(step.total_seconds())
    epoch_s = int(start.timestamp()) + step_s * np.arange(count, dtype=np.int64)
    part_s = schedule.part_s(epoch_s, step_s)
    if part_s == step_s:
        return step_s, epoch_s
    parts = (epoch_s[:, None] + np.arange(0, step_s, part_s)).ravel()
    priced = schedule.prices(parts)
    changes = any(
        (series.reshape(count, -1) != series.reshape(count, -1)[:, :1]).any()
        for series in (priced.per_kwh, priced.label)
    )
    if changes or schedule.cuts_intervals(epoch_s, step_s):
        return part_s, parts
    return step_s, epoch_s


@dataclass(frozen=True, eq=False)
class _MeteredSpan:
    """All that the months of a bill have in common; arrays have shape (n,), a value per step."""

    schedule: TariffSchedule
    grid: GridConnection
    step_s: int
    epoch_s: Seconds
    priced: PriceSeries
    import_kwh: Array
    export_kwh: Array | None


def _month_bill(span: _MeteredSpan, month: str, steps: Indices) -> MonthBill:
    """The bill of the steps of one month."""
    metered_s = len(steps) * span.step_s
    month_s = Decimal(_length_s(month, span.schedule))
    exported = 0.0 if span.export_kwh is None else float(span.export_kwh[steps].sum())
    demand: list[DemandLine] = []
    standing = credit = Decimal(0)
    for version, part in _by_version(span, steps):
        part_s = Decimal(len(part) * span.step_s)
        covered = part_s / month_s
        standing += _cents(exact(version.charge_per_month) * covered)
        standing += _cents(exact(version.charge_per_day) * part_s / DAY_S)
        demand += [_demand_line(span, part, term, version, covered) for term in version.demand]
        if span.export_kwh is not None:
            kwh = _energy(float(span.export_kwh[part].sum()))
            credit += _cents(exact(version.export_per_kwh or 0.0) * kwh)
    return MonthBill(
        month=month,
        days=metered_s / DAY_S,
        complete=metered_s >= month_s,
        energy=_energy_lines(span, steps),
        demand=tuple(demand),
        standing=standing,
        exported_kwh=exported,
        export_credit=credit,
    )


def _by_version(span: _MeteredSpan, steps: Indices) -> list[tuple[TariffVersion, Indices]]:
    """The tariff versions of the steps of a month, in order, each with its steps; or all steps
    with the last version, where it states so.
    """
    days = span.priced.day[steps]
    version_of = {
        int(day): span.schedule.version(date.fromordinal(int(day))) for day in np.unique(days)
    }
    versions = list({id(version): version for version in version_of.values()}.values())
    if len(versions) == 1 or versions[-1].month_of_change == "last":
        return [(versions[-1], steps)]
    return [
        (each, steps[np.isin(days, [d for d, version in version_of.items() if version is each])])
        for each in versions
    ]


def _energy_lines(span: _MeteredSpan, steps: Indices) -> tuple[EnergyLine, ...]:
    """One line for each period and price, the most expensive first."""
    lines = []
    labels = span.priced.label[steps]
    for number in np.unique(labels):
        label = span.priced.labels[number]
        of_label = steps[labels == number]
        kwh = float(span.import_kwh[of_label].sum())
        if np.isnan(label.per_kwh):  # a price vector: each step has its own price
            cost = float((span.import_kwh[of_label] * span.priced.per_kwh[of_label]).sum())
            amount, price = _cents(_energy(cost)), cost / kwh if kwh else 0.0
        else:
            amount, price = _cents(_energy(kwh) * exact(label.per_kwh)), label.per_kwh
        lines.append(
            EnergyLine(label.period, label.version, round(kwh, ENERGY_DIGITS), price, amount)
        )
    return tuple(sorted(lines, key=lambda line: -line.price_per_kwh))


def _demand_line(
    span: _MeteredSpan, steps: Indices, term: DemandTerm, version: TariffVersion, covered: Decimal
) -> DemandLine:
    import_kw = span.import_kwh[steps] * 3600.0 / span.step_s
    measured_kw = highest_mean_kw(term, version, span.schedule, span.epoch_s[steps], import_kw)
    charged_kw = _charged_kw(term, span.grid, _energy(measured_kw))
    return DemandLine(
        term.name,
        term.mode,
        measured_kw,
        float(charged_kw),
        term.price_per_kw,
        _cents(charged_kw * exact(term.price_per_kw) * covered),
    )


def _charged_kw(term: DemandTerm, grid: GridConnection, measured_kw: Decimal) -> Decimal:
    """The demand that is paid for; kVA for a charge on capacity."""
    if term.mode == "capacity":
        return exact(grid.transformer_kva or 0.0)
    if term.mode == "measured":
        return measured_kw
    return contracted_kw(term, grid) + _excess_kw(term, grid, measured_kw)


def _excess_kw(term: DemandTerm, grid: GridConnection, measured_kw: Decimal) -> Decimal:
    """The demand above the contract, each part times its multiple of the price.

    `over` lists where the parts begin; each ends where the next begins, the last never.
    """
    starts = excess_starts_kw(term, grid)
    ends = [*starts[1:], measured_kw]
    excess = Decimal(0)
    for (_, multiple), begin, end in zip(term.over, starts, ends, strict=False):
        excess += exact(multiple) * max(Decimal(0), min(measured_kw, end) - begin)
    return excess


def _length_s(month: str, schedule: TariffSchedule) -> int:
    """Seconds of a local month; one with a change of clocks is an hour shorter or longer."""
    year, number = map(int, month.split("-"))
    first = datetime(year, number, 1, tzinfo=schedule.zone)
    end = datetime(year + number // 12, number % 12 + 1, 1, tzinfo=schedule.zone)
    return round((end.astimezone(UTC) - first.astimezone(UTC)).total_seconds())


def _energy(value: float) -> Decimal:
    return Decimal(str(round(value, ENERGY_DIGITS)))


def _cents(amount: Decimal) -> Decimal:
    return amount.quantize(CENT, ROUND_HALF_UP)
