"""The month's peak as a bound of the control cycle."""

from __future__ import annotations

import math

import pytest
from control_cases import image, limits

from siteems.control.cycle import ControlState, Limits, cycle
from siteems.control.decision import Drive
from siteems.control.import_cap import CHARGE_BELOW_KW
from siteems.control.intent import Intent
from siteems.control.reasons import FOLLOW_PLAN
from siteems.operations.english import ENGLISH
from siteems.site.assets import rectifier_curve
from siteems.site.model import Site

AC_KW, LOAD_KW, MARGIN_KW = 1.0, 3.0, 0.05
"""Of the normal image, and the margin with which import limits are kept."""


def driven(site: Site, wanted_kw: float, bounds: Limits, soc: float = 0.7) -> Drive:
    intent, curve = Intent(wanted_kw, "plan", FOLLOW_PLAN()), rectifier_curve(site)
    decision, _ = cycle(image(soc=soc), intent, bounds, site, curve, ControlState())
    assert isinstance(decision, Drive)
    return decision


def battery_at(site: Site, import_kw: float) -> float:
    """Battery power at which the site imports this much, less the margin."""
    return rectifier_curve(site).dc_kw(import_kw - MARGIN_KW - AC_KW) - LOAD_KW


@pytest.mark.parametrize(
    ("peak_kw", "wanted_kw", "reason"),
    [(6.0, 0.5, "plan"), (4.3, 0.0, "plan"), (4.3, 2.0, "month's peak"), (math.inf, 9.0, "plan")],
)
def test_below_the_peak_the_plan_holds_but_does_not_charge_up_to_it(
    hangzhou: Site, peak_kw: float, wanted_kw: float, reason: str
) -> None:
    """With 3 kW of load, 4.3 kW of import leave nothing to charge with below the peak."""
    decision = driven(hangzhou, wanted_kw, limits(grid_limit_kw=20.0, peak_kw=peak_kw))
    assert reason in ENGLISH.text(decision.reason)
    assert decision.battery_kw == (0.0 if "peak" in reason else wanted_kw)


def test_charging_ends_a_little_below_the_peak(hangzhou: Site) -> None:
    decision = driven(hangzhou, 9.0, limits(peak_kw=6.0))
    assert decision.battery_kw == pytest.approx(battery_at(hangzhou, 6.0 - CHARGE_BELOW_KW))
    assert ENGLISH.text(decision.reason) == "month's peak of 6.00 kW"


def test_the_battery_carries_the_load_above_the_peak(hangzhou: Site) -> None:
    decision = driven(hangzhou, 0.0, limits(peak_kw=3.0))
    assert decision.battery_kw == pytest.approx(battery_at(hangzhou, 3.0))


def test_reserve_and_dr_event_come_first(hangzhou: Site) -> None:
    held = driven(hangzhou, -3.0, limits(peak_kw=3.0), soc=0.40)
    assert held.battery_kw == 0.0
    assert "backup reserve" in ENGLISH.text(held.reason)
    event = driven(hangzhou, 0.0, limits(dr_cap_kw=2.0, peak_kw=3.0))
    assert event.battery_kw == pytest.approx(battery_at(hangzhou, 2.0))
    assert "demand-response" in ENGLISH.text(event.reason)
