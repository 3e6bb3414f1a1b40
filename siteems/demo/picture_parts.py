"""What the parts of the day's picture share: colours, local times, series of samples."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from siteems.history.records import Sample
from siteems.simulation.scenario import Scenario

GRID, PV, FROM_BATTERY, INTO_BATTERY = "#8d99ae", "#f4b400", "#e76f51", "#2a9d8f"
RESERVE, INK, QUIET, EVENT = "#c1121f", "#1d3557", "#6b7280", "#457b9d"
CHEAP_SHADE, EXPENSIVE_SHADE = "rgba(42,157,143,0.10)", "rgba(231,111,81,0.12)"
TAG = {
    "showarrow": False,
    "yanchor": "top",
    "font": {"size": 12, "color": INK},
    "bgcolor": "rgba(255,255,255,0.85)",
}
"""Text on a band of the chart."""


def series(samples: Sequence[Sample], name: str) -> Any:
    """One value per sample, shape (n,); unknown is NaN, which is drawn as a gap."""
    return np.array(
        [np.nan if (v := s.values.get(name)) is None else v for s in samples], dtype=np.float64
    )


def quarter_hours(scenario: Scenario) -> list[datetime]:
    """The starts of the quarter hours of the day."""
    count = int((scenario.end - scenario.start) / timedelta(minutes=15))
    return [scenario.start + i * timedelta(minutes=15) for i in range(count)]


def spans(
    starts: Sequence[datetime], values: Sequence[Any], end: datetime
) -> list[tuple[datetime, datetime, Any]]:
    """Start, end and value of each run of equal values."""
    found: list[tuple[datetime, datetime, Any]] = []
    for start, value in zip(starts, values, strict=True):
        if found and found[-1][2] == value:
            continue
        if found:
            found[-1] = (found[-1][0], start, found[-1][2])
        found.append((start, end, value))
    return found


def local(time: datetime, zone: ZoneInfo) -> datetime:
    """Local time without zone, as plotly's axes need it."""
    return time.astimezone(zone).replace(tzinfo=None)
