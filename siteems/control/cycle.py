"""One control cycle as a pure function: image, intent and limits in, one decision out, with the
reason for it.

The intent is the battery power that the plan, or a lower fallback level, wishes. Bounds on that
power nest: safety (device limits, battery temperature), grid connection, backup reserve, DR event.
A lower one never widens a higher one (`siteems/control/bounds.py`). Sign: + charging,
- discharging.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Final

from optimisation.problem.site_problem import RectifierCurve
from siteems.control import reasons
from siteems.control.bounds import Bound, nest
from siteems.control.decision import Decision, Drive, Release
from siteems.control.intent import Intent
from siteems.control.safe_state import charging_allowed, worst_ac_load_kw
from siteems.estimation.image import RESTING_KW, Image
from siteems.messages.message import Message
from siteems.site.model import Site

PROBE_KW: Final = 0.15
"""What the rectifiers keep giving while surplus PV is stored. While they give less, the PV
converter may be throttled, and there may be more PV than is measured. A higher value would import
energy for nothing; a lower one is within the error of the meters.
"""
LOW_BUS_V: Final = 46.0
"""Loads are disconnected from about here. A battery that cannot hold the bus above this voltage can
no longer carry the load.
"""
REBUILD_BELOW_SOC: Final = 0.02
"""This far below the reserve it is rebuilt at once and at full power, whatever the price and
whatever a DR event asks for.
"""


@dataclass(frozen=True, slots=True)
class Limits:
    """What holds in this cycle whatever the plan says."""

    reserve_soc: float
    """State of charge below which the battery serves backup only."""
    grid_limit_kw: float
    """What the grid connection carries, AC side."""
    dr_cap_kw: float
    """Import cap of the DR events in force, AC side; infinite without one."""


@dataclass(frozen=True, slots=True)
class ControlState:
    """What one cycle hands to the next."""

    reserve_held: bool = False
    """Discharge was stopped at the reserve and is not yet allowed again."""
    charging_allowed: bool = True
    """The safe values may charge the battery: it is neither too cold nor too hot."""


def cycle(
    image: Image,
    intent: Intent,
    limits: Limits,
    site: Site,
    curve: RectifierCurve,
    state: ControlState,
) -> tuple[Decision, ControlState]:
    """Decide, and hand on the state for the next cycle.

    The site is released to its devices' safe values when the mains have failed, when an input that
    control needs is unknown, or when the bus voltage is too low; the reason says which.
    """
    may_charge = charging_allowed(
        site.battery, image.value("battery_c"), before=state.charging_allowed
    )
    reason = _release_reason(image)
    if reason is not None:
        return Release(reason, may_charge), replace(state, charging_allowed=may_charge)
    soc, load_kw = image.value("soc"), image.value("dc_load_kw")
    assert soc is not None
    assert load_kw is not None

    state = ControlState(_reserve_held(soc, limits.reserve_soc, site, state), may_charge)
    # Unknown PV counts as none: then every bound below errs to the safe side.
    pv_kw = image.value("pv_kw") or 0.0
    grid_cap_kw = _rectifier_cap(image, limits.grid_limit_kw, site, curve)
    dr_cap_kw = _rectifier_cap(image, limits.dr_cap_kw, site, curve)
    grid = Bound(
        "grid-connection", -math.inf, grid_cap_kw + pv_kw - load_kw, reasons.GRID_CONNECTION()
    )
    dr_event = Bound(
        "dr-event",
        -math.inf,
        dr_cap_kw + pv_kw - load_kw,
        reasons.DR_CAP(cap_kw=limits.dr_cap_kw),
    )
    allowed = nest((_safety(image, soc, site), grid, _reserve(soc, limits, site, state), dr_event))
    wanted_kw = _with_surplus(intent.battery_kw, image)
    battery_kw, limited_by = allowed.nearest(wanted_kw)
    if limited_by is not None:
        reason = limited_by.reason
    elif wanted_kw != intent.battery_kw:
        reason = reasons.PV_SURPLUS()
    else:
        reason = intent.reason
    # Where a higher bound has overruled the DR cap, it must not limit the rectifiers either.
    overruled = battery_kw > dr_event.high_kw
    bus_v = image.value("bus_v")
    decision = Drive(
        battery_kw=battery_kw,
        rectifier_cap_kw=grid_cap_kw if overruled else min(grid_cap_kw, dr_cap_kw),
        bus_v=site.rectifier.float_v if bus_v is None else bus_v,
        dc_load_kw=load_kw,
        pv_kw=pv_kw,
        reason=reason,
        measured_kw=image.value("battery_kw"),
        grid_kw=image.value("grid_kw"),
        import_cap_kw=math.inf if overruled else limits.dr_cap_kw,
        charging_allowed=may_charge,
    )
    return decision, state


def _release_reason(image: Image) -> Message | None:
    """Why the site cannot be driven now; none when it can."""
    if image.mains_ok is False:
        return reasons.RELEASE_MAINS_FAILED()
    needed = (
        (reasons.MAINS_VOLTAGE, image.mains_ok),
        (reasons.STATE_OF_CHARGE, image.value("soc")),
        (reasons.TELECOM_LOAD, image.value("dc_load_kw")),
    )
    missing = tuple(quantity() for quantity, value in needed if value is None)
    if missing:
        return reasons.RELEASE_NOT_MEASURED(missing=missing)
    bus_v = image.value("bus_v")
    if bus_v is not None and bus_v < LOW_BUS_V:
        return reasons.RELEASE_LOW_BUS(bus_v=bus_v)
    return None


def _reserve_held(soc: float, reserve_soc: float, site: Site, state: ControlState) -> bool:
    """Hysteresis: discharge stops at the reserve and is allowed again only a little above it."""
    return soc <= reserve_soc or (
        state.reserve_held and soc < reserve_soc + site.control.reserve_recovery_soc
    )


def _rectifier_cap(image: Image, import_cap_kw: float, site: Site, curve: RectifierCurve) -> float:
    """DC output of the rectifiers at which the site imports this much, less the margin.

    An unknown AC load counts at its worst, so that the cap holds then too.
    """
    ac_load_kw = image.value("ac_load_kw")
    if ac_load_kw is None:
        ac_load_kw = worst_ac_load_kw(site)
    room_kw = import_cap_kw - site.control.import_margin_kw - ac_load_kw
    return min(site.rectifier.rated_kw, curve.dc_kw(room_kw))


def _safety(image: Image, soc: float, site: Site) -> Bound:
    battery = site.battery
    low, high, reason = -battery.max_discharge_kw, battery.max_charge_kw, reasons.DEVICE_LIMIT()
    if soc <= battery.min_soc:
        low, reason = 0.0, reasons.SOC_AT_MINIMUM(soc=soc)
    temp_c = image.value("battery_c")
    if temp_c is None:
        # Charging frozen lithium destroys it, and without a sensor a cold room cannot be excluded.
        if site.backup.coldest_c < battery.min_charge_temp_c:
            high, reason = 0.0, reasons.TEMPERATURE_UNKNOWN()
    elif temp_c < battery.min_charge_temp_c:
        high, reason = 0.0, reasons.TOO_COLD(battery_c=temp_c)
    elif temp_c > battery.max_temp_c:
        low, high, reason = 0.0, 0.0, reasons.TOO_HOT(battery_c=temp_c)
    return Bound("safety", low, high, reason)


def _reserve(soc: float, limits: Limits, site: Site, state: ControlState) -> Bound:
    if soc < limits.reserve_soc - REBUILD_BELOW_SOC:
        return Bound(
            "backup-reserve",
            site.battery.max_charge_kw,
            math.inf,
            reasons.RESERVE_REBUILT(soc=soc, reserve_soc=limits.reserve_soc),
        )
    if state.reserve_held:
        reason = reasons.RESERVE_REACHED(reserve_soc=limits.reserve_soc)
        return Bound("backup-reserve", 0.0, math.inf, reason)
    return Bound("backup-reserve", -math.inf, math.inf, reasons.RESERVE_FREE())


def _with_surplus(wanted_kw: float, image: Image) -> float:
    """The wish, raised so that PV beyond the load is stored before it is curtailed.

    A throttled PV converter does not show what it could give. But when the rectifiers give almost
    nothing, PV carries the load, and there may be more of it. So the setpoint follows the measured
    battery power: up until the rectifiers give `PROBE_KW`, and down when they give more.
    """
    pv_kw, battery_kw, rectifier_kw = (
        image.value(n) for n in ("pv_kw", "battery_kw", "rectifier_dc_kw")
    )
    if pv_kw is None or pv_kw <= 0 or battery_kw is None or rectifier_kw is None:
        return wanted_kw
    if wanted_kw < 0 and battery_kw < -RESTING_KW:
        # It discharges as planned. A battery that is to discharge and rests has no load left to
        # carry, because PV carries it.
        return wanted_kw
    return max(wanted_kw, battery_kw + PROBE_KW - rectifier_kw)
