"""The physics of one site: the -48 V bus, its sources, battery and shelter. Pure: time and
surroundings are handed in.

Two kinds of battery behave differently (domain: rectifier levers and smart lithium). One that sits
on the bus takes or gives what its voltage and resistance and the rectifiers' voltage and limits
leave over. One with a converter of its own does what it is told, in the way that its devices can be
told (`kind`). In all, the photovoltaics feed the bus first.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

import numpy as np

from drivers.points import FORCED_CHARGE, FORCED_DISCHARGE
from drivers.roles import BatteryCommand
from siteems.control.safe_state import safe_values
from siteems.recordings.profile import Instant
from siteems.simulation.piecewise import Line
from siteems.site.assets import battery_command_of, rectifier_curve
from siteems.site.model import Site

MAX_STEP = timedelta(seconds=5)
BASE_AC_KW = 0.12
"""Lighting and fans of the shelter, AC side."""
MAINS_V = 225.0
OHMS = 4.0
"""Volts over the C-rate, kW per rated kWh: about 0.4 V at a tenth of C, by internal resistance."""
LVD_SOC = 0.02
"""The low-voltage disconnect opens here: what the load wants beyond is not served."""


Kind = Literal["levers", "setpoint", "forced", "limits", "grid"]
"""How the battery is commanded; `levers` is one on the bus, the others have a converter."""


@dataclass
class Setpoints:
    """What the devices hold; the names are those of the register maps' points."""

    rectifier_limit_a: float
    charge_limit_a: float
    float_v: float
    battery_setpoint_kw: float
    """A converter follows this, or one of the next, while the mains are there and carries the bus
    when they are not.
    """
    charge_limit_kw: float
    discharge_limit_kw: float
    forced_kw: float
    forced_mode: float
    grid_setpoint_kw: float
    pv_limit_kw: float = math.inf


@dataclass
class Lease:
    """The dead-man timer of a device: its setpoints fall back when nothing came for `timeout_s`. 0
    = never claimed.
    """

    points: tuple[str, ...]
    timeout_s: float = 0.0
    refreshed: datetime | None = None

    def expired(self, now: datetime) -> bool:
        """Whether the setpoints of this device must fall back now."""
        return (
            self.timeout_s > 0
            and self.refreshed is not None
            and (now - self.refreshed).total_seconds() > self.timeout_s
        )


@dataclass(frozen=True)
class Flows:
    """What flows at one moment, kW; directions in the names."""

    dc_load_kw: float
    unserved_kw: float
    pv_kw: float
    pv_available_kw: float
    rectifier_dc_kw: float
    rectifier_ac_kw: float
    battery_kw: float
    ac_load_kw: float
    grid_import_kw: float
    genset_kw: float
    bus_v: float
    outdoor_c: float
    mains_ok: bool


@dataclass
class Meters:
    """Counters that only go up, kWh, and times."""

    import_kwh: float = 0.0
    pv_kwh: float = 0.0
    pv_available_kwh: float = 0.0
    charged_kwh: float = 0.0
    discharged_kwh: float = 0.0
    """Of the battery at the bus, like the two before."""
    dc_load_kwh: float = 0.0
    ac_load_kwh: float = 0.0
    mains_h: float = 0.0
    unserved_kwh: float = 0.0
    fallbacks: int = 0
    """How often a lease ran out."""


@dataclass
class Plant:
    """The simulated site. `advance_to` integrates in steps of at most `max_step`."""

    site: Site
    surroundings: Callable[[datetime], Instant]
    time: datetime
    soc: float
    kind: Kind
    room_c: float = 26.0
    max_step: timedelta = MAX_STEP
    setpoints: Setpoints = field(init=False)
    safe: Setpoints = field(init=False)
    leases: dict[str, Lease] = field(default_factory=dict)
    meters: Meters = field(default_factory=Meters)
    _flows: Flows | None = None
    _genset_on: bool = False

    def __post_init__(self) -> None:
        battery, rectifier = self.site.battery, self.site.rectifier
        values = safe_values(self.site, rectifier_curve(self.site))  # as an installer leaves a site
        self.safe = Setpoints(
            **{name: values[name] for name in Setpoints.__annotations__ if name in values}
        )
        self.setpoints = Setpoints(**vars(self.safe))
        share, efficiency = np.array(rectifier.efficiency).T
        input_kw = share * rectifier.rated_kw / efficiency
        # Without load, what the losses of the two lowest points extrapolate to, but never a gain.
        no_load = max(
            0.0, input_kw[0] - share[0] * (input_kw[1] - input_kw[0]) / (share[1] - share[0])
        )
        self._rectifier_ac = Line((0.0, *share * rectifier.rated_kw), (no_load, *input_kw))
        self._rectifier_dc = self._rectifier_ac.inverted()
        self._acceptance = Line(*np.array(battery.acceptance).T)

    @property
    def flows(self) -> Flows:
        """What flows at the time reached; worked out at the first look after an `advance_to`."""
        if self._flows is None:
            self._flows = self._balance(self.surroundings(self.time))
        return self._flows

    @property
    def stored_kwh(self) -> float:
        """Energy in the battery."""
        return self.soc * self.site.battery.capacity_kwh

    def advance_to(self, now: datetime) -> None:
        """Integrate up to `now`; an earlier time changes nothing."""
        while self.time < now:
            step = min(self.max_step, now - self.time)
            for lease in self.leases.values():
                if lease.expired(self.time):
                    self._fall_back(lease)
            self._integrate(
                self._balance(self.surroundings(self.time)), step.total_seconds() / 3600.0
            )
            self.time += step
        self._flows = None

    def _fall_back(self, lease: Lease) -> None:
        for point in lease.points:
            setattr(self.setpoints, point, getattr(self.safe, point))
        lease.refreshed = None
        self.meters.fallbacks += 1

    def _balance(self, now: Instant) -> Flows:
        """The flows that follow from state, setpoints and surroundings."""
        site, set_ = self.site, self.setpoints
        battery = site.battery
        supply = now.mains_ok or self._genset_on
        pv_max = min(now.pv_available_kw, set_.pv_limit_kw)
        accept = self._acceptance.at(self.soc) if self.soc < 1.0 else 0.0
        discharge_max = battery.max_discharge_kw if self.soc > LVD_SOC else 0.0
        load = now.dc_load_kw

        if self.kind == "levers":
            charge_max = min(accept, set_.charge_limit_a * set_.float_v / 1000.0)
            drawn = (set_.float_v - self._open_circuit_v()) * battery.rated_kwh / OHMS
            wanted = max(-discharge_max, min(drawn, charge_max))
        elif supply:
            told = self._told(pv_max - load, now)
            charge_max = wanted = min(max(told, -discharge_max), accept)
        else:
            charge_max, wanted = accept, 0.0
        pv = min(pv_max, max(0.0, load + charge_max))
        rectifier_max = self._rectifier_max(pv - load) if supply else 0.0
        rectifier = min(max(load + wanted - pv, 0.0), rectifier_max)
        flow = pv + rectifier - load  # what the battery takes (+) or must give (-)
        unserved = max(0.0, -flow - discharge_max)
        flow += unserved
        ac_load = self._ac_load(now) if supply else 0.0
        rectifier_ac = self._rectifier_ac.at(rectifier) if supply else 0.0
        total_ac = rectifier_ac + ac_load
        limited = rectifier >= rectifier_max - 1e-9 and flow < 0
        return Flows(
            dc_load_kw=load - unserved,
            unserved_kw=unserved,
            pv_kw=pv,
            pv_available_kw=now.pv_available_kw,
            rectifier_dc_kw=rectifier,
            rectifier_ac_kw=rectifier_ac,
            battery_kw=flow,
            ac_load_kw=ac_load,
            grid_import_kw=total_ac if now.mains_ok else 0.0,
            genset_kw=total_ac if self._genset_on and not now.mains_ok else 0.0,
            bus_v=self._terminal_v(flow) if limited or not supply else set_.float_v,
            outdoor_c=now.outdoor_c,
            mains_ok=now.mains_ok,
        )

    def _told(self, surplus_kw: float, now: Instant) -> float:
        """What a battery with a converter is told to take, beside a surplus of the sun over the
        load, kW.
        """
        set_ = self.setpoints
        if self.kind == "setpoint":
            return set_.battery_setpoint_kw
        if self.kind == "limits":
            return set_.charge_limit_kw or max(-set_.discharge_limit_kw, min(surplus_kw, 0.0))
        if self.kind == "grid":
            converter_ac = max(0.0, set_.grid_setpoint_kw - self._ac_load(now))
            return self._rectifier_dc.at(converter_ac) + surplus_kw
        ways = {FORCED_CHARGE: set_.forced_kw, FORCED_DISCHARGE: -set_.forced_kw}
        return ways.get(
            set_.forced_mode, surplus_kw
        )  # left alone, it stores the sun and carries the load

    def _rectifier_max(self, others_kw: float) -> float:
        """What the rectifiers' current limit lets through beside `others_kw` (photovoltaics less
        load), kW.

        That is at float voltage, unless the battery must help: then the voltage follows from what
        the battery gives.
        """
        limit_ka = self.setpoints.rectifier_limit_a / 1000.0
        bus_v = self.setpoints.float_v
        if limit_ka * bus_v + others_kw < 0:
            for _ in range(
                3
            ):  # a battery's resistance is so small that this settles to a millivolt
                bus_v = self._terminal_v(limit_ka * bus_v + others_kw)
        return min(self.site.rectifier.rated_kw, limit_ka * bus_v)

    def _integrate(self, flows: Flows, hours: float) -> None:
        battery = self.site.battery
        if flows.battery_kw >= 0:
            gained = flows.battery_kw * battery.charge_efficiency * hours
        else:
            gained = flows.battery_kw / battery.discharge_efficiency * hours
        self.soc = min(1.0, max(0.0, self.soc + gained / battery.capacity_kwh))
        self.meters.import_kwh += flows.grid_import_kw * hours
        meters = self.meters
        meters.pv_kwh += flows.pv_kw * hours
        meters.pv_available_kwh += flows.pv_available_kw * hours
        meters.charged_kwh += max(0.0, flows.battery_kw) * hours
        meters.discharged_kwh += max(0.0, -flows.battery_kw) * hours
        meters.dc_load_kwh += flows.dc_load_kw * hours
        meters.ac_load_kwh += flows.ac_load_kw * hours
        meters.mains_h += hours * flows.mains_ok
        meters.unserved_kwh += flows.unserved_kw * hours
        self._warm(flows, hours)
        genset = self.site.genset
        if genset is not None:
            self._genset_on = not flows.mains_ok and (
                self._genset_on or self.soc < genset.start_below_soc
            )

    def _warm(self, flows: Flows, hours: float) -> None:
        cooler = self.site.air_conditioner
        if cooler is None:
            return
        losses_kw = flows.rectifier_ac_kw - flows.rectifier_dc_kw
        heat_kw = cooler.indoor_share * flows.dc_load_kw + losses_kw
        cooling_kw = cooler.cop * max(0.0, flows.ac_load_kw - BASE_AC_KW)
        leak_kw = cooler.heat_loss_kw_per_k * (flows.outdoor_c - self.room_c)
        self.room_c += hours * (heat_kw + leak_kw - cooling_kw) / cooler.heat_capacity_kwh_per_k

    def _ac_load(self, now: Instant) -> float:
        """The air conditioner follows the room with an inverter compressor; without one, the
        profile decides.
        """
        cooler = self.site.air_conditioner
        if cooler is None:
            return BASE_AC_KW if now.ac_load_kw is None else now.ac_load_kw
        inside_kw = cooler.indoor_share * now.dc_load_kw
        needed_kw = (
            inside_kw + cooler.heat_loss_kw_per_k * (now.outdoor_c - self.room_c)
        ) / cooler.cop
        correction_kw = (self.room_c - cooler.setpoint_c) * 1.5 / cooler.cop
        return BASE_AC_KW + min(cooler.rated_kw, max(0.0, needed_kw + correction_kw))

    def _open_circuit_v(self) -> float:
        """Rest voltage of a 24-cell lead or a 16-cell lithium string: a straight line over the
        useful SoC.
        """
        low, high = (46.8, 51.6) if self.site.battery.chemistry == "lead-carbon" else (48.8, 53.0)
        return low + (high - low) * self.soc

    def _terminal_v(self, battery_kw: float) -> float:
        return self._open_circuit_v() + OHMS * battery_kw / self.site.battery.rated_kwh


KINDS: Mapping[BatteryCommand, Kind] = {
    "power_setpoint": "setpoint",
    "forced_power": "forced",
    "grid_setpoint": "grid",
    "rectifier_current": "levers",
    "power_limits": "limits",
    "rectifier_voltage": "levers",
}


def make_plant(
    site: Site, surroundings: Callable[[datetime], Instant], start: datetime, start_soc: float
) -> Plant:
    """The plant of a site, with the kind of battery that its device maps can command."""
    return Plant(site, surroundings, start, start_soc, KINDS[battery_command_of(site)])
