"""The physics of the simulated site: energy is conserved at each step, limits hold, setpoints move
the battery.
"""

from __future__ import annotations

from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from drivers.roles import BatteryCommand
from siteems.config.seeds import seed_path
from siteems.recordings.profile import Instant
from siteems.simulation.plant import LVD_SOC, MAX_STEP, OHMS, REST_V, Plant, make_plant
from siteems.simulation.scenario import demo_scenario
from siteems.site.model import Site
from siteems.site.read_file import load_site

START = datetime(2026, 7, 15, 4, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
SITES = {name: load_site(seed_path(name)) for name in ("hangzhou-macro", "rural-lfp")}
COMMANDS: dict[str, BatteryCommand] = {
    "hangzhou-macro": "rectifier_current",
    "rural-lfp": "power_setpoint",
}

instants = st.builds(
    Instant,
    dc_load_kw=st.floats(0, 14),
    pv_available_kw=st.one_of(st.just(0.0), st.floats(0, 8)),
    ac_load_kw=st.one_of(st.none(), st.floats(0, 3)),
    outdoor_c=st.floats(-20, 45),
    mains_ok=st.booleans(),
)


def plant_in(name: str, surroundings: Instant, soc: float) -> Plant:
    return Plant(SITES[name], lambda _: surroundings, START, soc, COMMANDS[name])


def calm(dc_load_kw: float = 3.0, pv_kw: float = 0.0, mains_ok: bool = True) -> Instant:
    return Instant(dc_load_kw, pv_kw, None, 26.0, mains_ok)


def settled(plant: Plant, **setpoints: float) -> Plant:
    """The plant with these setpoints in force at this moment."""
    plant.setpoints = replace(plant.setpoints, **setpoints)
    plant.advance_to(plant.time)
    return plant


# The current limit is above the load at float voltage, but the shelf's rating is not: the battery
# helps, so the bus is lower and the same power needs more current.
@example("hangzhou-macro", calm(12.125), 1.0, 227.0, 0.0, 0.0, np.inf, False)
@example("hangzhou-macro", calm(13.5, 1.2), 0.7, 231.0, 50.0, 0.0, np.inf, False)
@example("rural-lfp", calm(9.3), 0.4, 180.0, 0.0, 0.0, np.inf, False)
@example("rural-lfp", calm(9.125, mains_ok=False), 1.0, 169.0, 0.0, 0.0, np.inf, True)
@given(
    st.sampled_from(sorted(SITES)),
    instants,
    st.floats(0, 1),
    st.floats(0, 250),
    st.floats(0, 250),
    st.floats(-9, 9),
    st.one_of(st.just(np.inf), st.floats(0, 8)),
    st.booleans(),
)
def test_energy_is_conserved_and_limits_hold(
    name: str,
    now: Instant,
    soc: float,
    rectifier_a: float,
    charge_a: float,
    setpoint_kw: float,
    pv_limit_kw: float,
    genset_on: bool,
) -> None:
    plant = plant_in(name, now, soc)
    plant._genset_on = genset_on and plant.site.genset is not None and not now.mains_ok
    settled(
        plant,
        rectifier_limit_a=rectifier_a,
        charge_limit_a=charge_a,
        battery_setpoint_kw=setpoint_kw,
        pv_limit_kw=pv_limit_kw,
    )
    site, battery, flows = plant.site, plant.site.battery, plant.flows
    close = pytest.approx

    assert flows.pv_kw + flows.rectifier_dc_kw == close(
        flows.dc_load_kw + flows.battery_kw, abs=1e-9
    )
    assert flows.dc_load_kw + flows.unserved_kw == close(now.dc_load_kw, abs=1e-9)
    assert flows.grid_import_kw + flows.genset_kw == close(
        flows.rectifier_ac_kw + flows.ac_load_kw, abs=1e-9
    )
    assert flows.rectifier_ac_kw >= flows.rectifier_dc_kw
    for kw in asdict(flows).keys() - {"battery_kw", "outdoor_c", "mains_ok"}:
        assert getattr(flows, kw) >= 0, kw

    accepted_kw = float(np.interp(soc, *np.array(battery.acceptance).T)) if soc < 1 else 0.0
    assert -battery.max_discharge_kw - 1e-9 <= flows.battery_kw <= accepted_kw + 1e-9
    assert flows.battery_kw >= -1e-9 or soc > LVD_SOC
    assert flows.pv_kw <= min(now.pv_available_kw, pv_limit_kw) + 1e-9
    assert (
        flows.rectifier_dc_kw
        <= min(site.rectifier.rated_kw, rectifier_a * flows.bus_v / 1000) + 1e-3
    )
    if not now.mains_ok:
        assert flows.grid_import_kw == 0
        assert flows.rectifier_dc_kw == 0 or flows.genset_kw > 0
    if flows.unserved_kw > 1e-9:
        assert flows.battery_kw == close(
            -battery.max_discharge_kw if soc > LVD_SOC else 0.0, abs=1e-9
        )

    before_kwh, hours = plant.stored_kwh, MAX_STEP / HOUR
    plant.advance_to(START + MAX_STEP)
    efficiency = (
        battery.charge_efficiency if flows.battery_kw >= 0 else 1 / battery.discharge_efficiency
    )
    stored_kwh = min(battery.capacity_kwh, before_kwh + flows.battery_kw * efficiency * hours)
    assert plant.stored_kwh == close(stored_kwh, abs=1e-9)
    assert plant.meters.import_kwh == close(flows.grid_import_kw * hours)
    assert plant.meters.pv_kwh == close(flows.pv_kw * hours)
    assert plant.meters.unserved_kwh == close(flows.unserved_kw * hours)


@pytest.mark.parametrize("name", sorted(SITES))
def test_a_day_in_one_call_is_the_same_as_in_many(name: str) -> None:
    folder = seed_path(name)
    scenario = demo_scenario(SITES[name], folder)
    plants = [
        make_plant(SITES[name], scenario.at, scenario.start, scenario.start_soc) for _ in range(2)
    ]
    for plant in plants:
        settled(plant, rectifier_limit_a=40.0, battery_setpoint_kw=-1.2)
    plants[0].advance_to(scenario.end)
    while plants[1].time < scenario.end:
        plants[1].advance_to(plants[1].time + timedelta(minutes=1))
    one, many = plants
    assert one.meters.import_kwh > 5
    assert (one.soc, one.room_c, one.meters, one.flows) == (
        many.soc,
        many.room_c,
        many.meters,
        many.flows,
    )


def test_an_earlier_time_changes_nothing() -> None:
    plant = settled(plant_in("hangzhou-macro", calm(), 0.5), rectifier_limit_a=20.0)
    plant.advance_to(START + HOUR)
    state = (plant.time, plant.soc, replace(plant.meters), plant.flows)
    plant.advance_to(START)
    assert (plant.time, plant.soc, plant.meters, plant.flows) == state


class TestLevers:
    def test_at_its_safe_values_it_charges_with_what_the_rectifiers_have_left(self) -> None:
        plant = plant_in("hangzhou-macro", calm(dc_load_kw=3.0), 0.5)
        left_kw = plant.safe.rectifier_limit_a * plant.safe.float_v / 1000.0 - 3.0
        assert plant.flows.battery_kw == pytest.approx(left_kw)
        assert left_kw > 5

    def test_a_current_limit_below_the_load_makes_the_battery_give_the_rest(self) -> None:
        flows = settled(
            plant_in("hangzhou-macro", calm(), 0.5), rectifier_limit_a=20.0, charge_limit_a=0.0
        ).flows
        assert flows.rectifier_dc_kw == pytest.approx(20.0 * flows.bus_v / 1000.0, rel=1e-5)
        assert flows.battery_kw == pytest.approx(flows.rectifier_dc_kw - 3.0)
        assert 46 < flows.bus_v < 50, "the battery holds the bus, below float voltage"

    def test_a_limit_of_zero_puts_all_the_load_on_the_battery(self) -> None:
        flows = settled(
            plant_in("hangzhou-macro", calm(), 0.5), rectifier_limit_a=0.0, charge_limit_a=0.0
        ).flows
        assert (flows.rectifier_dc_kw, flows.battery_kw) == (0.0, -3.0)
        assert flows.grid_import_kw > 0, "air conditioner and rectifier standby stay on the grid"

    def test_a_charge_limit_of_zero_floats_it(self) -> None:
        flows = settled(plant_in("hangzhou-macro", calm(), 0.5), charge_limit_a=0.0).flows
        assert (flows.rectifier_dc_kw, flows.battery_kw, flows.bus_v) == (3.0, 0.0, 53.5)

    def test_a_charge_limit_is_what_it_charges_with(self) -> None:
        flows = settled(plant_in("hangzhou-macro", calm(), 0.5), charge_limit_a=40.0).flows
        assert flows.battery_kw == pytest.approx(40.0 * 53.5 / 1000.0)

    def test_float_voltage_below_the_battery_lets_it_discharge(self) -> None:
        flows = settled(plant_in("hangzhou-macro", calm(), 0.9), float_v=48.0).flows
        assert flows.battery_kw == -3.0

    def test_pv_comes_before_the_rectifiers_and_beyond_load_and_charge_it_is_curtailed(
        self,
    ) -> None:
        sunny = plant_in("hangzhou-macro", calm(pv_kw=5.0), 0.5)
        charging = settled(sunny, charge_limit_a=100.0).flows
        assert charging.pv_kw == 5.0
        assert charging.rectifier_dc_kw == pytest.approx(3.0 + 5.35 - 5.0)
        floating = settled(sunny, charge_limit_a=0.0).flows
        assert (floating.pv_kw, floating.rectifier_dc_kw, floating.battery_kw) == (3.0, 0.0, 0.0)

    def test_without_mains_it_carries_the_bus_whatever_was_set(self) -> None:
        plant = settled(
            plant_in("hangzhou-macro", calm(pv_kw=1.0, mains_ok=False), 0.5), charge_limit_a=0.0
        )
        assert (plant.flows.battery_kw, plant.flows.grid_import_kw, plant.flows.ac_load_kw) == (
            -2.0,
            0.0,
            0.0,
        )

    def test_an_empty_battery_leaves_the_load_unserved(self) -> None:
        plant = plant_in("hangzhou-macro", calm(mains_ok=False), 0.03)
        plant.advance_to(START + HOUR)
        assert plant.soc == pytest.approx(LVD_SOC, abs=1e-3)
        assert plant.flows.unserved_kw == 3.0
        assert 2.0 < plant.meters.unserved_kwh < 3.0

    def test_it_fills_up_and_never_beyond(self) -> None:
        plant = plant_in("hangzhou-macro", calm(), 0.95)
        plant.advance_to(START + 12 * HOUR)
        assert 0.99 < plant.soc <= 1.0


class TestSmartLithium:
    @pytest.mark.parametrize(
        ("setpoint_kw", "soc", "battery_kw"),
        [
            (2.0, 0.5, 2.0),
            (-1.5, 0.5, -1.5),
            (0.0, 0.5, 0.0),
            (9.0, 0.5, 5.7),
            (-9.0, 0.5, -3.0),  # no more than the load: nothing is exported
            (5.0, 1.0, 0.0),
            (-1.5, LVD_SOC, 0.0),
        ],
    )
    def test_follows_its_setpoint_within_its_limits(
        self, setpoint_kw: float, soc: float, battery_kw: float
    ) -> None:
        plant = settled(
            plant_in("rural-lfp", calm(), soc),
            battery_setpoint_kw=setpoint_kw,
            rectifier_limit_a=200.0,
        )
        assert plant.flows.battery_kw == pytest.approx(battery_kw)
        assert plant.flows.unserved_kw == 0

    def test_discharge_beyond_its_rating_is_cut(self) -> None:
        plant = settled(plant_in("rural-lfp", calm(dc_load_kw=8.0), 0.5), battery_setpoint_kw=-9.0)
        assert plant.flows.battery_kw == -5.7

    def test_carries_the_bus_without_mains_and_takes_pv(self) -> None:
        dark = settled(plant_in("rural-lfp", calm(mains_ok=False), 0.5), battery_setpoint_kw=2.0)
        assert dark.flows.battery_kw == -3.0
        sunny = settled(
            plant_in("rural-lfp", calm(pv_kw=4.0, mains_ok=False), 0.5), battery_setpoint_kw=-2.0
        )
        assert sunny.flows.battery_kw == pytest.approx(1.0)

    def test_gives_what_a_rectifier_limit_withholds(self) -> None:
        plant = settled(
            plant_in("rural-lfp", calm(), 0.5), battery_setpoint_kw=0.0, rectifier_limit_a=20.0
        )
        assert plant.flows.battery_kw == pytest.approx(
            20.0 * plant.flows.bus_v / 1000.0 - 3.0, rel=1e-4
        )


class TestGenset:
    def run(self, soc: float, mains_ok: bool, hours: float) -> Plant:
        plant = plant_in("rural-lfp", calm(dc_load_kw=1.5, mains_ok=mains_ok), soc)
        plant.advance_to(START + hours * HOUR)
        return plant

    def test_starts_when_the_battery_is_low_and_the_mains_are_out(self) -> None:
        assert self.run(0.31, mains_ok=False, hours=0.05).flows.genset_kw == 0
        running = self.run(0.31, mains_ok=False, hours=1).flows
        assert running.genset_kw > 1.5
        assert running.grid_import_kw == 0
        assert self.run(0.29, mains_ok=True, hours=0.5).flows.genset_kw == 0

    def test_once_started_it_runs_until_the_mains_return(self) -> None:
        plant = self.run(0.29, mains_ok=False, hours=3)
        assert plant.soc > 0.5
        assert plant.flows.genset_kw > 1.5
        assert plant.meters.import_kwh == 0
        plant.surroundings = lambda _: calm(dc_load_kw=1.5)
        plant.advance_to(plant.time + timedelta(minutes=1))
        assert plant.flows.genset_kw == 0
        assert plant.flows.grid_import_kw > 1.5

    def test_is_not_overloaded_by_the_recharge(self) -> None:
        plant = plant_in("rural-lfp", calm(dc_load_kw=3.0, mains_ok=False), 0.29)
        plant.advance_to(START + timedelta(minutes=1))
        assert 0 < plant.flows.genset_kw <= 8.0

    def test_a_site_without_one_has_none(self) -> None:
        plant = plant_in("hangzhou-macro", calm(mains_ok=False), 0.2)
        plant.advance_to(START + HOUR)
        assert plant.flows.genset_kw == 0


def test_the_room_stays_near_its_setpoint_while_cooled_and_warms_without_mains(
    hangzhou: Site,
) -> None:
    hot = Instant(3.5, 0.0, None, 36.0, True)
    plant = plant_in("hangzhou-macro", hot, 0.8)
    plant.advance_to(START + 6 * HOUR)
    assert hangzhou.air_conditioner is not None
    assert plant.room_c == pytest.approx(hangzhou.air_conditioner.setpoint_c, abs=1.0)
    plant.surroundings = lambda _: replace(hot, mains_ok=False)
    plant.advance_to(plant.time + HOUR)
    assert plant.room_c > 27.5


@given(st.sampled_from(sorted(SITES)), st.floats(46, 54), st.floats(0.1, 0.95))
def test_a_battery_on_the_bus_follows_the_rectifiers_voltage(
    name: str, float_v: float, soc: float
) -> None:
    """Above its rest voltage it charges, below it discharges, by its resistance and within its
    limits.
    """
    load_kw = 4.0
    plant = Plant(SITES[name], lambda _: calm(load_kw), START, soc, "rectifier_voltage")
    settled(plant, float_v=float_v, rectifier_limit_a=1e4, charge_limit_a=1e4)
    battery, flows = plant.site.battery, plant.flows
    empty_v, full_v = REST_V[battery.chemistry]
    rest_v = empty_v + (full_v - empty_v) * soc
    drawn_kw = (float_v - rest_v) * battery.rated_kwh / OHMS
    accepted_kw = float(np.interp(soc, *np.array(battery.acceptance).T))
    most_kw = min(accepted_kw, plant.site.rectifier.rated_kw - load_kw)
    expected_kw = (
        min(drawn_kw, most_kw)
        if drawn_kw > 0
        else max(drawn_kw, -load_kw, -battery.max_discharge_kw)
    )
    assert flows.battery_kw == pytest.approx(expected_kw, abs=0.01)
    assert flows.unserved_kw == 0.0
