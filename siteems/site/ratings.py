"""Plausible ranges of a site's measurements, from the ratings in its file.

A device map allows the range of the device; a site is usually rated lower. A measurement beyond the
site's range is implausible.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from siteems.site.model import Site

Range = tuple[float, float]

OVERLOAD: Final = 2.0
"""Grid connections and batteries may be overloaded for a while, but by no more than this factor."""
SOURCE_OVERLOAD: Final = 1.3
"""PV, rectifiers and gensets deliver at most this much of their rating: PV with reflections from
clouds, the others with a rounded name plate.
"""
NOISE_KW: Final = 0.1
"""A power that has one direction may read this far below zero."""
MAX_OF_FLOAT_V: Final = 1.15
"""Boost and equalising voltage relative to float voltage, with some margin."""


def plausible_ranges(site: Site) -> Mapping[str, Range]:
    """Lowest and highest plausible value, by field of the image.

    A field for which the site file has no rating is left out.
    """
    battery, rectifier = site.battery, site.rectifier
    grid_kw = OVERLOAD * site.grid.import_limit_kw
    rectifier_kw = SOURCE_OVERLOAD * rectifier.rated_kw
    load_kw = SOURCE_OVERLOAD * (rectifier.rated_kw + battery.max_discharge_kw)
    ranges = {
        "grid_kw": (-grid_kw, grid_kw),
        "bus_v": (0.0, MAX_OF_FLOAT_V * rectifier.float_v),
        # A bidirectional inverter that serves as the rectifier also feeds the AC side.
        "rectifier_dc_kw": (-rectifier_kw, rectifier_kw),
        "dc_load_kw": (-NOISE_KW, load_kw),
        "battery_kw": (-OVERLOAD * battery.max_discharge_kw, OVERLOAD * battery.max_charge_kw),
    }
    if site.pv is not None:
        ranges["pv_kw"] = (-NOISE_KW, SOURCE_OVERLOAD * site.pv.rated_kwp)
    if site.genset is not None:
        ranges["genset_kw"] = (-NOISE_KW, SOURCE_OVERLOAD * site.genset.rated_kw)
    return ranges
