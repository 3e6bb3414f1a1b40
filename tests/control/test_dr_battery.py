"""What a DR event asks of the battery, as a bound and in the cycle."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from control_cases import NOW as NOON
from control_cases import image, limits
from hypothesis import given
from hypothesis import strategies as st

from siteems.control.cycle import ControlState, cycle
from siteems.control.decision import Drive
from siteems.control.dr_battery import REACHED_SOC, battery_bound
from siteems.control.intent import Intent
from siteems.control.reasons import FOLLOW_PLAN
from siteems.demand_response.timeline import BatteryRequest
from siteems.site.assets import rectifier_curve
from siteems.site.model import Site

HOUR = timedelta(hours=1)


def power(battery_kw: float, *, before_caps: bool = False) -> BatteryRequest:
    return BatteryRequest("e", NOON + HOUR, battery_kw=battery_kw, before_caps=before_caps)


def drive(site: Site, request: BatteryRequest, wanted_kw: float = 0.0, **more: float) -> Drive:
    seen = image(**{name: more.pop(name) for name in list(more) if name in ("soc", "dc_load_kw")})
    decision, _ = cycle(
        seen,
        Intent(wanted_kw, "plan", FOLLOW_PLAN()),
        replace(limits(**more), dr_battery=request),
        site,
        rectifier_curve(site),
        ControlState(),
    )
    assert isinstance(decision, Drive)
    return decision


class TestPower:
    def test_it_is_followed_whatever_the_plan_wants(self, hangzhou: Site) -> None:
        for wanted_kw in (-3.0, 0.0, 3.0):
            decision = drive(hangzhou, power(-1.0), wanted_kw)
            assert decision.battery_kw == -1.0
            assert decision.reason.code == "dr-battery"

    def test_never_below_the_reserve(self, hangzhou: Site) -> None:
        decision = drive(hangzhou, power(-1.0), soc=0.40, reserve_soc=0.40)
        assert decision.battery_kw == 0.0
        assert decision.reason.code != "dr-battery"

    def test_a_cap_comes_first_unless_its_priority_is_lower(self, hangzhou: Site) -> None:
        capped = drive(hangzhou, power(3.0), dr_cap_kw=3.0)
        free = drive(hangzhou, power(3.0, before_caps=True), dr_cap_kw=3.0)
        assert capped.battery_kw < 3.0
        assert capped.import_cap_kw == 3.0
        assert free.battery_kw == 3.0
        assert free.import_cap_kw == float("inf"), "the cap must not limit the rectifiers"

    def test_the_grid_connection_comes_before_both(self, hangzhou: Site) -> None:
        decision = drive(hangzhou, power(5.0, before_caps=True), grid_limit_kw=3.0)
        assert decision.battery_kw < 5.0
        assert decision.reason.code == "grid-connection"


class TestStateOfCharge:
    def bound_kw(self, site: Site, target: float, soc: float, left: timedelta) -> float:
        request = BatteryRequest("e", NOON + left, soc=target)
        bound = battery_bound(request, soc, NOON, site.battery)
        assert bound.low_kw == bound.high_kw
        return bound.high_kw

    def test_it_is_reached_at_the_end(self, hangzhou: Site) -> None:
        battery, left = hangzhou.battery, 4 * HOUR
        kw = self.bound_kw(hangzhou, 0.70, 0.60, left)
        stored_kwh = 4.0 * kw * battery.charge_efficiency
        assert stored_kwh == pytest.approx(0.10 * battery.capacity_kwh)
        kw = self.bound_kw(hangzhou, 0.60, 0.70, left)
        taken_kwh = -4.0 * kw / battery.discharge_efficiency
        assert taken_kwh == pytest.approx(0.10 * battery.capacity_kwh)

    def test_then_it_is_kept(self, hangzhou: Site) -> None:
        for soc in (0.70 - REACHED_SOC / 2, 0.70, 0.70 + REACHED_SOC / 2):
            assert self.bound_kw(hangzhou, 0.70, soc, HOUR) == 0.0

    @given(
        target=st.floats(0.0, 1.0),
        soc=st.floats(0.0, 1.05),
        left_s=st.floats(-3600.0, 1e6),
    )
    def test_within_the_ratings_and_towards_it(
        self, hangzhou: Site, target: float, soc: float, left_s: float
    ) -> None:
        kw = self.bound_kw(hangzhou, target, soc, timedelta(seconds=left_s))
        battery = hangzhou.battery
        assert -battery.max_discharge_kw <= kw <= battery.max_charge_kw
        assert kw * (target - soc) >= 0.0


def test_the_reason_names_the_event(hangzhou: Site) -> None:
    decision = drive(hangzhou, BatteryRequest("e7", NOON + HOUR, soc=0.9))
    assert decision.reason.values == {"soc": 0.9, "event": "e7"}
