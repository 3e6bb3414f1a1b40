"""One picture of a day in one self-contained HTML file: where the power came from, the battery, the
price.
"""

from __future__ import annotations

import html
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from siteems.demand_response.event import DrEvent
from siteems.history.records import Sample
from siteems.simulation.scenario import Scenario
from siteems.site.model import Site
from siteems.tariff.schedule import TariffSchedule

GRID, SUN, OUT, IN = "#8d99ae", "#f4b400", "#e76f51", "#2a9d8f"
RESERVE, INK, QUIET = "#c1121f", "#1d3557", "#6b7280"
CHEAP_SHADE, DEAR_SHADE = "rgba(42,157,143,0.10)", "rgba(231,111,81,0.12)"


def draw_day(
    site: Site,
    scenario: Scenario,
    samples: Sequence[Sample],
    schedule: TariffSchedule,
    event: DrEvent | None,
    headline: Sequence[str],
    path: Path,
) -> None:
    """Write the picture. It needs no network: plotly's script is inside."""
    import plotly.graph_objects as go
    from plotly.subplots import make_subplots

    zone = site.site.zone
    times = [_wall(s.time, zone) for s in samples]
    figure: Any = make_subplots(
        rows=3, cols=1, shared_xaxes=True, row_heights=[0.5, 0.32, 0.18], vertical_spacing=0.045
    )
    _power(figure, go, samples, times)
    _battery(figure, go, samples, times, site)
    _price(figure, go, scenario, schedule, zone, site.site.currency)
    _shade_prices(figure, scenario, schedule, zone)
    _mark_events(figure, scenario, event, zone)
    _label_charging(figure, samples, zone, schedule)
    figure.update_layout(
        template="plotly_white",
        height=860,
        margin={"l": 70, "r": 30, "t": 20, "b": 40},
        font={"family": "system-ui, sans-serif", "size": 13, "color": INK},
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0, "traceorder": "normal"},
        hovermode="x unified",
        bargap=0,
    )
    figure.update_xaxes(
        range=[_wall(scenario.start, zone), _wall(scenario.end, zone)],
        tickformat="%H:%M",
        dtick=2 * 3600 * 1000,
    )
    figure.update_yaxes(title_text="power, kW", range=_power_range(samples), row=1, col=1)
    figure.update_yaxes(title_text="state of charge, %", range=[0, 104], row=2, col=1)
    figure.update_yaxes(title_text=f"{site.site.currency}/kWh", rangemode="tozero", row=3, col=1)
    body = figure.to_html(
        full_html=False, include_plotlyjs=True, config={"displayModeBar": False, "responsive": True}
    )
    path.write_text(_page(site, scenario, headline, body), encoding="utf-8")


def _power(figure: Any, go: Any, samples: Sequence[Sample], times: Sequence[datetime]) -> None:
    """What feeds the site, stacked upward; what goes into the battery, downward; the load as a
    line.
    """
    grid = _series(samples, "grid_kw")
    sun = _series(samples, "pv_kw")
    battery = _series(samples, "battery_kw")
    for name, values, colour, stack in (
        ("grid", np.maximum(grid, 0.0), GRID, "up"),
        ("photovoltaics", sun, SUN, "up"),
        ("from battery", np.maximum(-battery, 0.0), OUT, "up"),
        ("into battery", -np.maximum(battery, 0.0), IN, "down"),
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
    load = _series(samples, "dc_load_kw") + _series(samples, "ac_load_kw")
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


def _battery(
    figure: Any, go: Any, samples: Sequence[Sample], times: Sequence[datetime], site: Site
) -> None:
    """The state of charge above the reserve, and where it came closest to it."""
    soc, reserve = _series(samples, "soc") * 100.0, _series(samples, "reserve_soc") * 100.0
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
    charge = {"color": IN, "width": 3}
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


def _price(
    figure: Any,
    go: Any,
    scenario: Scenario,
    schedule: TariffSchedule,
    zone: ZoneInfo,
    currency: str,
) -> None:
    starts = _quarter_hours(scenario)
    prices = [schedule.price_at(t) for t in starts]
    figure.add_trace(
        go.Scatter(
            x=[_wall(t, zone) for t in (*starts, scenario.end)], y=[p.per_kwh for p in (*prices, prices[-1])],
            name="import price", line={"color": INK, "width": 2, "shape": "hv"}, showlegend=False,
            text=[p.period for p in prices], hovertemplate=f"%{{y:.3f}} {currency}/kWh (%{{text}})",
        ),
        row=3, col=1,
    )  # fmt: skip
    for begin, end, price in _spans(starts, [(p.period, p.per_kwh) for p in prices], scenario.end):
        middle = _wall(begin, zone) + (end - begin) / 2
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


def _shade_prices(
    figure: Any, scenario: Scenario, schedule: TariffSchedule, zone: ZoneInfo
) -> None:
    """The cheapest hours greenish, the dearest reddish, behind everything."""
    starts = _quarter_hours(scenario)
    prices = [schedule.price_at(t).per_kwh for t in starts]
    low, high = min(prices), max(prices)
    if high - low < 1e-9:
        return
    for begin, end, price in _spans(starts, prices, scenario.end):
        shade = (
            CHEAP_SHADE
            if price <= low + (high - low) / 3
            else DEAR_SHADE
            if price >= high - (high - low) / 3
            else None
        )
        if shade:
            figure.add_vrect(
                x0=_wall(begin, zone),
                x1=_wall(end, zone),
                fillcolor=shade,
                line_width=0,
                layer="below",
            )


def _mark_events(figure: Any, scenario: Scenario, event: DrEvent | None, zone: ZoneInfo) -> None:
    if event is not None:
        begin, end = _wall(event.start, zone), _wall(event.end, zone)
        figure.add_vrect(
            x0=begin,
            x1=end,
            fillcolor="rgba(69,123,157,0.18)",
            line={"color": "#457b9d", "width": 1},
            layer="below",
        )
        figure.add_annotation(
            x=begin + (end - begin) / 2,
            y=1,
            yref="y domain",
            text=f"call: import ≤ {event.limit_kw:g} kW",
            **_TAG,
            row=1,
            col=1,
        )
        figure.add_shape(
            type="line",
            x0=begin,
            x1=end,
            y0=event.limit_kw,
            y1=event.limit_kw,
            line={"color": "#457b9d", "width": 3},
            row=1,
            col=1,
        )
    for outage in scenario.outages:
        begin, end = _wall(outage.start, zone), _wall(outage.end, zone)
        figure.add_vrect(
            x0=begin, x1=end, fillcolor="rgba(0,0,0,0.30)", line_width=0, layer="below"
        )
        figure.add_annotation(
            x=begin + (end - begin) / 2,
            y=1,
            yref="y domain",
            text="mains failed",
            **_TAG,
            row=1,
            col=1,
        )


_TAG = {
    "showarrow": False,
    "yanchor": "top",
    "font": {"size": 12, "color": INK},
    "bgcolor": "rgba(255,255,255,0.85)",
}


def _label_charging(
    figure: Any, samples: Sequence[Sample], zone: ZoneInfo, schedule: TariffSchedule
) -> None:
    """Write below each long charge what it cost, and above each long discharge what it replaced."""
    battery, dc_load = _series(samples, "battery_kw"), _series(samples, "dc_load_kw")
    load, sun = dc_load + _series(samples, "ac_load_kw"), _series(samples, "pv_kw") - dc_load
    state = np.where(battery > 0.3, 1, np.where(battery < -0.3, -1, 0))
    edges = [0, *(np.flatnonzero(np.diff(state)) + 1), len(samples)]
    for first, last in pairwise(edges):
        begin, end = samples[first].time, samples[last - 1].time
        if state[first] == 0 or end - begin < timedelta(minutes=50):
            continue
        middle = begin + (end - begin) / 2
        price = schedule.price_at(middle).per_kwh
        charging = state[first] > 0
        figure.add_annotation(
            x=_wall(middle, zone),
            y=-np.nanpercentile(battery[first:last], 95)
            if charging
            else np.nanmax(load[first:last]),
            yshift=-6 if charging else 12,
            text=_charge_words(sun[first:last], battery[first:last], price)
            if charging
            else f"battery instead of {price:.2f}",
            yanchor="top" if charging else "bottom",
            showarrow=False,
            font={"size": 12, "color": IN if charging else OUT},
            row=1,
            col=1,
        )


def _charge_words(sun: Any, battery: Any, price: float) -> str:
    """Whether mostly sun beyond the load was stored, or grid energy, and at what price."""
    from_sun = float(np.nansum(np.clip(sun, 0.0, battery)))
    return "sun stored" if from_sun > 0.5 * float(np.nansum(battery)) else f"stored at {price:.2f}"


def _power_range(samples: Sequence[Sample]) -> tuple[float, float]:
    """The axis of the power picture: without the highest moments, so that one spike does not
    flatten the day.
    """
    supply = np.maximum(_series(samples, "grid_kw"), 0.0) + _series(samples, "pv_kw")
    supply += np.maximum(-_series(samples, "battery_kw"), 0.0)
    charge = np.maximum(_series(samples, "battery_kw"), 0.0)
    return -1.25 * float(np.nanpercentile(charge, 99.3)) - 1.2, 1.12 * float(
        np.nanpercentile(supply, 99.3)
    ) + 0.6


def _series(samples: Sequence[Sample], name: str) -> Any:
    """One value a sample; unknown = NaN, drawn as a gap."""
    return np.array(
        [np.nan if (v := s.values.get(name)) is None else v for s in samples], dtype=np.float64
    )


def _quarter_hours(scenario: Scenario) -> list[datetime]:
    count = int((scenario.end - scenario.start) / timedelta(minutes=15))
    return [scenario.start + i * timedelta(minutes=15) for i in range(count)]


def _spans(
    starts: Sequence[datetime], values: Sequence[Any], end: datetime
) -> list[tuple[datetime, datetime, Any]]:
    """Runs of equal values."""
    spans: list[tuple[datetime, datetime, Any]] = []
    for start, value in zip(starts, values, strict=True):
        if spans and spans[-1][2] == value:
            continue
        if spans:
            spans[-1] = (spans[-1][0], start, spans[-1][2])
        spans.append((start, end, value))
    return spans


def _wall(time: datetime, zone: ZoneInfo) -> datetime:
    """Local wall time without zone: what the axis shows."""
    return time.astimezone(zone).replace(tzinfo=None)


def _page(site: Site, scenario: Scenario, headline: Sequence[str], body: str) -> str:
    chips = "".join(
        f'<span class="chip{" bad" if "BROKEN" in word else ""}">{html.escape(word)}</span>'
        for word in headline
    )
    day = scenario.start.astimezone(site.site.zone)
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{html.escape(site.site.name)}: one day</title>
<style>
body {{ font-family: system-ui, sans-serif; color: {INK}; margin: 24px auto; max-width: 1180px; padding: 0 16px; }}
h1 {{ font-size: 22px; margin: 0 0 4px; }}
p {{ margin: 0 0 10px; color: {QUIET}; }}
.chip {{ display: inline-block; background: #e8f5f2; border: 1px solid {IN}; border-radius: 14px; }}
.chip {{ padding: 3px 12px; margin: 0 8px 8px 0; }}
.chip.bad {{ background: #fdecec; border-color: {RESERVE}; color: {RESERVE}; font-weight: 600; }}
</style></head><body>
<h1>{html.escape(site.site.name)}, {day:%d %B %Y}</h1>
<p>Simulated site driven over Modbus; surroundings from {html.escape(scenario.profile.source)}.
Background: cheap hours green, dear hours red.</p>
{chips}
{body}
</body></html>
"""
