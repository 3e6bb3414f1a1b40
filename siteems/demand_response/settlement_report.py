"""A settlement as text, as data for JSON, and as rows for CSV."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from siteems.config.local_time import doubled_offset
from siteems.demand_response.programme import FIGURES, Programme
from siteems.demand_response.settlement_result import SettledPeriod, Settlement

CSV_COLUMNS: Final = (
    "start",
    "minutes",
    "response_kw",
    "response_kwh",
    "ratio",
    "band",
    "payment",
    "penalty",
    "amount",
    "missing_steps",
)
DIGITS: Final = 6
"""Of quantities in data; amounts are exact."""


def as_text(settlement: Settlement, start: datetime, zone: ZoneInfo) -> str:
    """Period by period, with times local to `zone`; then totals and what limits them."""
    programme = settlement.programme
    head = f"{'from':17}{'kW':>11}{'kWh':>11}{'of bid':>9}  {'band':8}{'amount':>13}"
    lines = [
        f"{programme.title}: a bid of {settlement.bid_kw:g} kW to {programme.direction}",
        head,
        *(_period_text(each, start, zone) for each in settlement.periods),
        *(f"{title:58}{amount:>13}" for title, amount in total_lines(settlement)),
        *notes(settlement),
    ]
    return "\n".join(lines)


def as_data(settlement: Settlement, start: datetime) -> dict[str, Any]:
    """What a program reads: times ISO 8601 UTC, amounts as strings, unknown as None."""
    programme, capacity = settlement.programme, settlement.capacity
    return {
        "programme": programme.name,
        "currency": programme.currency,
        "direction": programme.direction,
        "bid_kw": settlement.bid_kw,
        "periods": [_period_data(each, start) for each in settlement.periods],
        "response_kwh": _rounded(settlement.response_kwh),
        "payment": str(settlement.payment),
        "penalty": str(settlement.penalty),
        "capacity": None
        if capacity is None
        else {
            "paid_kw": capacity.paid_kw,
            "delivered_share": capacity.delivered_share,
            "amount": str(capacity.amount),
        },
        "amount": str(settlement.amount),
        "missing_periods": settlement.missing_periods,
        "notes": list(notes(settlement)),
        "figures": figures(programme),
    }


def csv_rows(settlement: Settlement, start: datetime) -> list[tuple[str, ...]]:
    """The header and one row for each period, in the columns of `CSV_COLUMNS`.

    Times are ISO 8601 UTC; what is not known is an empty cell.
    """
    rows: list[tuple[str, ...]] = [CSV_COLUMNS]
    for period in settlement.periods:
        data = _period_data(period, start)
        cells = (data[column] for column in CSV_COLUMNS)
        rows.append(tuple("" if cell is None else str(cell) for cell in cells))
    return rows


def total_lines(settlement: Settlement) -> Iterator[tuple[str, str]]:
    """Title and amount of each total."""
    yield "energy", f"{settlement.payment:,.2f}"
    capacity = settlement.capacity
    if capacity is not None:
        share = capacity.delivered_share
        delivered = "" if share in (None, 1.0) else f" x {share:.1%} delivered"
        yield f"capacity, {capacity.paid_kw:g} kW{delivered}", f"{capacity.amount:,.2f}"
    if settlement.programme.penalty_below is not None:
        yield "penalty", f"{-settlement.penalty:,.2f}"
    yield f"total, {settlement.programme.currency}", f"{settlement.amount:,.2f}"


def notes(settlement: Settlement) -> Iterator[str]:
    """What a reader must know before relying on the amounts, a sentence each."""
    programme = settlement.programme
    if settlement.missing_periods:
        yield (
            f"{settlement.missing_periods} of {len(settlement.periods)} periods have no complete "
            "metered data or baseline: they are not settled, and the amounts are provisional."
        )
    if programme.price_kind == "cap":
        yield "The price is the cap of the programme; the one cleared for the event may be lower."
    hours = sum(each.minutes for each in settlement.periods) / 60.0
    yield from _limits(programme, settlement.bid_kw, hours)
    if programme.assumed:
        yield f"Assumed, without a source: {', '.join(programme.assumed)}."


def figures(programme: Programme) -> dict[str, dict[str, Any]]:
    """Every figure that the programme has, with its value and its source."""
    return {
        name: {"value": getattr(programme, name), "source": programme.source_of(name)}
        for name in FIGURES
        if getattr(programme, name) not in (None, ())
    }


def period_times(period: SettledPeriod, start: datetime) -> tuple[datetime, datetime]:
    """Start and end of a period, UTC, of an event that starts at `start`."""
    begins = start.astimezone(UTC) + timedelta(minutes=period.start_min)
    return begins, begins + timedelta(minutes=period.minutes)


def _limits(programme: Programme, bid_kw: float, hours: float) -> Iterator[str]:
    """Limits of the programme outside which the event was."""
    if programme.least_kw is not None and bid_kw < programme.least_kw:
        yield (
            f"The bid is below the smallest one of the programme, {programme.least_kw:g} kW: "
            "it needs an aggregator."
        )
    if programme.shortest_h is not None and hours < programme.shortest_h:
        yield f"The event of {hours:g} h is below the shortest one, {programme.shortest_h:g} h."
    if programme.longest_h is not None and hours > programme.longest_h:
        yield f"The event of {hours:g} h is above the longest one, {programme.longest_h:g} h."


def _period_text(period: SettledPeriod, start: datetime, zone: ZoneInfo) -> str:
    local = period_times(period, start)[0].astimezone(zone)
    when = f"{local:%Y-%m-%d %H:%M}{doubled_offset(local, zone)}"
    if period.response_kw is None or period.response_kwh is None or period.ratio is None:
        steps = "step" if period.missing_steps == 1 else "steps"
        return f"{when:17}  not settled: {period.missing_steps} {steps} without data"
    quantities = f"{period.response_kw:11,.2f}{period.response_kwh:11,.2f}{period.ratio:9.1%}"
    return f"{when:17}{quantities}  {period.band:8}{period.amount:13,.2f}"


def _period_data(period: SettledPeriod, start: datetime) -> dict[str, Any]:
    return {
        "start": period_times(period, start)[0].isoformat(),
        "minutes": _rounded(period.minutes),
        "response_kw": _rounded(period.response_kw),
        "response_kwh": _rounded(period.response_kwh),
        "ratio": _rounded(period.ratio),
        "band": period.band,
        "payment": str(period.payment),
        "penalty": str(period.penalty),
        "amount": str(period.amount),
        "missing_steps": period.missing_steps,
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, DIGITS)
