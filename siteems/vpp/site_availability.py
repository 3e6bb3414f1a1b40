"""What one site can give, from its plan and its forecast."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

import numpy as np

from siteems.errors import UserError
from siteems.forecast.forecast import Forecaster
from siteems.planning.published_plan import PublishedPlan
from siteems.site.assets import rectifier_curve
from siteems.site.model import Site
from siteems.vpp.flexibility import Availability, Ratings, Span, availability

STEP: Final = timedelta(minutes=15)
LONGEST: Final = timedelta(hours=12)
"""Of a span. No programme asks for longer, and a plan knows little of it."""
A_MOMENT: Final = timedelta(minutes=1)
HOUR: Final = timedelta(hours=1)


def site_availability(
    site: Site,
    plan: PublishedPlan | None,
    forecaster: Forecaster,
    now: datetime,
    start: datetime,
    duration: timedelta,
) -> Availability:
    """What the site can give from `start` on. Raises `UserError` where the plan does not reach."""
    if not timedelta(0) < duration <= LONGEST:
        raise UserError(f"the span lasts {duration / HOUR:g} h; allowed: up to {LONGEST / HOUR:g}")
    if plan is None:
        raise UserError("there is no plan yet, so nothing is known of the time to come")
    if now - A_MOMENT < start < now:
        start = now  # "from now", by a clock that was read a moment ago
    if start < now or start + duration > plan.end:
        known = f"known is {now:%Y-%m-%d %H:%M} to {plan.end:%Y-%m-%d %H:%M} UTC"
        raise UserError(f"the span is not within the plan; {known}")
    battery = site.battery
    ratings = Ratings(
        capacity_kwh=battery.capacity_kwh,
        max_charge_kw=battery.max_charge_kw,
        max_discharge_kw=battery.max_discharge_kw,
        charge_efficiency=battery.charge_efficiency,
        discharge_efficiency=battery.discharge_efficiency,
        rectifier_kw=site.rectifier.rated_kw,
        import_limit_kw=site.grid.import_limit_kw,
        curve=rectifier_curve(site),
    )
    return availability(_span(plan, forecaster, now, start, duration), ratings)


def _span(
    plan: PublishedPlan,
    forecaster: Forecaster,
    now: datetime,
    start: datetime,
    duration: timedelta,
) -> Span:
    whole, rest = divmod(duration, STEP)
    step_h = [STEP / HOUR] * whole + ([rest / HOUR] if rest else [])
    starts = [start + n * STEP for n in range(len(step_h))]
    steps = [plan.step_at(each) for each in starts]
    known = [0 if step is None else step for step in steps]  # the start is within the plan
    forecast = forecaster.forecast(now, starts, step_h)
    soc = plan.soc(start)
    return Span(
        start=start,
        step_h=np.array(step_h),
        import_kw=np.array([plan.series["grid_import_kw"][step] for step in known]),
        dc_load_kw=forecast.dc_load_kw,
        dc_load_p95_kw=forecast.dc_load_p95_kw,
        ac_load_kw=forecast.ac_load_kw,
        pv_kw=forecast.pv_kw,
        pv_high_kw=forecast.pv_high_kw,
        stored_kwh=0.0 if soc is None else soc * plan.capacity_kwh,
        reserve_kwh=max(plan.reserve_kwh[step] for step in known),
    )


def as_data(found: Availability) -> dict[str, Any]:
    """For programs: powers in kW by probability."""
    return {
        "start": found.start.isoformat(),
        "hours": found.hours,
        "planned_import_kw": round(found.planned_import_kw, 3),
        "reduction_kw": {f"{p:g}": round(kw, 3) for p, kw in found.reduction_kw.items()},
        "increase_kw": {f"{p:g}": round(kw, 3) for p, kw in found.increase_kw.items()},
    }


def as_text(data: dict[str, Any], zone: ZoneInfo) -> str:
    """A table for people, from `as_data`."""
    start = datetime.fromisoformat(data["start"]).astimezone(zone)
    end = start + data["hours"] * HOUR
    lines = [
        f"{start:%Y-%m-%d %H:%M} to {end:%H:%M}: planned import {data['planned_import_kw']:.2f} kW",
        "probability   reduction   increase",
    ]
    for p, kw in data["reduction_kw"].items():
        lines.append(f"{float(p):>10.0%} {kw:>8.2f} kW {data['increase_kw'][p]:>7.2f} kW")
    return "\n".join(lines)
