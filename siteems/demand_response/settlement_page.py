"""A settlement as one HTML file that needs no network: amounts, baseline against metered power,
periods, and the source of every figure.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from html import escape
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from siteems import __version__
from siteems.demand_response.settlement_report import (
    figures,
    notes,
    period_times,
    total_lines,
)
from siteems.demand_response.settlement_result import SettledPeriod, Settlement

Array = npt.NDArray[np.float64]
INK, SOFT, METERED, BID = "#1b2733", "#8896a4", "#4a6b8a", "#1f6f54"
HEIGHT: Final = 380
ROUNDING: Final = "each payment and penalty rounded half up to the cent, once per period"
STYLE: Final = """
body { font: 15px/1.5 "Helvetica Neue", Arial, "Noto Sans", sans-serif; color: #1b2733;
  max-width: 1000px; margin: 24px auto; padding: 0 20px; }
h1 { font-size: 22px; margin: 0; } h2 { font-size: 17px; margin: 28px 0 6px; }
p.soft { color: #5b6b7a; margin: 2px 0 14px; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { text-align: right; padding: 3px 8px; border-bottom: 1px solid #d9dfe5; }
th:first-child, td:first-child { text-align: left; }
table.sources td { text-align: left; font-size: 13px; }
tr.penalty td, tr.missing td { color: #a4262c; }
tr:last-child.sum td { font-weight: 600; }
li { font-size: 13px; }
"""


@dataclass(frozen=True, eq=False)
class Course:
    """What was metered around an event; the series may begin before it and end after it."""

    event_start: datetime
    event_end: datetime
    start: datetime
    """Of the first step; aware, as all times."""
    step: timedelta
    baseline_kw: Array
    """Shape (n,); NaN where it is not known, and so in `metered_kw`."""
    metered_kw: Array


def write_page(settlement: Settlement, course: Course, zone: ZoneInfo, path: Path) -> None:
    """Write the page of a settlement to `path`, with times local to `zone`."""
    programme = settlement.programme
    start, end = (each.astimezone(zone) for each in (course.event_start, course.event_end))
    span = f"{start:%d %b %Y %H:%M} to {end:%d %b %H:%M} ({zone.key})"
    chart = picture(settlement, course, zone).to_html(
        full_html=False,
        include_plotlyjs=True,
        config={"displayModeBar": False, "responsive": True},
    )
    title = escape(f"Settlement: {programme.title}")
    parts = [
        f"<h1>{title}</h1>",
        f'<p class="soft">{escape(span)} · bid of {settlement.bid_kw:g} kW · {ROUNDING}'
        f" · siteems {__version__}</p>",
        _table((), ((line, "sum") for line in total_lines(settlement))),
        _list(escape(note) for note in notes(settlement)),
        f"<h2>Baseline against metered power</h2>{chart}",
        "<h2>Settlement periods</h2>",
        _table(
            ("from", "kW", "kWh", "of bid", "band", "payment", "penalty", "amount"),
            ((_cells(each, course.event_start, zone), each.band) for each in settlement.periods),
        ),
        f"<h2>Figures of the programme and their sources</h2>{_sources(settlement)}",
    ]
    head = f'<head><meta charset="utf-8"><title>{title}</title><style>{STYLE}</style></head>'
    body = "\n".join(parts)
    path.write_text(
        f'<!doctype html><html lang="en">{head}<body>{body}</body></html>\n', encoding="utf-8"
    )


def picture(settlement: Settlement, course: Course, zone: ZoneInfo) -> Any:
    """Baseline, metered power and the committed level, the event shaded, as a Plotly figure."""
    import plotly.graph_objects as go

    ends = [course.start + number * course.step for number in range(len(course.baseline_kw) + 1)]
    x = [_local(each, zone) for each in ends]
    figure = go.Figure()
    for name, values, colour, dash in (
        ("baseline", course.baseline_kw, INK, "dash"),
        ("metered", course.metered_kw, METERED, "solid"),
    ):
        line = {"color": colour, "width": 2, "dash": dash}
        figure.add_trace(go.Scatter(**_steps(x, values), name=name, line=line))
    sign = 1.0 if settlement.programme.direction == "fill" else -1.0
    during = np.array([course.event_start <= each < course.event_end for each in ends[:-1]])
    committed = np.where(during, course.baseline_kw + sign * settlement.bid_kw, np.nan)
    line = {"color": BID, "width": 1.5, "dash": "dot"}
    figure.add_trace(go.Scatter(**_steps(x, committed), name="committed", line=line))
    figure.add_vrect(
        x0=_local(course.event_start, zone),
        x1=_local(course.event_end, zone),
        fillcolor="rgba(31,111,84,0.12)",
        line_width=0,
        layer="below",
    )
    for period in settlement.periods:
        if period.band == "missing":
            begins, finishes = period_times(period, course.event_start)
            figure.add_vrect(
                x0=_local(begins, zone),
                x1=_local(finishes, zone),
                fillcolor="rgba(164,38,44,0.12)",
                line_width=0,
                annotation_text="not settled",
            )
    figure.update_layout(
        height=HEIGHT,
        margin={"l": 60, "r": 20, "t": 10, "b": 40},
        plot_bgcolor="white",
        font={"family": "Helvetica Neue, Arial, sans-serif", "color": INK, "size": 13},
        legend={"orientation": "h", "y": 1.1, "x": 0},
        hovermode="x unified",
    )
    figure.update_yaxes(
        title_text="grid import, kW", gridcolor="#e8ecf0", zerolinecolor=SOFT, rangemode="tozero"
    )
    return figure


def _local(when: datetime, zone: ZoneInfo) -> datetime:
    """Local and naive, because Plotly shows aware times in UTC."""
    return when.astimezone(zone).replace(tzinfo=None)


def _steps(x: Sequence[datetime], values: Array) -> dict[str, list[Any]]:
    """Both ends of each step, and a gap where a value is not known. `x` has one more than values.

    A line that holds its value until the next point would be drawn through a gap.
    """
    points: list[tuple[datetime, float | None]] = []
    for begins, ends, value in zip(x[:-1], x[1:], values.tolist(), strict=True):
        known = None if np.isnan(value) else round(value, 3)
        points += [(begins, known), (ends, known)]
    return {"x": [when for when, _ in points], "y": [value for _, value in points]}


def _cells(period: SettledPeriod, start: datetime, zone: ZoneInfo) -> tuple[str, ...]:
    local = period_times(period, start)[0].astimezone(zone)
    known = (period.response_kw, period.response_kwh)
    quantities = ["" if each is None else f"{each:,.2f}" for each in known]
    return (
        f"{local:%d %b %H:%M}",
        *quantities,
        "" if period.ratio is None else f"{period.ratio:.1%}",
        period.band,
        f"{period.payment:,.2f}",
        f"{period.penalty:,.2f}",
        f"{period.amount:,.2f}",
    )


def _sources(settlement: Settlement) -> str:
    rows = []
    for name, figure in figures(settlement.programme).items():
        value = figure["value"]
        text = ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)
        rows.append(((name, text, str(figure["source"])), ""))
    return _table((), rows, "sources")


def _table(
    titles: Iterable[str], rows: Iterable[tuple[tuple[str, ...], str]], kind: str = ""
) -> str:
    """Rows of cells, each row with its class."""
    head = "".join(f"<th>{escape(title)}</th>" for title in titles)
    body = "".join(
        f'<tr class="{row_kind}">{"".join(f"<td>{escape(cell)}</td>" for cell in cells)}</tr>'
        for cells, row_kind in rows
    )
    return f'<table class="{kind}">{f"<tr>{head}</tr>" if head else ""}{body}</table>'


def _list(items: Iterator[str]) -> str:
    return "<ul>" + "".join(f"<li>{item}</li>" for item in items) + "</ul>"
