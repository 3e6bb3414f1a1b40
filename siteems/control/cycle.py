"""One control cycle as a pure function: image, intent and limits in, one decision out, with the
reason for it.

The intent is the battery power that the plan, or a lower fallback level, requests. Bounds on that
power nest: safety (device limits, battery temperature), grid connection, backup reserve, DR event.
A lower one never widens a higher one (`siteems/control/bounds.py`). Sign: + charging,
- discharging.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from optimisation.problem.site_problem import RectifierCurve
from siteems.control import reasons
from siteems.control.backup_reserve import reserve_bound, reserve_held
from siteems.control.balancing import may_balance
from siteems.control.bounds import nest
from siteems.control.charging_permit import CHARGING_PERMITTED, ChargingPermit, next_permit
from siteems.control.decision import Decision, Drive, Release
from siteems.control.dr_battery import battery_bound
from siteems.control.hold import Hold
from siteems.control.import_cap import import_bound, peak_bound, rectifier_cap_kw
from siteems.control.intent import Intent
from siteems.control.pv_surplus import NO_PROBE, Probe, stores_surplus, with_pv_surplus
from siteems.control.safety_bound import safety_bound
from siteems.demand_response.timeline import BatteryRequest
from siteems.estimation.process_image import Image
from siteems.messages.message import Message, MessageType
from siteems.site.model import Site

LOW_BUS_V: Final = 46.0
"""Loads are disconnected from about here. A battery that cannot hold the bus above this voltage can
no longer carry the load.
"""

NEEDED: Final[Mapping[str, MessageType]] = {
    "mains_v": reasons.MAINS_VOLTAGE,
    "soc": reasons.STATE_OF_CHARGE,
    "dc_load_kw": reasons.TELECOM_LOAD,
}
"""Fields of the image without which a site is not driven, with their names in messages."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What holds in this cycle whatever the plan says."""

    reserve_soc: float
    """State of charge below which the battery serves backup only."""
    grid_limit_kw: float
    """Limit of the grid connection, AC side."""
    dr_cap_kw: float
    """Import cap of the DR events in force, AC side; infinite without one."""
    peak_kw: float = math.inf
    """Import above which the month's demand charge would rise, AC side; infinite without one."""
    holds: tuple[Hold, ...] = ()
    """Those in force, a service hold first."""
    dr_battery: BatteryRequest | None = None
    """What a DR event asks of the battery."""


@dataclass(frozen=True, slots=True)
class ControlState:
    """What one cycle hands to the next."""

    reserve_held: bool = False
    """Discharge was stopped at the reserve and is not yet allowed again."""
    charging: ChargingPermit = CHARGING_PERMITTED
    """Whether the safe values may charge the battery."""
    probe: Probe = NO_PROBE
    """The search for PV beyond what the bus takes."""


def cycle(
    image: Image,
    intent: Intent,
    limits: Limits,
    site: Site,
    curve: RectifierCurve,
    state: ControlState,
    *,
    on_bus: bool = False,
) -> tuple[Decision, ControlState]:
    """Decide, and hand on the state for the next cycle.

    `on_bus` says that the battery is commanded by the limits of the rectifiers and of its charging.
    With the first at 0 it takes what PV leaves over and gives what is missing.

    The site is released to its devices' safe values when the mains have failed, when an input that
    control needs is unknown, or when the bus voltage is too low; the reason says which.
    """
    permit = next_permit(site, image.value("battery_c"), image.steady or image.time, state.charging)
    reason = _release_reason(image)
    if reason is not None:
        return Release(reason, permit), replace(state, charging=permit)
    soc, load_kw = image.value("soc"), image.value("dc_load_kw")
    assert soc is not None
    assert load_kw is not None

    held = reserve_held(
        soc,
        limits.reserve_soc,
        site.control.reserve_recovery_soc,
        before=state.reserve_held,
    )
    # Unknown PV counts as none: then every bound below errs to the safe side.
    pv_kw = image.value("pv_kw") or 0.0
    grid_cap_kw = rectifier_cap_kw(image, limits.grid_limit_kw, site, curve)
    dr_cap_kw = rectifier_cap_kw(image, limits.dr_cap_kw, site, curve)
    grid = import_bound("grid-connection", grid_cap_kw, load_kw, pv_kw, reasons.GRID_CONNECTION())
    dr_event = import_bound(
        "dr-event", dr_cap_kw, load_kw, pv_kw, reasons.DR_CAP(cap_kw=limits.dr_cap_kw)
    )
    reserve = reserve_bound(soc, limits.reserve_soc, site, held=held)
    safety = safety_bound(image, soc, site)
    service = [hold.bound() for hold in limits.holds if hold.service]
    operators = [hold.bound() for hold in limits.holds if not hold.service]
    dr_events = [dr_event]
    if limits.dr_battery is not None:
        asked = battery_bound(limits.dr_battery, soc, image.time, site.battery)
        dr_events.insert(0 if limits.dr_battery.before_caps else 1, asked)
    bounds = [safety, grid, reserve, *service, *dr_events, *operators]
    if limits.peak_kw < math.inf:
        bounds.append(peak_bound(image, limits.peak_kw, load_kw, pv_kw, site, curve))
    allowed = nest(bounds)
    balances, wanted_kw, probe = False, intent.battery_kw, NO_PROBE
    if limits.holds or limits.dr_battery is not None:
        pass  # held at one power, it takes no surplus either
    elif on_bus and may_balance(soc, limits.reserve_soc, load_kw, site):
        balances = intent.balances or stores_surplus(intent.battery_kw, pv_kw - load_kw, image)
        if balances:
            wanted_kw = pv_kw - load_kw
    else:
        wanted_kw, probe = with_pv_surplus(intent.battery_kw, image, state.probe)
    battery_kw, limited_by = allowed.nearest(wanted_kw)
    if limited_by is not None:
        reason = limited_by.reason
    elif limits.holds:
        reason = limits.holds[0].bound().reason
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
        # Without import, no import bound applies to what it may charge.
        balance_kw=safety.high_kw if balances and limited_by is None else None,
        probing=probe.step_kw > 0.0,
        charging=permit,
    )
    return decision, ControlState(held, permit, probe)


def missing_inputs(image: Image, fields: Iterable[str]) -> tuple[Message, ...]:
    """Those of these fields of `NEEDED` that are unknown now, as messages."""
    return tuple(NEEDED[name]() for name in fields if image.value(name) is None)


def _release_reason(image: Image) -> Message | None:
    """Why the site cannot be driven now; none when it can."""
    if image.mains_ok is False:
        return reasons.RELEASE_MAINS_FAILED()
    if missing := missing_inputs(image, NEEDED):
        return reasons.RELEASE_NOT_MEASURED(missing=missing)
    bus_v = image.value("bus_v")
    if bus_v is not None and bus_v < LOW_BUS_V:
        return reasons.RELEASE_LOW_BUS(bus_v=bus_v)
    return None
