"""One control cycle as a pure function: image, intent and limits in; one decision out, with the
reason for it.

Bounds on battery power nest: safety (device limits, grid connection), backup reserve, demand
response, then the plan. A lower one never widens a higher one. Sign: + charging, - discharging.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from optimisation.problem.site_problem import RectifierCurve
from siteems.control.intent import Intent
from siteems.control.safe_state import worst_ac_load_kw
from siteems.estimation.image import Image
from siteems.site.model import Site

PROBE_KW = 0.15
"""What the rectifiers keep giving while a surplus of sun is stored: below it, there may be more sun
than is seen.
"""
RESTING_KW = 0.05
"""A battery that gives less than this does not discharge."""
LOW_BUS_V = 46.0
"""Loads are disconnected from about here: a battery that holds the bus no higher cannot carry it.
"""
REBUILD_BELOW_SOC = 0.02
"""This far below the reserve it is rebuilt at once and at full power, whatever the price and
whoever calls.
"""


@dataclass(frozen=True)
class Limits:
    """What holds in this cycle whatever the plan says."""

    reserve_soc: float
    """State of charge below which the battery serves backup only."""
    grid_limit_kw: float
    """What the grid connection carries, AC side."""
    dr_cap_kw: float
    """Import cap of the demand-response calls in force, AC side; infinite = none."""


@dataclass(frozen=True)
class ControlState:
    """What one cycle hands to the next."""

    reserve_held: bool = False
    """Discharge was stopped at the reserve and is not yet allowed again."""


@dataclass(frozen=True)
class Bound:
    """A range of battery power in kW, and whose it is."""

    low_kw: float
    high_kw: float
    reason: str


@dataclass(frozen=True)
class Decision:
    """What the devices shall do until the next cycle."""

    mode: Literal["drive", "release"]
    """`release`: no economic setpoint; the devices float and stand by for backup."""
    battery_kw: float
    rectifier_cap_kw: float
    """Ceiling for the rectifiers' DC output."""
    bus_v: float
    dc_load_kw: float
    pv_kw: float
    """Bus voltage, load and photovoltaics that the decision rests on; current limits are reckoned
    from them.
    """
    reason: str
    state: ControlState
    measured_kw: float | None = None
    grid_kw: float | None = None
    """Battery and grid power as measured; some levers are moved by what they still lack."""
    import_cap_kw: float = math.inf
    """Cap of the demand-response calls in force, AC side, where the reserve has not overruled it;
    infinite = none.
    """


def cycle(
    image: Image,
    intent: Intent,
    limits: Limits,
    site: Site,
    curve: RectifierCurve,
    state: ControlState,
) -> Decision:
    """Decide. When an input is unknown the site is released to its devices' safe values, and the
    reason says it.
    """
    mains_ok = image.mains_ok
    soc, load_kw = image.value("soc"), image.value("dc_load_kw")
    if mains_ok is False:
        return _release(
            "mains failed: float voltage and full current, so that recharge starts when they return",
            state,
        )
    needed = {"mains voltage": mains_ok, "state of charge": soc, "telecom load": load_kw}
    unknown = [name for name, value in needed.items() if value is None]
    if unknown or soc is None or load_kw is None:
        return _release(f"no fresh measurement of {', '.join(unknown)}", state)

    bus_v = image.value("bus_v")
    if bus_v is not None and bus_v < LOW_BUS_V:
        return _release(
            f"bus at {bus_v:.1f} V: whatever the battery should give, the rectifiers must carry the load",
            state,
        )
    # Unknown photovoltaics count as none: then every bound below errs to the safe side.
    pv_kw = image.value("pv_kw") or 0.0
    state = ControlState(_reserve_held(soc, limits.reserve_soc, site, state))
    grid_cap_kw = _rectifier_cap(image, limits.grid_limit_kw, site, curve)
    dr_cap_kw = _rectifier_cap(image, limits.dr_cap_kw, site, curve)
    bounds = (
        _safety(image, soc, site),
        Bound(-math.inf, grid_cap_kw + pv_kw - load_kw, "grid connection"),
        _reserve(soc, limits, site, state),
        Bound(
            -math.inf,
            dr_cap_kw + pv_kw - load_kw,
            f"demand-response cap of {limits.dr_cap_kw:g} kW",
        ),
    )
    wanted_kw = _with_surplus(intent.battery_kw, image)
    reason = intent.reason if wanted_kw == intent.battery_kw else "photovoltaic surplus"
    battery_kw, reason = resolve(wanted_kw, reason, bounds)
    # A cap that the reserve has overruled must not starve the rectifiers either.
    overruled = battery_kw > bounds[3].high_kw
    rectifier_cap_kw = grid_cap_kw if overruled else min(grid_cap_kw, dr_cap_kw)
    volts = site.rectifier.float_v if bus_v is None else bus_v
    measured_kw, grid_kw = image.value("battery_kw"), image.value("grid_kw")
    import_cap_kw = math.inf if overruled else limits.dr_cap_kw
    return Decision(
        "drive",
        battery_kw,
        rectifier_cap_kw,
        volts,
        load_kw,
        pv_kw,
        reason,
        state,
        measured_kw,
        grid_kw,
        import_cap_kw,
    )


def _release(reason: str, state: ControlState) -> Decision:
    return Decision("release", 0.0, math.inf, math.nan, math.nan, math.nan, reason, state)


def _reserve_held(soc: float, reserve_soc: float, site: Site, state: ControlState) -> bool:
    """Hysteresis: stop at the reserve, go on only a little above it."""
    return soc <= reserve_soc or (
        state.reserve_held and soc < reserve_soc + site.control.reserve_recovery_soc
    )


def _rectifier_cap(image: Image, import_cap_kw: float, site: Site, curve: RectifierCurve) -> float:
    """DC output at which the site imports this much, less the margin.

    While the AC load is unknown, it is taken at its worst: the cap holds then too.
    """
    ac_load_kw = image.value("ac_load_kw")
    if ac_load_kw is None:
        ac_load_kw = worst_ac_load_kw(site)
    room_kw = import_cap_kw - site.control.import_margin_kw - ac_load_kw
    return min(site.rectifier.rated_kw, curve.dc_kw(room_kw))


def _safety(image: Image, soc: float, site: Site) -> Bound:
    battery = site.battery
    low, high, reason = -battery.max_discharge_kw, battery.max_charge_kw, "device limit"
    if soc <= battery.min_soc:
        low, reason = 0.0, f"state of charge {soc:.0%} at the battery's own minimum"
    temp_c = image.value("battery_c")
    if temp_c is None:
        # Charging frozen lithium destroys it; without a sensor, cold cannot be ruled out in a cold
        # room.
        if site.backup.coldest_c < battery.min_charge_temp_c:
            high, reason = 0.0, "battery temperature unknown: no charging"
    elif temp_c < battery.min_charge_temp_c:
        high, reason = 0.0, f"battery at {temp_c:.0f} degC, too cold to charge"
    elif temp_c > battery.max_temp_c:
        low, high, reason = 0.0, 0.0, f"battery at {temp_c:.0f} degC, too hot to cycle"
    return Bound(low, high, reason)


def _reserve(soc: float, limits: Limits, site: Site, state: ControlState) -> Bound:
    if soc < limits.reserve_soc - REBUILD_BELOW_SOC:
        return Bound(
            site.battery.max_charge_kw,
            math.inf,
            f"backup reserve is being rebuilt ({soc:.1%} of {limits.reserve_soc:.1%})",
        )
    if state.reserve_held:
        return Bound(0.0, math.inf, f"backup reserve {limits.reserve_soc:.1%} reached")
    return Bound(-math.inf, math.inf, "")


def _with_surplus(wanted_kw: float, image: Image) -> float:
    """Photovoltaics beyond the load are stored before they are curtailed.

    A throttled converter does not show what it could give, but the rectifiers do: where they stand
    nearly still, there may be more. The setpoint follows the measured battery power up until they
    give `PROBE_KW`, and down beyond that.
    """
    pv_kw, battery_kw, rectifier_kw = (
        image.value(n) for n in ("pv_kw", "battery_kw", "rectifier_dc_kw")
    )
    if pv_kw is None or pv_kw <= 0 or battery_kw is None or rectifier_kw is None:
        return wanted_kw
    if wanted_kw < 0 and battery_kw < -RESTING_KW:
        return wanted_kw  # it discharges as planned; one that rests has no load left to carry, for the sun carries it
    return max(wanted_kw, battery_kw + PROBE_KW - rectifier_kw)


def resolve(wanted_kw: float, reason: str, bounds: tuple[Bound, ...]) -> tuple[float, str]:
    """Nest the bounds, the highest first, and place the wish inside; the bound that moved it gives
    the reason.
    """
    low, low_reason, high, high_reason = -math.inf, reason, math.inf, reason
    for bound in bounds:
        # Each bound is brought inside what the higher ones left, so it can narrow but never widen.
        inner_low, inner_high = (
            min(max(bound.low_kw, low), high),
            max(min(bound.high_kw, high), low),
        )
        if inner_low > low:
            low, low_reason = inner_low, bound.reason
        if inner_high < high:
            high, high_reason = inner_high, bound.reason
    if wanted_kw < low:
        return low, low_reason
    if wanted_kw > high:
        return high, high_reason
    return wanted_kw, reason
