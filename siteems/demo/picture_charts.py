"""The three charts of a day, one above the other: power, state of charge, price."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from siteems.demo.picture_parts import (
    FROM_BATTERY,
    GRID,
    INK,
    INTO_BATTERY,
    PV,
    QUIET,
    RESERVE,
    local,
    quarter_hours,
    series,
    spans,
)
from siteems.history.records import Sample
from siteems.simulation.scenario import Scenario
from siteems.site.model import Site
from siteems.tariff.schedule import TariffSchedule


def draw_power(figure: Any, go: Any, samples: Sequence[Sample], times: Sequence[datetime]) -> None:
    """Sources of the site stacked upward, charging downward, the load as a line."""
    grid = series(samples, "grid_kw")
    pv = series(samples, "pv_kw")
    battery = series(samples, "battery_kw")
    for name, values, colour, stack in (
        ("grid", np.maximum(grid, 0.0), GRID, "up"),
        ("PV", pv, PV, "up"),
        ("from battery", np.maximum(-battery, 0.0), FROM_BATTERY, "up"),
        ("into battery", -np.maximum(battery, 0.0), INTO_BATTERY, "down"),
    ):
        figure.add_trace(
            go.Scatter(
                x=times,
                y=values,
                name=name,
                stackgroup=stack,
                line={"width": 0, "shape": "hv"},
                fillcolor=colour,
                hovertemplate="%{y:.2f} kW",
            ),
            row=1,
            col=1,
        )
    load = series(samples, "dc_load_kw") + series(samples, "ac_load_kw")
    figure.add_trace(
        go.Scatter(
            x=times,
            y=load,
            name="load (telecom + cooling)",
            line={"color": INK, "width": 2},
            hovertemplate="%{y:.2f} kW",
        ),
        row=1,
        col=1,
    )


def draw_battery(
    figure: Any, go: Any, samples: Sequence[Sample], times: Sequence[datetime], site: Site
) -> None:
    """The state of charge above the reserve."""
    soc, reserve = series(samples, "soc") * 100.0, series(samples, "reserve_soc") * 100.0
    foot = {"color": RESERVE, "width": 1.5, "dash": "dot"}
    figure.add_trace(
        go.Scatter(
            x=times,
            y=reserve,
            name=f"backup reserve ({site.backup.hours:g} h)",
            line=foot,
            fill="tozeroy",
            fillcolor="rgba(193,18,31,0.13)",
            hovertemplate="%{y:.1f} %",
        ),
        row=2,
        col=1,
    )
    charge = {"color": INTO_BATTERY, "width": 3}
    figure.add_trace(
        go.Scatter(x=times, y=soc, name="state of charge", line=charge, hovertemplate="%{y:.1f} %"),
        row=2,
        col=1,
    )
    middle = len(times) // 2
    text = f"backup reserve: {site.backup.hours:g} h of the coming load"
    figure.add_annotation(
        x=times[middle],
        y=reserve[middle] / 2,
        text=text,
        showarrow=False,
        font={"color": RESERVE},
        row=2,
        col=1,
    )


def draw_price(
    figure: Any,
    go: Any,
    scenario: Scenario,
    schedule: TariffSchedule,
    zone: ZoneInfo,
    currency: str,
) -> None:
    """The import price by quarter hour, with the names of its periods."""
    starts = quarter_hours(scenario)
    prices = [schedule.price_at(t) for t in starts]
    figure.add_trace(
        go.Scatter(
            x=[local(time, zone) for time in (*starts, scenario.end)],
            y=[price.per_kwh for price in (*prices, prices[-1])],
            name="import price",
            line={"color": INK, "width": 2, "shape": "hv"},
            showlegend=False,
            text=[price.period for price in prices],
            hovertemplate=f"%{{y:.3f}} {currency}/kWh (%{{text}})",
        ),
        row=3,
        col=1,
    )
    for begin, end, price in spans(starts, [(p.period, p.per_kwh) for p in prices], scenario.end):
        middle = local(begin, zone) + (end - begin) / 2
        if end - begin >= timedelta(hours=1):
            figure.add_annotation(
                x=middle,
                y=price[1],
                text=price[0],
                showarrow=False,
                yshift=9,
                font={"size": 11, "color": QUIET},
                row=3,
                col=1,
            )


def power_range(samples: Sequence[Sample]) -> tuple[float, float]:
    """Range of the power axis, kW; the highest 0.7 % are left out, so that one spike does not
    flatten the day.
    """
    battery = series(samples, "battery_kw")
    charge, discharge = np.maximum(battery, 0.0), np.maximum(-battery, 0.0)
    supply = np.maximum(series(samples, "grid_kw"), 0.0) + series(samples, "pv_kw") + discharge
    lowest = -1.25 * float(np.nanpercentile(charge, 99.3)) - 1.2
    return lowest, 1.12 * float(np.nanpercentile(supply, 99.3)) + 0.6
