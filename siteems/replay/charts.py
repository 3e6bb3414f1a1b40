"""The charts of a replay's report, as Plotly figures."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from siteems.recordings.local_days import local_days
from siteems.replay.daily import Daily
from siteems.replay.outcome import Policy, ReplayResult
from siteems.site.model import Site

INK, SOFT, GRID, PV, BATTERY, RESERVE = (
    "#1b2733",
    "#8896a4",
    "#4a6b8a",
    "#e3a72f",
    "#1f6f54",
    "#a4262c",
)
HEIGHT = 330


def _figure(title_y: str, height: int = HEIGHT) -> Any:
    import plotly.graph_objects as go

    figure = go.Figure()
    figure.update_layout(
        height=height,
        margin={"l": 60, "r": 20, "t": 10, "b": 40},
        plot_bgcolor="white",
        font={"family": "Helvetica Neue, Arial, sans-serif", "color": INK, "size": 13},
        legend={"orientation": "h", "y": 1.08, "x": 0},
        hovermode="x unified",
    )
    figure.update_yaxes(title_text=title_y, gridcolor="#e8ecf0", zerolinecolor=SOFT)
    return figure


def policy_costs(result: ReplayResult) -> Any:
    """Energy, demand and wear of each policy, stacked."""
    import plotly.graph_objects as go

    figure = _figure(f"{result.currency} over {result.days:.0f} days", 280)
    names = list(result.policies)
    balances = [outcome.balance for outcome in result.policies.values()]
    parts = (
        ("energy", [balance.energy_cost for balance in balances], GRID, ""),
        ("demand", [balance.demand_cost for balance in balances], INK, "x"),
        ("wear", [balance.wear_cost for balance in balances], PV, "/"),
    )
    for title, values, colour, pattern in parts:
        if not any(values):
            continue
        bar = go.Bar(
            x=names, y=values, name=title, marker={"color": colour, "pattern": {"shape": pattern}}
        )
        figure.add_trace(bar)
    figure.update_layout(barmode="stack")
    return figure


def monthly_savings(result: ReplayResult, days: Daily, reference: Policy) -> Any:
    """The saving of each month with its 95 % confidence interval."""
    import plotly.graph_objects as go

    months = days.by_month(reference)
    totals = np.array([each.total for each in months.values()])
    high = np.array([each.high for each in months.values()]) - totals
    low = totals - np.array([each.low for each in months.values()])
    figure = _figure(f"{result.currency} a month")
    error = {
        "type": "data",
        "symmetric": False,
        "array": high,
        "arrayminus": low,
        "color": INK,
        "thickness": 1.5,
    }
    figure.add_trace(
        go.Bar(x=list(months), y=totals, error_y=error, marker_color=BATTERY, name="saving")
    )
    figure.update_layout(showlegend=False)
    figure.update_xaxes(type="category")
    return figure


def reserve_kept(site: Site, result: ReplayResult) -> Any:
    """State of charge less the reserve of the same moment, highest and lowest of each day, in
    percent of capacity.
    """
    import plotly.graph_objects as go

    series = result.policies["optimal"].series
    times = pd.date_range(result.start, periods=len(series.soc), freq=result.step).tz_convert(
        site.site.zone
    )
    margin = pd.Series(series.soc - series.reserve_soc, index=local_days(times)) * 100.0
    by_day = margin.groupby(level=0).agg(["min", "max"])
    figure = _figure("percent of capacity above the reserve")
    x = pd.DatetimeIndex(by_day.index)
    thin = {"color": SOFT, "width": 1}
    figure.add_trace(go.Scatter(x=x, y=by_day["max"], name="highest of the day", line=thin))
    figure.add_trace(
        go.Scatter(
            x=x,
            y=by_day["min"],
            name="lowest of the day",
            line={"color": BATTERY, "width": 2},
            fill="tonexty",
            fillcolor="rgba(31,111,84,0.12)",
        )
    )
    figure.add_hline(y=0.0, line={"color": RESERVE, "width": 2, "dash": "dot"})
    return figure


def course_of_day(site: Site, result: ReplayResult, midnight: pd.Timestamp) -> Any:
    """One local day with `optimal`: grid, PV, battery and price."""
    import plotly.graph_objects as go

    series = result.policies["optimal"].series
    times = pd.date_range(result.start, periods=len(series.soc), freq=result.step).tz_convert(
        site.site.zone
    )
    day = local_days(times) == midnight
    x = times[day].tz_localize(None)
    figure = _figure("kW")
    for name, values, colour, dash in (
        ("grid import", series.grid_import_kw, GRID, "solid"),
        ("PV used", series.pv_kw, PV, "solid"),
        ("battery, + charging", series.battery_kw, BATTERY, "solid"),
        ("telecom load", series.dc_load_kw, INK, "dot"),
    ):
        line = {"color": colour, "width": 2, "dash": dash, "shape": "hv"}
        figure.add_trace(go.Scatter(x=x, y=values[day].round(3), name=name, line=line))
    price = go.Scatter(
        x=x,
        y=series.price_per_kwh[day],
        name=f"price, {result.currency}/kWh (right)",
        yaxis="y2",
        line={"color": SOFT, "width": 1, "shape": "hv"},
    )
    figure.add_trace(price)
    right = {
        "overlaying": "y",
        "side": "right",
        "rangemode": "tozero",
        "showgrid": False,
        "tickformat": ".2f",
        "nticks": 5,
    }
    figure.update_layout(
        yaxis2=right,
        title={
            "text": f"{midnight:%A, %d %B %Y}",
            "font": {"size": 13},
            "x": 0.99,
            "xanchor": "right",
        },
        margin={"l": 60, "r": 50, "t": 30, "b": 40},
    )
    return figure
