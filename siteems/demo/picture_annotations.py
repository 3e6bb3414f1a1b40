"""What is written and shaded on the day's charts: prices, DR event, mains failures, charging."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from siteems.demand_response.event import DrEvent
from siteems.demand_response.timeline import tightest_cap_kw
from siteems.demo.picture_parts import (
    CHEAP_SHADE,
    EVENT,
    EXPENSIVE_SHADE,
    FROM_BATTERY,
    INTO_BATTERY,
    TAG,
    local,
    quarter_hours,
    series,
    spans,
)
from siteems.history.records import Sample
from siteems.simulation.scenario import Scenario
from siteems.tariff.schedule import TariffSchedule

CHARGING_KW = 0.3
"""Less battery power than this is not labelled."""
LABELLED = timedelta(minutes=50)
"""Shorter charges and discharges have no room for a label."""


def shade_prices(figure: Any, scenario: Scenario, schedule: TariffSchedule, zone: ZoneInfo) -> None:
    """Shade the cheapest hours green and the most expensive ones red."""
    starts = quarter_hours(scenario)
    prices = [schedule.price_at(t).per_kwh for t in starts]
    low, high = min(prices), max(prices)
    if high - low < 1e-9:
        return
    third = (high - low) / 3
    for begin, end, price in spans(starts, prices, scenario.end):
        if price <= low + third:
            shade = CHEAP_SHADE
        elif price >= high - third:
            shade = EXPENSIVE_SHADE
        else:
            continue
        figure.add_vrect(
            x0=local(begin, zone),
            x1=local(end, zone),
            fillcolor=shade,
            line_width=0,
            layer="below",
        )


def mark_events(figure: Any, scenario: Scenario, event: DrEvent | None, zone: ZoneInfo) -> None:
    """Mark the DR event with its import cap, and the mains failures."""
    if event is not None:
        begin, end = local(event.start, zone), local(event.end, zone)
        figure.add_vrect(
            x0=begin,
            x1=end,
            fillcolor="rgba(69,123,157,0.18)",
            line={"color": EVENT, "width": 1},
            layer="below",
        )
        figure.add_annotation(
            x=begin + (end - begin) / 2,
            y=1,
            yref="y domain",
            text=f"DR event: import ≤ {tightest_cap_kw(event):g} kW",
            **TAG,
            row=1,
            col=1,
        )
        figure.add_shape(
            type="line",
            x0=begin,
            x1=end,
            y0=tightest_cap_kw(event),
            y1=tightest_cap_kw(event),
            line={"color": EVENT, "width": 3},
            row=1,
            col=1,
        )
    for outage in scenario.outages:
        begin, end = local(outage.start, zone), local(outage.end, zone)
        figure.add_vrect(
            x0=begin, x1=end, fillcolor="rgba(0,0,0,0.30)", line_width=0, layer="below"
        )
        figure.add_annotation(
            x=begin + (end - begin) / 2,
            y=1,
            yref="y domain",
            text="mains failed",
            **TAG,
            row=1,
            col=1,
        )


def label_charging(
    figure: Any, samples: Sequence[Sample], zone: ZoneInfo, schedule: TariffSchedule
) -> None:
    """Label each long charge with its price, and each long discharge with the price it avoids."""
    battery, dc_load = series(samples, "battery_kw"), series(samples, "dc_load_kw")
    load = dc_load + series(samples, "ac_load_kw")
    surplus = series(samples, "pv_kw") - dc_load
    state = np.where(battery > CHARGING_KW, 1, np.where(battery < -CHARGING_KW, -1, 0))
    edges = [0, *(np.flatnonzero(np.diff(state)) + 1), len(samples)]
    for first, end in pairwise(edges):
        begin, last = samples[first].time, samples[end - 1].time
        if state[first] == 0 or last - begin < LABELLED:
            continue
        middle = begin + (last - begin) / 2
        price = schedule.price_at(middle).per_kwh
        style: dict[str, Any]
        if state[first] > 0:
            y = -np.nanpercentile(battery[first:end], 95)
            text = _charge_text(surplus[first:end], battery[first:end], price)
            style = {"yshift": -6, "yanchor": "top", "font": {"size": 12, "color": INTO_BATTERY}}
        else:
            y = np.nanmax(load[first:end])
            text = f"battery instead of {price:.2f}"
            style = {"yshift": 12, "yanchor": "bottom", "font": {"size": 12, "color": FROM_BATTERY}}
        figure.add_annotation(
            x=local(middle, zone), y=y, text=text, showarrow=False, row=1, col=1, **style
        )


def _charge_text(surplus_kw: Any, battery_kw: Any, price: float) -> str:
    """Whether mostly surplus PV was stored, or grid energy, and at what price."""
    from_pv = float(np.nansum(np.clip(surplus_kw, 0.0, battery_kw)))
    if from_pv > 0.5 * float(np.nansum(battery_kw)):
        return "PV stored"
    return f"stored at {price:.2f}"
