"""The picture of a day in one self-contained HTML file: power, state of charge, price."""

from __future__ import annotations

import html
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from siteems.demand_response.event import DrEvent
from siteems.demo.picture_annotations import label_charging, mark_events, shade_prices
from siteems.demo.picture_charts import draw_battery, draw_power, draw_price, power_range
from siteems.demo.picture_parts import INK, INTO_BATTERY, QUIET, RESERVE, local
from siteems.history.records import Sample
from siteems.simulation.scenario import Scenario
from siteems.site.model import Site
from siteems.tariff.schedule import TariffSchedule

STYLE = f"""
body {{ font-family: system-ui, sans-serif; color: {INK}; max-width: 1180px; }}
body {{ margin: 24px auto; padding: 0 16px; }}
h1 {{ font-size: 22px; margin: 0 0 4px; }}
p {{ margin: 0 0 10px; color: {QUIET}; }}
.chip {{ display: inline-block; background: #e8f5f2; border: 1px solid {INTO_BATTERY}; }}
.chip {{ border-radius: 14px; padding: 3px 12px; margin: 0 8px 8px 0; }}
.chip.bad {{ background: #fdecec; border-color: {RESERVE}; color: {RESERVE}; font-weight: 600; }}
"""


def draw_day(
    site: Site,
    scenario: Scenario,
    samples: Sequence[Sample],
    schedule: TariffSchedule,
    event: DrEvent | None,
    headline: Sequence[str],
    path: Path,
) -> None:
    """Write the picture to `path`, with the short results of `headline` above it.

    It needs no network: plotly's script is inside.
    """
    import plotly.graph_objects as go
    from plotly.subplots import make_subplots

    zone = site.site.zone
    times = [local(s.time, zone) for s in samples]
    figure: Any = make_subplots(
        rows=3, cols=1, shared_xaxes=True, row_heights=[0.5, 0.32, 0.18], vertical_spacing=0.045
    )
    draw_power(figure, go, samples, times)
    draw_battery(figure, go, samples, times, site)
    draw_price(figure, go, scenario, schedule, zone, site.site.currency)
    shade_prices(figure, scenario, schedule, zone)
    mark_events(figure, scenario, event, zone)
    label_charging(figure, samples, zone, schedule)
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
        range=[local(scenario.start, zone), local(scenario.end, zone)],
        tickformat="%H:%M",
        dtick=2 * 3600 * 1000,
    )
    figure.update_yaxes(title_text="power, kW", range=power_range(samples), row=1, col=1)
    figure.update_yaxes(title_text="state of charge, %", range=[0, 104], row=2, col=1)
    figure.update_yaxes(title_text=f"{site.site.currency}/kWh", rangemode="tozero", row=3, col=1)
    body = figure.to_html(
        full_html=False, include_plotlyjs=True, config={"displayModeBar": False, "responsive": True}
    )
    path.write_text(_page(site, scenario, headline, body), encoding="utf-8")


def _page(site: Site, scenario: Scenario, headline: Sequence[str], body: str) -> str:
    chips = "".join(
        f'<span class="chip{" bad" if "BROKEN" in result else ""}">{html.escape(result)}</span>'
        for result in headline
    )
    name, source = html.escape(site.site.name), html.escape(scenario.profile.source)
    day = scenario.start.astimezone(site.site.zone)
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{name}: one day</title>
<style>{STYLE}</style></head><body>
<h1>{name}, {day:%d %B %Y}</h1>
<p>Simulated site driven over Modbus; load, PV and weather from {source}.
Background: cheap hours green, expensive hours red.</p>
{chips}
{body}
</body></html>
"""
