"""The report of a replay: one HTML file that needs no network, its main results first."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import Any

import numpy as np

from siteems import __version__
from siteems.replay.charts import course_of_day, monthly_savings, policy_costs, reserve_kept
from siteems.replay.daily import MONTHS_FOR_INTERVAL, Daily, daily
from siteems.replay.outcome import MEANING, ReplayResult
from siteems.replay.ranked_days import ranked_days
from siteems.replay.report_boxes import boxes
from siteems.replay.report_style import STYLE
from siteems.site.model import Battery, Site

ROWS = (
    ("cost", "cost", ",.2f"),
    ("energy", "energy_cost", ",.2f"),
    ("demand", "demand_cost", ",.2f"),
    ("wear, by rainflow", "wear_cost", ",.2f"),
    ("drop in stored energy value", "stored_drop", ",.2f"),
    ("grid import, kWh", "import_kwh", ",.0f"),
    ("PV used, kWh", "pv_used_kwh", ",.0f"),
    ("CO2, kg", "co2_kg", ",.0f"),
    ("equivalent full cycles", "full_cycles", ",.1f"),
    ("control cycles that discharged below the reserve", "reserve_violations", ",d"),
    ("telecom load not served, kWh", "unserved_kwh", ",.2f"),
    ("sum of changes of battery power, kW", "travel_kw", ",.0f"),
    ("plans", "plans", ",d"),
)
"""Title, figure of an outcome, format."""


def write_report(site: Site, result: ReplayResult, path: Path) -> None:
    """Write the report of a replay to `path`."""
    days = daily(site, result)
    parts = [_first_screen(site, result, days), _policies(result), _ranked(result, days)]
    for number, (title, chart) in enumerate(_charts(site, result, days)):
        body = chart.to_html(
            full_html=False,
            include_plotlyjs=number == 0,
            config={"displayModeBar": False, "responsive": True},
        )
        parts.append(f'<div class="chart"><h2>{escape(title)}</h2>{body}</div>')
    if result.forecasts:
        parts.append(_forecasts(site, result))
    parts.append(_how_it_was_made(result))
    title = escape(f"Replay of {site.site.name}")
    head = f'<head><meta charset="utf-8"><title>{title}</title><style>{STYLE}</style></head>'
    body = "\n".join(parts)
    page = f'<!doctype html><html lang="en">{head}<body>{body}</body></html>\n'
    path.write_text(page, encoding="utf-8")


def _charts(site: Site, result: ReplayResult, days: Daily) -> Iterator[tuple[str, Any]]:
    """Title and figure of each chart."""
    yield "Cost of each policy", policy_costs(result)
    if "optimal" not in result.policies:
        return
    reference = result.best_simple()
    if reference is not None:
        savings = monthly_savings(result, days, reference)
        yield f"Saving by month, against {reference}", savings
        ranked = list(ranked_days(days, reference))
        for day in (ranked[0], ranked[len(ranked) // 2], ranked[-1]) if ranked else ():
            title = f"The course of a day: {day.kind}, rank {day.rank} of {len(days.days)}"
            yield title, course_of_day(site, result, day.midnight)
    yield "State of charge above the reserve of the same moment", reserve_kept(site, result)


def _first_screen(site: Site, result: ReplayResult, days: Daily) -> str:
    zone = site.site.zone
    first, last = (f"{each.astimezone(zone):%d %b %Y}" for each in (result.start, result.end))
    span = f"{first} to {last}, {result.days:.0f} days"
    return (
        f"<h1>{escape(site.site.name)}: replay of recorded data</h1>"
        f'<p class="soft">{span} · {escape(result.source)} · money in {result.currency}</p>'
        f'<div class="top"><div class="figures">{"".join(boxes(result, days))}</div>'
        f"<div>{_assumptions(site, result, days)}</div></div>"
    )


def _assumptions(site: Site, result: ReplayResult, days: Daily) -> str:
    carbon, battery, tariffs = site.carbon, site.battery, site.tariffs
    names = ", ".join(f"{each.name} ({each.source})" for each in tariffs)
    demand = "No demand charge."
    if any(version.demand for version in tariffs):
        demand = "Demand charges as billed; plans pay for the most expensive one."
    factor = f"{carbon.kg_per_kwh:g} kg/kWh, {carbon.scope}, {carbon.region}, {carbon.data_year}"
    lines = [
        f"Tariff: {names}. {demand}",
        f"Battery: {battery.rated_kwh:.1f} kWh {battery.chemistry}, wear by {_wear(battery)}.",
        "No PV." if site.pv is None else f"PV: {site.pv.rated_kwp:g} kWp on the DC bus.",
        f"Backup: {site.backup.hours:g} h at P95 of the coming load.",
        f"Carbon: {factor} ({carbon.source}).",
        "The site is simulated: rectifier losses, charge acceptance, air conditioner. "
        "Forecasts use only the past.",
        f"Confidence: {_confidence(site, days)}",
        "Energy left in the battery is credited with its refill at the lowest price.",
        *(f"Data: {note}." for note in result.notes),
    ]
    if result.data_sha256:
        lines.append(f"Data: SHA-256 {result.data_sha256}.")
    lines.append(f"siteems {__version__}.")
    return f"<b>Assumptions</b>{_list(escape(line) for line in lines)}"


def _confidence(site: Site, days: Daily) -> str:
    text = (
        "95 % interval of the mean daily saving in the season measured, times the days; days that "
        "correlate count for less."
    )
    if not any(version.demand for version in site.tariffs):
        return text
    months = len(np.unique(days.month_of))
    if months >= MONTHS_FOR_INTERVAL:
        return f"{text} Demand charges are in it, by how they differ from month to month."
    return f"{text} Demand charges of {months} month(s) are in it as measured: too few to scatter."


def _ranked(result: ReplayResult, days: Daily) -> str:
    """The days by what they saved against the best simple rule."""
    reference = result.best_simple()
    if reference is None or "optimal" not in result.policies:
        return ""
    rows = [
        f"<tr><td>{day.kind}</td><td>{day.rank}</td><td>{day.midnight:%a %d %b %Y}</td>"
        f"<td>{day.saving:+,.2f}</td></tr>"
        for day in ranked_days(days, reference)
    ]
    if not rows:
        return ""
    head = f"<tr><th></th><th>rank of {len(days.days)}</th><th>day</th><th>saved</th></tr>"
    title = f"<h2>Days by what they saved against {reference}, without demand charges</h2>"
    return f"{title}<table>{head}{''.join(rows)}</table>"


def _wear(battery: Battery) -> str:
    if battery.wear:
        return "the maker's cycle table"
    return f"{battery.wear_per_kwh:g} per kWh discharged"


def _policies(result: ReplayResult) -> str:
    head = "".join(f"<th>{policy}</th>" for policy in result.policies)
    figures = [outcome.figures() for outcome in result.policies.values()]
    rows = []
    for title, name, form in ROWS:
        cells = "".join(f"<td>{format(each[name], form)}</td>" for each in figures)
        rows.append(f"<tr><td>{escape(title)}</td>{cells}</tr>")
    meaning = _list(f"<b>{policy}</b>: {escape(MEANING[policy])}" for policy in result.policies)
    return f"<h2>Policies</h2><table><tr><th></th>{head}</tr>{''.join(rows)}</table>{meaning}"


def _forecasts(site: Site, result: ReplayResult) -> str:
    """Errors beside those of the better of two naive forecasts."""
    rows = []
    for score in result.forecasts:
        series = score.series.removesuffix("_kw").replace("_", " ")
        covered = "" if score.p95_coverage is None else f"{score.p95_coverage:.1%}"
        rows.append(
            f"<tr><td>{escape(series)}, {score.from_h:g} to {score.to_h:g} h ahead</td>"
            f"<td>{score.nrmse:.1%}</td><td>{score.naive_nrmse:.1%}</td><td>{covered}</td></tr>"
        )
    titles = (
        "",
        "nRMSE",
        "the same time a day or a week before",
        f"mean load over {site.backup.hours:g} h of backup at or below its P95",
    )
    head = "".join(f"<th>{title}</th>" for title in titles)
    title = "<h2>Forecasts, on the whole recording</h2>"
    return f"{title}<table><tr>{head}</tr>{''.join(rows)}</table>"


def _how_it_was_made(result: ReplayResult) -> str:
    """CPU time, and the alarms that the controller raised."""
    items = []
    for policy, outcome in result.policies.items():
        spans = ", ".join(
            f"{name} {seconds:.1f} s"
            for name, seconds in outcome.breakdown_s.items()
            if seconds > 0.05
        )
        counts = [f"{code} {count}" for code, count in sorted(outcome.alarms.items())]
        alarms = ", ".join(counts) or "none"
        items.append(
            f"<b>{policy}</b>: {outcome.cpu_s:.1f} s of CPU ({escape(spans)}); "
            f"alarms: {escape(alarms)}"
        )
    return f"<h2>How it was made</h2>{_list(items)}"


def _list(items: Iterator[str] | list[str]) -> str:
    """HTML items as a list."""
    return "<ul>" + "".join(f"<li>{item}</li>" for item in items) + "</ul>"
