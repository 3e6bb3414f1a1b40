"""A small published plan for tests: four quarter hours with round numbers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from siteems.planning.published_plan import SERIES, PublishedPlan

ISSUED = datetime(2026, 7, 15, 4, 0, tzinfo=UTC)
QUARTER = timedelta(minutes=15)


def plan(**changes: Any) -> PublishedPlan:
    """Charges 4 kW for half an hour, rests, discharges beside the rectifiers; 50 kWh of capacity,
    20 kWh at first.
    """
    series = dict.fromkeys(SERIES, (0.0,) * 4)
    series |= {
        "battery_kw": (4.0, 4.0, 0.0, -8.0),
        "stored_kwh": (21.0, 22.0, 22.0, 20.0),
        "rectifier_dc_kw": (13.0, 13.0, 9.0, 1.0),
    }
    fields: dict[str, Any] = {
        "issued": ISSUED,
        "trigger": "test",
        "status": "optimal",
        "capacity_kwh": 50.0,
        "stored_now_kwh": 20.0,
        "starts": tuple(ISSUED + i * QUARTER for i in range(4)),
        "end": ISSUED + 4 * QUARTER,
        "series": series,
        "prices": (0.3, 0.3, 0.7, 1.1),
        "reserve_kwh": (18.0,) * 4,
        "cost_by_term": {"energy": 1.0},
        "solve_s": 0.004,
    }
    return PublishedPlan(**(fields | changes))
