"""What a site can be measured at: beyond its own ratings a value is implausible, however wide a
device map is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from siteems.site.model import Site

Range = tuple[float, float]

OVERLOAD: Final = 2.0
"""Connections and batteries are overloaded for a while, but not to more than this times their
rating.
"""
ABOVE: Final = 1.3
"""What gives power gives at most this times its rating: bright clouds beside the sun, a rounded
name plate.
"""
NOISE_KW: Final = 0.1
"""How far below zero a quantity may read that has one direction."""
MOST_OF_FLOAT: Final = 1.15
"""Boost and equalising voltage over float voltage, and some more."""


def plausible_ranges(site: Site) -> Mapping[str, Range]:
    """Least and most by field of the image. What the site file does not rate has no range here."""
    battery, rectifier = site.battery, site.rectifier
    grid_kw = OVERLOAD * site.grid.import_limit_kw
    ranges = {
        "grid_kw": (-grid_kw, grid_kw),
        "bus_v": (0.0, MOST_OF_FLOAT * rectifier.float_v),
        # An inverter that is also the rectifier gives to the grid side what it takes from the bus.
        "rectifier_dc_kw": (-ABOVE * rectifier.rated_kw, ABOVE * rectifier.rated_kw),
        "dc_load_kw": (-NOISE_KW, ABOVE * (rectifier.rated_kw + battery.max_discharge_kw)),
        "battery_kw": (-OVERLOAD * battery.max_discharge_kw, OVERLOAD * battery.max_charge_kw),
    }
    if site.pv is not None:
        ranges["pv_kw"] = (-NOISE_KW, ABOVE * site.pv.rated_kwp)
    if site.genset is not None:
        ranges["genset_kw"] = (-NOISE_KW, ABOVE * site.genset.rated_kw)
    return ranges
