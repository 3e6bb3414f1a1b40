"""Which measured values are plausible: within the ratings, and in balance with each other."""

from __future__ import annotations

from drivers.points import Point, Quality
from optimisation.problem.site_problem import RectifierCurve

BALANCE_SHARE, BALANCE_KW = 0.25, 0.5
"""How much less than the rectifiers draw the grid meter may show: a share of their input, and kW.

Wide, because the efficiency curve is approximate and the two readings are not simultaneous. The
fault to be found, a meter that is wired or decoded with the wrong sign, is much larger than this.
"""


def within(allowed: tuple[float, float] | None, point: Point) -> Point:
    """The point, or an implausible one without value where it lies outside `allowed` (low, high).

    No range, or no value, passes unchanged.
    """
    if allowed is None or point.value is None or allowed[0] <= point.value <= allowed[1]:
        return point
    return Point(None, Quality.IMPLAUSIBLE)


def supplies_rectifiers(supply_ac_kw: float, rectifier_dc_kw: float, curve: RectifierCurve) -> bool:
    """Whether grid and genset together can supply what the rectifiers deliver to the bus."""
    needed_kw = curve.ac_kw_at(max(0.0, rectifier_dc_kw))
    return supply_ac_kw >= (1.0 - BALANCE_SHARE) * needed_kw - BALANCE_KW
