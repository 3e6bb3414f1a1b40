"""The boxes on the first screen of a report: one figure each, with what it means."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from html import escape
from typing import Literal

import numpy as np

from siteems.replay.daily import Daily
from siteems.replay.outcome import Policy, PolicyOutcome, ReplayResult
from siteems.replay.savings import Interval

DAYS_FOR_A_YEAR, WHOLE_YEAR = 90.0, 350.0
"""A shorter measurement says nothing about a year; a longer one has all its seasons."""

Kind = Literal["", "good", "bad"]
AGAINST: Mapping[Policy, str] = {
    "idle": "no control",
    "rules": "a peak-valley timer",
    "self-consumption": "self-consumption",
}
"""How the simple rules are named in a sentence."""


def boxes(result: ReplayResult, days: Daily) -> Iterator[str]:
    """Savings, regret, reserve, energy and worst day, as far as the policies allow."""
    optimal, idle = result.policies.get("optimal"), result.policies.get("idle")
    if optimal is None:
        return
    best = result.best_simple()
    if best is not None:
        yield _saving(result, days, best)
    if idle is not None and best != "idle":
        yield _saving(result, days, "idle")
    yield _regret(result)
    yield _reserve(optimal)
    if idle is not None:
        yield _energy(idle, optimal)
        yield _worst_day(result, days)


def _box(value: str, text: str, kind: Kind = "") -> str:
    return f'<div class="figure {kind}"><b>{escape(value)}</b><span>{escape(text)}</span></div>'


def _saving(result: ReplayResult, days: Daily, reference: Policy) -> str:
    saving = result.saving(reference) or 0.0
    cost = result.policies[reference].cost
    share = saving / cost if cost else 0.0
    against = AGAINST[reference]
    if reference == result.best_simple():
        against += ", the best simple rule here"
    whole = days.whole_saving(reference)
    text = f"saved compared with {against} ({share:.1%}); {_interval(whole)}; "
    text += _year(result, whole)
    return _box(f"{saving:,.0f} {result.currency}", text, "good" if saving >= 0 else "bad")


def _interval(interval: Interval) -> str:
    if not np.isfinite(interval.low):
        return "too few days for a confidence interval"
    return f"95 % confidence: {interval.low:,.0f} to {interval.high:,.0f}"


def _year(result: ReplayResult, whole: Interval) -> str:
    """The saving of a year with the season that was measured, or that there is none."""
    if result.days < DAYS_FOR_A_YEAR:
        return f"no figure for a year from {result.days:.0f} days"
    last = result.end - timedelta(days=1)
    season = f"{result.start:%b} to {last:%b}" if result.days < WHOLE_YEAR else "a whole year"
    return f"per year, measured in {season}: {whole.total / result.days * 365.0:,.0f}"


def _regret(result: ReplayResult) -> str:
    regret = result.regret()
    if regret is None:
        return _box("-", "regret: bound or idle was not run")
    money, share = regret
    of_saving = f" ({share:.1%} of what it saves)" if np.isfinite(share) else ""
    text = f"more could be saved with everything known{of_saving}"
    return _box(f"{money:,.0f} {result.currency}", text)


def _reserve(optimal: PolicyOutcome) -> str:
    if optimal.reserve_violations:
        text = "control cycles discharged below the backup reserve"
        return _box(f"{optimal.reserve_violations}", text, "bad")
    margin = f"{optimal.lowest_margin_soc:.1%}" if np.isfinite(optimal.lowest_margin_soc) else "-"
    return _box(
        "reserve kept",
        f"smallest margin above the reserve while discharging: {margin} of capacity",
        "good",
    )


def _energy(idle: PolicyOutcome, optimal: PolicyOutcome) -> str:
    kwh = idle.balance.import_kwh - optimal.balance.import_kwh
    kg = idle.balance.co2_kg - optimal.balance.co2_kg
    text = (
        f"grid energy saved compared with no control, and {kg:+,.0f} kg CO2; "
        "shifting alone costs energy"
    )
    return _box(f"{kwh:+,.0f} kWh", text)


def _worst_day(result: ReplayResult, days: Daily) -> str:
    reference = result.best_simple() or "idle"
    saving = days.saving(reference)
    worst = int(np.argmin(saving))
    text = (
        f"saved compared with {AGAINST[reference]} on the worst day, "
        f"{days.days[worst]:%a %d %b %Y}; on the median day {float(np.median(saving)):+,.2f}, "
        f"on the best {float(saving.max()):+,.2f}"
    )
    return _box(f"{saving[worst]:+,.2f} {result.currency}", text)
