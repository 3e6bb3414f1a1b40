"""The policies side by side, as text for the terminal."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from siteems.replay.outcome import SIMPLE, ReplayResult

ROWS = (
    ("cost", "cost", ",.2f"),
    ("  energy", "energy_cost", ",.2f"),
    ("  demand", "demand_cost", ",.2f"),
    ("  wear", "wear_cost", ",.2f"),
    ("  drop in stored", "stored_drop", ",.2f"),
    ("import kWh", "import_kwh", ",.0f"),
    ("PV used kWh", "pv_used_kwh", ",.0f"),
    ("CO2 kg", "co2_kg", ",.0f"),
    ("full cycles", "full_cycles", ",.1f"),
    ("reserve broken", "reserve_violations", "d"),
    ("unserved kWh", "unserved_kwh", ",.2f"),
    ("plans", "plans", ",d"),
    ("CPU s", "cpu_s", ",.1f"),
)
"""Title, figure of an outcome, format."""


def as_table(result: ReplayResult, zone: ZoneInfo) -> str:
    """A line per figure, the savings, and the notes on the data; dates are local to the site."""
    figures = {policy: outcome.figures() for policy, outcome in result.policies.items()}
    first, end = result.start.astimezone(zone), result.end.astimezone(zone)
    lines = [
        f"{result.site_id}, {first:%Y-%m-%d} to {end:%Y-%m-%d} ({result.days:.0f} days), "
        f"money in {result.currency}",
        f"{'':16}" + "".join(f"{policy:>17}" for policy in figures),
    ]
    for title, name, form in ROWS:
        cells = (f"{format(each[name], form):>17}" for each in figures.values())
        lines.append(f"{title:16}{''.join(cells)}")
    best = result.best_simple()
    for reference in SIMPLE:
        saving = result.saving(reference)
        if saving is not None:
            cost = result.policies[reference].cost
            share = saving / cost if cost else 0.0
            remark = ", the best simple rule here" if reference == best else ""
            lines.append(
                f"saving against {reference}{remark}: {saving:,.2f} {result.currency} ({share:.1%})"
            )
    lines += [f"note  {note}" for note in result.notes]
    return "\n".join(lines)
