"""A bill as a page, and as data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from siteems.accounting.bill import Bill


def as_text(bill: Bill) -> str:
    """Month by month: energy by period, demand, standing, export; then the sum."""
    lines = []
    for month in bill.months:
        part = (
            ""
            if month.complete
            else f"  ({month.days:.2f} days of it; what is charged by the month, by days)"
        )
        lines.append(f"{month.month}{part}")
        for line in month.energy:
            price = f"{line.kwh:12,.2f} kWh x {line.price_per_kwh:.6f}"
            lines.append(f"  {line.period:14} {price:34} {line.amount:>14,.2f}   {line.tariff}")
        for demand in month.demand:
            what = "kVA" if demand.mode == "capacity" else "kW"
            charged = f"{demand.charged_kw:12,.2f} {what:3} x {demand.price_per_kw:.4f}"
            lines.append(
                f"  {demand.name:14} {charged:34} {demand.amount:>14,.2f}   {demand.mode}, "
                f"measured {demand.measured_kw:.2f} kW"
            )
        if month.standing:
            lines.append(f"  {'standing':14} {'':34} {month.standing:>14,.2f}")
        if month.export_credit:
            lines.append(
                f"  {'export':14} {f'{month.exported_kwh:12,.2f} kWh':34} {-month.export_credit:>14,.2f}"
            )
        lines.append(
            f"  {'total':14} {f'{month.imported_kwh:12,.2f} kWh':34} {month.total:>14,.2f}"
        )
    lines.append(f"{bill.currency} {bill.total:,.2f}")
    return "\n".join(lines)


def as_data(bill: Bill) -> Mapping[str, Any]:
    """What `--json` prints; amounts are texts, so that no cent is lost."""
    return {
        "currency": bill.currency,
        "total": str(bill.total),
        "months": [
            {
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
            for month in bill.months
        ],
    }
