"""Bounds from import limits: the grid connection and the import cap of demand-response events."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Final

from optimisation.problem.site_problem import RectifierCurve
from siteems.control import reasons
from siteems.control.bounds import Bound, Owner
from siteems.control.safe_state import worst_ac_load_kw
from siteems.estimation.process_image import Image
from siteems.messages.message import Message
from siteems.site.model import Site

CHARGE_BELOW_KW: Final = 0.2
"""How far below the month's peak charging stops. The air conditioner and the load move between two
cycles; charged right up to the peak, each such move would raise it for the rest of the month.
"""


def rectifier_cap_kw(
    image: Image, import_cap_kw: float, site: Site, curve: RectifierCurve
) -> float:
    """DC output of the rectifiers at which the site imports this much, less the margin.

    An unknown AC load counts at its worst, so that the cap holds then too.
    """
    ac_load_kw = image.value("ac_load_kw")
    if ac_load_kw is None:
        ac_load_kw = worst_ac_load_kw(site)
    room_kw = import_cap_kw - site.control.import_margin_kw - ac_load_kw
    return min(site.rectifier.rated_kw, curve.dc_kw(room_kw))


def import_bound(
    owner: Owner, cap_kw: float, dc_load_kw: float, pv_kw: float, reason: Message
) -> Bound:
    """The charging power at which the rectifiers give `cap_kw`, their cap, at this load and PV.

    It may be negative: then the battery must discharge, so that the import limit holds.
    """
    return Bound(owner, -math.inf, cap_kw + pv_kw - dc_load_kw, reason)


def peak_bound(
    image: Image, peak_kw: float, dc_load_kw: float, pv_kw: float, site: Site, curve: RectifierCurve
) -> Bound:
    """Of the month's peak: the battery carries what would be imported above it, and is charged only
    up to `CHARGE_BELOW_KW` below it.
    """
    reason = reasons.MONTH_PEAK(peak_kw=peak_kw)
    capped = [
        import_bound(
            "month-peak", rectifier_cap_kw(image, kw, site, curve), dc_load_kw, pv_kw, reason
        )
        for kw in (peak_kw, peak_kw - CHARGE_BELOW_KW)
    ]
    carry, charge = capped
    return charge if charge.high_kw >= 0.0 else replace(carry, high_kw=min(0.0, carry.high_kw))
