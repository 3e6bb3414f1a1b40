"""The physics of one site: the -48 V bus, its sources, battery and shelter. Pure: time and
surroundings are handed in.

Batteries behave in one of two ways, which follows from the command that the site's devices take. A
battery directly on the bus takes or gives what its voltage and resistance and the rectifiers'
voltage and limits leave over. A battery with a converter of its own follows its setpoint. In both,
PV feeds the bus first.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import numpy as np

from drivers.points import FORCED_CHARGE, FORCED_DISCHARGE
from drivers.roles import BatteryCommand
from siteems.control.charging_permit import first_permit
from siteems.control.safe_state import safe_values, without_charging
from siteems.recordings.profile import Instant
from siteems.simulation.piecewise_linear import PiecewiseLinear
from siteems.simulation.plant_state import Flows, Lease, Meters, Setpoints
from siteems.site.assets import battery_command_of, rectifier_curve
from siteems.site.model import Rectifier, Site

MAX_STEP = timedelta(seconds=5)
"""Small against the minutes in which battery and room change, and as often as devices are read."""
BASE_AC_KW = 0.12
"""Lighting and fans of the shelter, AC side."""
MAINS_V = 225.0
OHMS = 4.0
"""Volts per C-rate (kW per rated kWh): about 0.4 V at a tenth of C, by internal resistance."""
REST_V = {"lead-carbon": (46.8, 51.6), "lfp": (48.8, 53.0)}
"""Rest voltage of an empty and of a full string: 24 lead cells, or 16 lithium cells, whose curve is
taken as a straight line over the useful SoC.
"""
LVD_SOC = 0.02
"""The low-voltage disconnect opens here; the load is not served beyond."""
BUS_V_ITERATIONS = 3
"""A battery's resistance is so small that the bus voltage settles to a millivolt by then."""
COOLING_PER_K = 1.5
"""kW of additional cooling for each kelvin above the setpoint of the room."""
ON_BUS: tuple[BatteryCommand, ...] = ("rectifier_current", "rectifier_voltage")
"""Commands of a battery directly on the bus; all others are those of a converter."""


@dataclass
class Plant:
    """The simulated site. `advance_to` integrates in steps of at most `max_step`."""

    site: Site
    surroundings: Callable[[datetime], Instant]
    time: datetime
    soc: float
    command: BatteryCommand
    room_c: float = 26.0
    max_step: timedelta = MAX_STEP
    setpoints: Setpoints = field(init=False)
    safe: Setpoints = field(init=False)
    """What the setpoints fall back to, as an installer leaves a site."""
    leases: dict[str, Lease] = field(default_factory=dict)
    """By device."""
    meters: Meters = field(default_factory=Meters)
    _flows: Flows | None = None
    _genset_on: bool = False

    def __post_init__(self) -> None:
        battery = self.site.battery
        values = safe_values(self.site, rectifier_curve(self.site))
        if not first_permit(self.site).stored:
            values = without_charging(values)
        self.safe = Setpoints(
            **{name: values[name] for name in Setpoints.__annotations__ if name in values}
        )
        self.setpoints = Setpoints(**vars(self.safe))
        self._rectifier_ac = rectifier_input(self.site.rectifier)
        self._rectifier_dc = self._rectifier_ac.inverse()
        self._acceptance = PiecewiseLinear(*np.array(battery.acceptance).T)
        self._on_bus = self.command in ON_BUS
        self._empty_v, self._full_v = REST_V[battery.chemistry]

    @property
    def flows(self) -> Flows:
        """The flows at the time reached, computed on first use after an `advance_to`."""
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
            flows = self._balance(self.surroundings(self.time))
            self._integrate(flows, step.total_seconds() / 3600.0)
            self.time += step
        self._flows = None

    def _fall_back(self, lease: Lease) -> None:
        for point in lease.points:
            setattr(self.setpoints, point, getattr(self.safe, point))
        lease.refreshed = None
        self.meters.fallbacks += 1

    def _balance(self, now: Instant) -> Flows:
        """The flows that follow from state, setpoints and surroundings."""
        set_, load = self.setpoints, now.dc_load_kw
        supply = now.mains_ok or self._genset_on
        pv_max = min(now.pv_available_kw, set_.pv_limit_kw)
        discharge_max = self.site.battery.max_discharge_kw if self.soc > LVD_SOC else 0.0
        charge_max, asked = self._battery_request(pv_max - load, discharge_max, now, supply)
        pv = min(pv_max, max(0.0, load + charge_max))
        rectifier_max = self._rectifier_max(pv - load) if supply else 0.0
        rectifier = min(max(load + asked - pv, 0.0), rectifier_max)
        battery = pv + rectifier - load  # the battery takes or gives what is left
        unserved = max(0.0, -battery - discharge_max)
        battery += unserved
        ac_load = self._ac_load(now) if supply else 0.0
        rectifier_ac = self._rectifier_ac.at(rectifier) if supply else 0.0
        total_ac = rectifier_ac + ac_load
        limited = rectifier >= rectifier_max - 1e-9 and battery < 0
        return Flows(
            dc_load_kw=load - unserved,
            unserved_kw=unserved,
            pv_kw=pv,
            pv_available_kw=now.pv_available_kw,
            rectifier_dc_kw=rectifier,
            rectifier_ac_kw=rectifier_ac,
            battery_kw=battery,
            ac_load_kw=ac_load,
            grid_import_kw=total_ac if now.mains_ok else 0.0,
            genset_kw=total_ac if self._genset_on and not now.mains_ok else 0.0,
            bus_v=self._terminal_v(battery) if limited or not supply else set_.float_v,
            outdoor_c=now.outdoor_c,
            mains_ok=now.mains_ok,
        )

    def _battery_request(
        self, surplus_kw: float, discharge_max: float, now: Instant, supply: bool
    ) -> tuple[float, float]:
        """The most that the battery can take, and what it is asked to take (+) or give (-), kW at
        the bus. `surplus_kw` is the PV power beyond the load.
        """
        accepted = self._acceptance.at(self.soc) if self.soc < 1.0 else 0.0
        if self._on_bus:
            set_ = self.setpoints
            charge_max = min(accepted, set_.charge_limit_a * set_.float_v / 1000.0)
            drawn = (set_.float_v - self._rest_v()) * self.site.battery.rated_kwh / OHMS
            return charge_max, max(-discharge_max, min(drawn, charge_max))
        if not supply:
            return accepted, 0.0
        asked = min(max(self._converter_kw(surplus_kw, now), -discharge_max), accepted)
        return asked, asked

    def _converter_kw(self, surplus_kw: float, now: Instant) -> float:
        """What its setpoints ask a battery converter to take, kW, beside a surplus of PV over the
        load.
        """
        set_ = self.setpoints
        if self.command == "power_setpoint":
            return set_.battery_setpoint_kw
        if self.command == "power_limits":
            return set_.charge_limit_kw or max(-set_.discharge_limit_kw, min(surplus_kw, 0.0))
        if self.command == "grid_setpoint":
            # A setpoint of 0 is none to such a gateway: it follows its persistent one.
            grid_kw = set_.grid_setpoint_kw or self.safe.grid_setpoint_kw
            converter_ac_kw = max(0.0, grid_kw - self._ac_load(now))
            return self._rectifier_dc.at(converter_ac_kw) + surplus_kw
        if set_.forced_mode == FORCED_CHARGE:
            return set_.forced_kw
        if set_.forced_mode == FORCED_DISCHARGE:
            return -set_.forced_kw
        return surplus_kw  # not forced, it stores surplus PV and carries the load

    def _rectifier_max(self, others_kw: float) -> float:
        """The most that the rectifiers' current limit lets through, kW, beside `others_kw` (PV less
        load).

        That is at float voltage, unless the battery must help: then the bus voltage follows from
        what the battery gives.
        """
        limit_ka, rated_kw = self.setpoints.rectifier_limit_a / 1000.0, self.site.rectifier.rated_kw
        most_kw = min(rated_kw, limit_ka * self.setpoints.float_v)
        if most_kw + others_kw < 0:
            for _ in range(BUS_V_ITERATIONS):
                most_kw = min(rated_kw, limit_ka * self._terminal_v(most_kw + others_kw))
        return most_kw

    def _integrate(self, flows: Flows, hours: float) -> None:
        """Move battery, meters, room and genset on by a time with constant flows."""
        battery = self.site.battery
        if flows.battery_kw >= 0:
            gained = flows.battery_kw * battery.charge_efficiency * hours
        else:
            gained = flows.battery_kw / battery.discharge_efficiency * hours
        self.soc = min(1.0, max(0.0, self.soc + gained / battery.capacity_kwh))
        self.meters.add(flows, hours)
        self._warm(flows, hours)
        genset = self.site.genset
        if genset is not None:
            self._genset_on = not flows.mains_ok and (
                self._genset_on or self.soc < genset.start_below_soc
            )

    def _warm(self, flows: Flows, hours: float) -> None:
        """Room temperature: heat of load and losses, and through the walls, less cooling."""
        cooler = self.site.air_conditioner
        if cooler is None:
            return
        losses_kw = flows.rectifier_ac_kw - flows.rectifier_dc_kw
        heat_kw = cooler.indoor_share * flows.dc_load_kw + losses_kw
        cooling_kw = cooler.cop * max(0.0, flows.ac_load_kw - BASE_AC_KW)
        leak_kw = cooler.heat_loss_kw_per_k * (flows.outdoor_c - self.room_c)
        self.room_c += hours * (heat_kw + leak_kw - cooling_kw) / cooler.heat_capacity_kwh_per_k

    def _ac_load(self, now: Instant) -> float:
        """AC load, kW. An air conditioner follows the room with an inverter compressor; without one
        the load is the profile's.
        """
        cooler = self.site.air_conditioner
        if cooler is None:
            return BASE_AC_KW if now.ac_load_kw is None else now.ac_load_kw
        inside_kw = cooler.indoor_share * now.dc_load_kw
        leak_kw = cooler.heat_loss_kw_per_k * (now.outdoor_c - self.room_c)
        needed_kw = (inside_kw + leak_kw) / cooler.cop
        correction_kw = (self.room_c - cooler.setpoint_c) * COOLING_PER_K / cooler.cop
        return BASE_AC_KW + min(cooler.rated_kw, max(0.0, needed_kw + correction_kw))

    def _rest_v(self) -> float:
        return self._empty_v + (self._full_v - self._empty_v) * self.soc

    def _terminal_v(self, battery_kw: float) -> float:
        return self._rest_v() + OHMS * battery_kw / self.site.battery.rated_kwh


def rectifier_input(rectifier: Rectifier) -> PiecewiseLinear:
    """AC input over DC output of the rectifiers, kW, through the points of their efficiency."""
    share, efficiency = np.array(rectifier.efficiency).T
    input_kw = share * rectifier.rated_kw / efficiency
    # Without load: what the losses of the two lowest points extrapolate to, but never a gain.
    no_load_kw = max(
        0.0, input_kw[0] - share[0] * (input_kw[1] - input_kw[0]) / (share[1] - share[0])
    )
    return PiecewiseLinear((0.0, *share * rectifier.rated_kw), (no_load_kw, *input_kw))


def make_plant(
    site: Site, surroundings: Callable[[datetime], Instant], start: datetime, start_soc: float
) -> Plant:
    """The plant of a site, whose battery takes the command of the site's devices."""
    return Plant(site, surroundings, start, start_soc, battery_command_of(site))
