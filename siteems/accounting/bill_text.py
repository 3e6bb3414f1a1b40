"""A bill as text and as data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from siteems.accounting.bill import Bill, DemandLine, MonthBill


def as_text(bill: Bill) -> str:
    """Month by month: energy by period, demand, standing charges, export; then the sum."""
    lines = [line for month in bill.months for line in _month_lines(month)]
    return "\n".join([*lines, f"{bill.currency} {bill.total:,.2f}"])


def as_data(bill: Bill) -> Mapping[str, Any]:
    """What `--json` prints; amounts are strings, so that no cent is lost."""
    return {
        "currency": bill.currency,
        "total": str(bill.total),
        "months": [_month_data(month) for month in bill.months],
    }


def _month_lines(month: MonthBill) -> Iterator[str]:
    part = f"  ({month.days:.2f} days; monthly charges pro rata)"
    yield f"{month.month}{'' if month.complete else part}"
    for line in month.energy:
        price = f"{line.kwh:12,.2f} kWh x {line.price_per_kwh:.6f}"
        yield f"  {line.period:14} {price:34} {line.amount:>14,.2f}   {line.tariff}"
    for demand in month.demand:
        yield _demand_text(demand)
    if month.standing:
        yield f"  {'standing':14} {'':34} {month.standing:>14,.2f}"
    if month.export_credit:
        exported = f"{month.exported_kwh:12,.2f} kWh"
        yield f"  {'export':14} {exported:34} {-month.export_credit:>14,.2f}"
    imported = f"{month.imported_kwh:12,.2f} kWh"
    yield f"  {'total':14} {imported:34} {month.total:>14,.2f}"


def _demand_text(line: DemandLine) -> str:
    unit = "kVA" if line.mode == "capacity" else "kW"
    charged = f"{line.charged_kw:12,.2f} {unit:3} x {line.price_per_kw:.4f}"
    measured = f"{line.mode}, measured {line.measured_kw:.2f} kW"
    return f"  {line.name:14} {charged:34} {line.amount:>14,.2f}   {measured}"


def _month_data(month: MonthBill) -> Mapping[str, Any]:
    return {
        "month": month.month,
        "days": round(month.days, 4),
        "complete": month.complete,
        "energy": [vars(line) | {"amount": str(line.amount)} for line in month.energy],
        "demand": [vars(line) | {"amount": str(line.amount)} for line in month.demand],
        "standing": str(month.standing),
        "exported_kwh": month.exported_kwh,
        "export_credit": str(month.export_credit),
        "imported_kwh": round(month.imported_kwh, 6),
        "total": str(month.total),
    }
