"""What the site file says of its assets, as the optimiser's models."""

from __future__ import annotations

from functools import lru_cache

from optimisation.problem.site_problem import RectifierCurve
from optimisation.problem.wear import CycleLife, WearMode
from siteems.site.model import Battery, Site, Wear


def rectifier_curve(site: Site) -> RectifierCurve:
    """The site's rectifier as the plan sees it."""
    return RectifierCurve.from_efficiency(site.rectifier.rated_kw, site.rectifier.efficiency)


def wear_costs(battery: Battery) -> tuple[float, ...]:
    """What a kWh discharged wears, by depth segment, shallow first. Raises `ProblemError` for an
    unsound table.
    """
    return (
        (battery.wear_per_kwh,)
        if battery.wear is None
        else _by_depth(battery.wear, battery.discharge_efficiency)
    )


@lru_cache(maxsize=64)
def _by_depth(wear: Wear, discharge_efficiency: float) -> tuple[float, ...]:
    return CycleLife(wear.cycles).wear_per_kwh(
        replacement_per_kwh=wear.replacement_per_kwh,
        discharge_efficiency=discharge_efficiency,
        segments=wear.segments,
        mode=WearMode(wear.mode),
        calendar_years=wear.calendar_years,
        cycles_per_day=wear.cycles_per_day,
    )
