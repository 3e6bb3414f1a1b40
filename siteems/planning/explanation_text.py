"""An explained plan for display: as sentences, as a table, as JSON."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from itertools import groupby
from typing import Any

from siteems.planning.explanation import Explanation
from siteems.planning.explanation_messages import EXPLANATIONS
from siteems.planning.remarks import messages_of, remarks_text

COLUMNS = (
    ("time", ""),
    ("price", "{currency}/kWh"),
    ("period", ""),
    ("load", "kW"),
    ("PV", "kW"),
    ("import", "kW"),
    ("battery", "kW"),
    ("SoC", "%"),
    ("reserve", "%"),
)
"""Head and unit of each column of the table."""


LEAST_SHOWN_KWH = 0.05
"""Less than this is rounding."""


def reason_text(explained: Explanation) -> str:
    """Why the battery does what it does in the first step, in one sentence."""
    return EXPLANATIONS.text(explained.reason())


def as_text(explained: Explanation) -> str:
    """The plan in sentences: its status, why now, what binds, what it costs."""
    plan, horizon = explained.plan, explained.inputs.horizon
    currency = explained.site.site.currency
    begins = _clock(explained, horizon.grid.starts[0])
    lines = [
        f"{plan.status} plan from {begins}, solved in {plan.solve_s * 1000:.1f} ms",
        reason_text(explained),
    ]
    if plan.remarks:
        lines.append(remarks_text(plan.remarks))
    lines.append("")
    for binding in explained.bindings():
        text = EXPLANATIONS.text(binding.limit())
        lines.append(f"  {_span(explained, binding.start, binding.end)}  {text}")
    if not explained.bindings():
        lines.append("  no limit binds")
    terms = [f"{name} {cost:.2f}" for name, cost in plan.cost_by_term.items() if abs(cost) >= 0.005]
    hours = float(horizon.grid.step_h.sum())
    lines += ["", f"cost over {hours:.1f} h: {plan.objective:.2f} {currency} ({', '.join(terms)})"]
    demand = explained.inputs.problem.demand
    if demand is not None:
        lines.append(
            f"the month's peak: {demand.peak_so_far_kw:.2f} kW are paid for, "
            f"{plan.demand_peak_kw:.2f} kW with this plan; "
            f"for these hours a kW more counts as {demand.price_per_kw:.2f} {currency}"
        )
    return "\n".join(lines)


def as_table(explained: Explanation) -> str:
    """The horizon, a line for each step; steps that do not differ share a line."""
    currency = explained.site.site.currency
    rows = [
        tuple(head for head, _ in COLUMNS),
        tuple(unit.format(currency=currency) for _, unit in COLUMNS),
    ]
    for _, same in groupby(_rows(explained), key=lambda row: row[1:]):
        rows.append(next(same))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        "  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True))
        for row in rows
    ]
    return "\n".join([*lines, "", *_not_served(explained), reason_text(explained)])


def _not_served(explained: Explanation) -> list[str]:
    """A line where the plan cannot serve all load."""
    plan, horizon = explained.plan, explained.inputs.horizon
    kwh = float(plan.unserved_kw @ horizon.grid.step_h) + plan.soft_limits.get(
        "ac_unserved_kwh", 0.0
    )
    if kwh < LEAST_SHOWN_KWH:
        return []
    limit_kw = explained.site.grid.import_limit_kw
    return [
        f"{kwh:.1f} kWh of the load cannot be served: grid ({limit_kw:g} kW), rectifiers "
        f"({explained.site.rectifier.rated_kw:g} kW), PV and battery do not give it"
    ]


def _rows(explained: Explanation) -> Iterator[tuple[str, ...]]:
    plan, horizon = explained.plan, explained.inputs.horizon
    problem, capacity_kwh = explained.inputs.problem, explained.site.battery.capacity_kwh
    for i, (start, price) in enumerate(zip(horizon.grid.starts, horizon.prices, strict=True)):
        yield (
            _clock(explained, start),
            f"{price.per_kwh:.4f}",
            price.period,
            f"{problem.dc_load_kw[i] + problem.ac_load_kw[i]:.2f}",
            f"{plan.pv_kw[i]:.2f}",
            f"{plan.grid_import_kw[i]:.2f}",
            f"{plan.battery_kw[i]:+.2f}",
            f"{plan.stored_kwh[i] / capacity_kwh:.1%}",
            f"{horizon.reserve_kwh[i] / capacity_kwh:.1%}",
        )


def as_data(explained: Explanation) -> dict[str, Any]:
    """For programs: times ISO 8601 UTC, one number per step, units in the names."""
    site, plan, inputs = explained.site.site, explained.plan, explained.inputs
    horizon, problem = inputs.horizon, inputs.problem
    bindings = [
        {
            "code": binding.limit.code,
            "what": EXPLANATIONS.text(binding.limit()),
            "start": binding.start.isoformat(),
            "end": binding.end.isoformat(),
        }
        for binding in explained.bindings()
    ]
    return {
        "site": site.id,
        "issued": horizon.forecast.issued.isoformat(),
        "status": str(plan.status),
        "reason": remarks_text(plan.remarks),
        "remarks": [each.as_dict() for each in messages_of(plan.remarks)],
        "explanation": reason_text(explained),
        "currency": site.currency,
        "objective": plan.objective,
        "cost_by_term": dict(plan.cost_by_term),
        "solve_s": plan.solve_s,
        "demand_peak_kw": plan.demand_peak_kw,
        "bindings": bindings,
        "starts": [start.isoformat() for start in horizon.grid.starts],
        "step_h": horizon.grid.step_h.tolist(),
        "price_per_kwh": [price.per_kwh for price in horizon.prices],
        "period": [price.period for price in horizon.prices],
        "dc_load_kw": problem.dc_load_kw.tolist(),
        "ac_load_kw": problem.ac_load_kw.tolist(),
        "pv_available_kw": problem.pv_kw.tolist(),
        "pv_kw": plan.pv_kw.tolist(),
        "grid_import_kw": plan.grid_import_kw.tolist(),
        "rectifier_dc_kw": plan.rectifier_dc_kw.tolist(),
        "battery_kw": plan.battery_kw.tolist(),
        "stored_kwh": plan.stored_kwh.tolist(),
        "reserve_kwh": horizon.reserve_kwh.tolist(),
        "reserve_short_kwh": plan.reserve_short_kwh.tolist(),
        "cap_excess_kw": plan.cap_excess_kw.tolist(),
        "unserved_kw": plan.unserved_kw.tolist(),
        "stored_more_saves_per_kwh": explained.value.more,
        "stored_less_costs_per_kwh": explained.value.less,
    }


def _span(explained: Explanation, start: datetime, end: datetime) -> str:
    """Local times of a span; (+1) where it begins on the day after the plan's first step."""
    zone, first = explained.site.site.zone, explained.inputs.horizon.grid.starts[0]
    same_day = start.astimezone(zone).date() == first.astimezone(zone).date()
    day = "" if same_day else " (+1)"
    return f"{_clock(explained, start)}-{_clock(explained, end)}{day:5}"


def _clock(explained: Explanation, time: datetime) -> str:
    return f"{time.astimezone(explained.site.site.zone):%H:%M}"
