"""The report of a replay: one HTML file that needs no network. What matters stands on the first
screen.
"""

from __future__ import annotations

from html import escape
from pathlib import Path

import numpy as np

from siteems.replay.daily import Daily, daily
from siteems.replay.figures import monthly_savings, policy_costs, reserve_kept, worst_day
from siteems.replay.outcome import MEANING, Policy, PolicyOutcome, ReplayResult
from siteems.replay.savings import BLOCK_DAYS, Interval, confidence
from siteems.site.model import Site

STYLE = """
:root { --ink: #1b2733; --soft: #5b6b7a; --line: #d9dfe5; --good: #1f6f54; --bad: #a4262c; }
* { box-sizing: border-box; }
body { font: 15px/1.5 "Helvetica Neue", Arial, "Noto Sans", sans-serif; color: var(--ink); max-width: 1120px;
  margin: 24px auto; padding: 0 20px; }
h1 { font-size: 22px; margin: 0; } h2 { font-size: 17px; margin: 32px 0 6px; }
p.soft, td.soft, li { color: var(--soft); } p.soft { margin: 2px 0 14px; }
.top { display: grid; grid-template-columns: 3fr 2fr; gap: 28px; align-items: start; }
.figures { display: grid; grid-template-columns: 1fr 1fr; gap: 14px; }
.figure { border-left: 4px solid var(--line); padding: 2px 12px; }
.figure b { display: block; font-size: 26px; line-height: 1.2; font-weight: 600; font-variant-numeric: tabular-nums; }
.figure.good { border-color: var(--good); } .figure.bad { border-color: var(--bad); }
.figure span { color: var(--soft); font-size: 13px; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { text-align: right; padding: 3px 8px; border-bottom: 1px solid var(--line); } th:first-child, td:first-child
  { text-align: left; } th { font-weight: 600; } ul { margin: 4px 0; padding-left: 18px; } li { font-size: 13px; }
.chart { break-inside: avoid; } @media print { body { margin: 0; } .top { display: block; } }
"""

ROWS = (
    ("cost", "cost", ",.2f"),
    ("energy", "energy_cost", ",.2f"),
    ("demand", "demand_cost", ",.2f"),
    ("wear, by rainflow", "wear_cost", ",.2f"),
    ("less what is left in the battery", "stored_credit", ",.2f"),
    ("grid import, kWh", "import_kwh", ",.0f"),
    ("photovoltaics used, kWh", "pv_used_kwh", ",.0f"),
    ("CO2, kg", "co2_kg", ",.0f"),
    ("equivalent full cycles", "full_cycles", ",.1f"),
    ("discharged below the reserve, cycles", "reserve_violations", ",d"),
    ("telecom load not served, kWh", "unserved_kwh", ",.2f"),
    ("battery power moved, kW in all", "travel_kw", ",.0f"),
    ("plans", "plans", ",d"),
)


def write_report(site: Site, result: ReplayResult, path: Path) -> None:
    """Write the report of a replay to `path`."""
    days = daily(result, site.site.zone)
    parts = [_first_screen(site, result, days), _policies(result)]
    figures = [("What each policy cost", policy_costs(result))]
    if "optimal" in result.policies:
        reference: Policy | None = next(
            (each for each in ("idle", "rules") if each in result.policies), None
        )
        if reference is not None:
            figures.append(
                (f"Saving by month, against {reference}", monthly_savings(result, days, reference))
            )
            figures.append(("The worst day", worst_day(site, result, days, reference)))
        figures.append(("State of charge above the reserve", reserve_kept(site, result)))
    for number, (title, figure) in enumerate(figures):
        body = figure.to_html(
            full_html=False,
            include_plotlyjs=number == 0,
            config={"displayModeBar": False, "responsive": True},
        )
        parts.append(f'<div class="chart"><h2>{escape(title)}</h2>{body}</div>')
    if result.forecasts:
        parts.append(_forecasts(result))
    parts.append(_how(result))
    title = escape(f"Replay of {site.site.name}")
    head = f'<head><meta charset="utf-8"><title>{title}</title><style>{STYLE}</style></head>'
    body = "\n".join(parts)
    page = f'<!doctype html><html lang="en">{head}<body>{body}</body></html>\n'
    path.write_text(page, encoding="utf-8")


def _first_screen(site: Site, result: ReplayResult, days: Daily) -> str:
    zone = site.site.zone
    span = f"{result.start.astimezone(zone):%d %b %Y} to {result.end.astimezone(zone):%d %b %Y}, {result.days:.0f} days"
    boxes = []
    for reference in ("idle", "rules"):
        if reference in result.policies and "optimal" in result.policies:
            boxes.append(_saving_box(result, days, reference))
    optimal = result.policies.get("optimal")
    if optimal is not None:
        boxes += [_bound_box(result), _promise_box(optimal)]
        if "idle" in result.policies:
            boxes += [_energy_box(result.policies["idle"], optimal), _worst_box(result, days)]
    return (
        f"<h1>{escape(site.site.name)}: replay of recorded data</h1>"
        f'<p class="soft">{span} · {escape(result.source)} · money in {result.currency}</p>'
        f'<div class="top"><div class="figures">{"".join(boxes)}</div><div>{_assumptions(site, result)}</div></div>'
    )


def _box(value: str, words: str, kind: str = "") -> str:
    return f'<div class="figure {kind}"><b>{escape(value)}</b><span>{escape(words)}</span></div>'


def _saving_box(result: ReplayResult, days: Daily, reference: Policy) -> str:
    saving = result.saving(reference) or 0.0
    sure = confidence(days.saving(reference))
    share = saving / result.policies[reference].cost if result.policies[reference].cost else 0.0
    what = "no control" if reference == "idle" else "a peak-valley timer"
    words = f"saved against {what} ({share:.1%}); {_bounds(sure)}"
    return _box(f"{saving:,.0f} {result.currency}", words, "good" if saving >= 0 else "bad")


def _bounds(sure: Interval) -> str:
    if not np.isfinite(sure.low):
        return "too few days for a confidence interval"
    return f"95 % sure: {sure.low:,.0f} to {sure.high:,.0f}"


def _bound_box(result: ReplayResult) -> str:
    summary = result.summary()
    regret, share = summary["regret_to_foresight"], summary["regret_share"]
    if regret is None:
        return _box("-", "regret: foresight or idle was not run")
    of = f" ({share:.1%} of what it saves)" if share is not None else ""
    return _box(
        f"{regret:,.0f} {result.currency}",
        f"more could be saved with perfect knowledge of load and sun{of}",
    )


def _promise_box(optimal: PolicyOutcome) -> str:
    if optimal.reserve_violations:
        return _box(
            f"{optimal.reserve_violations}",
            "control cycles discharged below the backup reserve",
            "bad",
        )
    margin = f"{optimal.lowest_margin_soc:.1%}" if np.isfinite(optimal.lowest_margin_soc) else "-"
    return _box("reserve kept", f"lowest margin while discharging: {margin} of capacity", "good")


def _energy_box(idle: PolicyOutcome, optimal: PolicyOutcome) -> str:
    kwh, kg = idle.import_kwh - optimal.import_kwh, idle.co2_kg - optimal.co2_kg
    words = (
        f"grid energy spared against no control, and {kg:+,.0f} kg CO2; shifting alone costs energy"
    )
    return _box(f"{kwh:+,.0f} kWh", words)


def _worst_box(result: ReplayResult, days: Daily) -> str:
    saving = days.saving("idle")
    worst = int(np.argmin(saving))
    words = f"saved against no control on the worst day, {days.days[worst]:%a %d %b %Y}: see below"
    return _box(f"{saving[worst]:+,.2f} {result.currency}", words)


def _assumptions(site: Site, result: ReplayResult) -> str:
    carbon, battery, tariffs = site.carbon, site.battery, site.tariffs
    wear = (
        "the maker's cycle table"
        if battery.wear
        else f"{battery.wear_per_kwh:g} per kWh discharged"
    )
    charged = any(version.demand for version in tariffs)
    demand = (
        "Demand charges as billed; plans pay for the dearest." if charged else "No demand charge."
    )
    lines = [
        f"Tariff: {', '.join(f'{each.name} ({each.source})' for each in tariffs)}. {demand}",
        f"Battery: {battery.rated_kwh:.1f} kWh {battery.chemistry}, wear by {wear}.",
        f"Backup: {site.backup.hours:g} h at P95 of the coming load.",
        f"Carbon: {carbon.kg_per_kwh:g} kg/kWh, {carbon.scope}, {carbon.region}, {carbon.data_year} ({carbon.source}).",
        "The site is simulated: rectifier losses, charge acceptance, air conditioner. Forecasts use only the past.",
        f"Confidence: circular block bootstrap over days, blocks of {BLOCK_DAYS} days.",
        "What is left in the battery is worth its refill at the lowest price.",
        *(f"Data: {note}." for note in result.notes),
    ]
    return (
        "<b>Assumptions</b><ul>" + "".join(f"<li>{escape(line)}</li>" for line in lines) + "</ul>"
    )


def _policies(result: ReplayResult) -> str:
    head = "".join(f"<th>{policy}</th>" for policy in result.policies)
    rows = "".join(
        f"<tr><td>{escape(title)}</td>"
        + "".join(
            f"<td>{format(getattr(outcome, name), form)}</td>"
            for outcome in result.policies.values()
        )
        + "</tr>"
        for title, name, form in ROWS
    )
    meaning = "".join(
        f"<li><b>{policy}</b>: {escape(MEANING[policy])}</li>" for policy in result.policies
    )
    return f"<h2>Policies</h2><table><tr><th></th>{head}</tr>{rows}</table><ul>{meaning}</ul>"


def _forecasts(result: ReplayResult) -> str:
    """Errors beside those of the better of two naive forecasts."""
    rows = "".join(
        f"<tr><td>{escape(score.series.removesuffix('_kw').replace('_', ' '))}, "
        f"{score.from_h:g} to {score.to_h:g} h ahead</td>"
        f"<td>{score.nrmse:.1%}</td><td>{score.naive_nrmse:.1%}</td>"
        f"<td>{'' if score.p95_coverage is None else format(score.p95_coverage, '.1%')}</td></tr>"
        for score in result.forecasts
    )
    head = "<th></th><th>nRMSE</th><th>the same time a day or a week before</th><th>covered by the 95 % quantile</th>"
    return f"<h2>Forecasts, on the whole recording</h2><table><tr>{head}</tr>{rows}</table>"


def _how(result: ReplayResult) -> str:
    """How long it took, and what the controller reported."""
    items = []
    for policy, outcome in result.policies.items():
        spans = ", ".join(
            f"{name} {seconds:.1f} s"
            for name, seconds in outcome.breakdown_s.items()
            if seconds > 0.05
        )
        told = (
            ", ".join(f"{code} {count}" for code, count in sorted(outcome.incidents.items()))
            or "nothing"
        )
        items.append(
            f"<li><b>{policy}</b>: {outcome.cpu_s:.1f} s of CPU ({escape(spans)}); reported: {escape(told)}</li>"
        )
    return f"<h2>How it was made</h2><ul>{''.join(items)}</ul>"
