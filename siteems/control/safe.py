"""The safe state: what setpoints and persistent fallbacks are when nobody steers."""

from __future__ import annotations

import math
from collections.abc import Mapping

from optimisation.problem import RectifierCurve
from siteems.site import Site


def worst_ac_load_kw(site: Site) -> float:
    """The most that the AC side can draw beside the rectifiers: the air conditioner at its rating and what is usual."""
    usual_kw = max(site.load.typical_ac_kw)
    return usual_kw if site.air_conditioner is None else max(usual_kw, site.air_conditioner.rated_kw)


def safe_values(site: Site, curve: RectifierCurve) -> Mapping[str, float]:
    """Safe value by point: the bus at float, and the battery recharges as fast as the grid connection bears.

    The rectifiers may give what the connection carries beside the worst AC load, so that a full recharge after a mains
    failure trips no breaker, but never less than the load needs. Currents are whole amperes, rounded to the safe side.
    """
    float_v = site.rectifier.float_v
    beside_kw = curve.dc_kw(site.grid.import_limit_kw - site.control.import_margin_kw - worst_ac_load_kw(site))
    rectifier_kw = min(site.rectifier.rated_kw, max(beside_kw, *site.load.typical_dc_kw))
    rectifier_a = math.floor(rectifier_kw * 1000.0 / float_v)
    charge_a = math.floor(site.battery.max_charge_kw * 1000.0 / float_v)
    return {
        "rectifier_limit_a": rectifier_a,
        "charge_limit_a": charge_a,
        "float_v": float_v,
        "battery_setpoint_kw": site.battery.max_charge_kw,
        "safe_rectifier_limit_a": rectifier_a,
        "safe_charge_limit_a": charge_a,
        "safe_battery_setpoint_kw": site.battery.max_charge_kw,
    }
