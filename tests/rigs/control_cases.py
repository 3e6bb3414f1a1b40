"""Images and limits for the tests of the control cycle: a normal image, and what each case changes
in it.
"""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

from drivers.points import Quality
from siteems.control.cycle import Limits
from siteems.estimation.process_image import Image, Measurement

NOW = datetime(2026, 7, 15, 8, 0, tzinfo=UTC)
MAX_AGE = timedelta(seconds=5)

NORMAL: dict[str, float | None] = {
    "mains_v": 225.0,
    "soc": 0.70,
    "dc_load_kw": 3.0,
    "ac_load_kw": 1.0,
    "pv_kw": 0.0,
    "rectifier_dc_kw": 3.0,
    "battery_kw": 0.0,
    "battery_c": 25.0,
}


def image(at: datetime = NOW, **departures: float | None) -> Image:
    """The normal image at a time with these values instead; None = never measured."""
    values = NORMAL | departures
    return Image(
        at,
        MAX_AGE,
        {n: Measurement(v, at, Quality.GOOD) for n, v in values.items() if v is not None},
    )


def limits(
    reserve_soc: float = 0.40,
    grid_limit_kw: float = 12.0,
    dr_cap_kw: float = math.inf,
    peak_kw: float = math.inf,
) -> Limits:
    return Limits(reserve_soc, grid_limit_kw, dr_cap_kw, peak_kw)
