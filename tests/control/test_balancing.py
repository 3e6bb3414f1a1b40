"""A battery that balances load and PV by itself, and where it is left to do so."""

from __future__ import annotations

import pytest
from control_cases import image, limits

from siteems.control.cycle import ControlState, cycle
from siteems.control.decision import Drive
from siteems.control.intent import self_consumption
from siteems.control.pv_surplus import FIRST_STEP_KW
from siteems.site.assets import rectifier_curve
from siteems.site.model import Site


@pytest.mark.parametrize(
    ("measured", "battery_kw", "balance_kw"),
    [
        ({}, -3.0, 9.6),
        ({"pv_kw": 5.0, "battery_kw": 1.5, "rectifier_dc_kw": 0.0}, 2.0, 9.6),
        ({"pv_kw": 3.0, "battery_kw": 0.0, "rectifier_dc_kw": 0.0}, 0.0, 9.6),
        ({"pv_kw": 5.0, "battery_c": -1.0}, 0.0, None),
        ({"battery_c": -1.0}, -3.0, 0.0),
        ({"battery_c": 51.0}, 0.0, None),
        ({"soc": 0.415}, -3.0, 9.6),
        ({"soc": 0.405}, -3.0, None),
        (
            {"soc": 0.405, "pv_kw": 5.0, "battery_kw": 1.5, "rectifier_dc_kw": 0.0},
            2.0 + FIRST_STEP_KW,
            None,
        ),
        ({"soc": 0.40}, 0.0, None),
        ({"dc_load_kw": 20.0}, -12.0, None),
    ],
)
def test_a_battery_that_balances_is_left_to_it_away_from_the_reserve(
    measured: dict[str, float | None],
    battery_kw: float,
    balance_kw: float | None,
    hangzhou: Site,
) -> None:
    seen = image(**measured)
    intent = self_consumption(seen.value("dc_load_kw") or 0.0, seen.value("pv_kw") or 0.0)
    for on_bus in (True, False):
        decision, _ = cycle(
            seen,
            intent,
            limits(),
            hangzhou,
            rectifier_curve(hangzhou),
            ControlState(),
            on_bus=on_bus,
        )
        assert isinstance(decision, Drive)
        assert decision.balance_kw == (balance_kw if on_bus else None)
        if on_bus:
            assert decision.battery_kw == pytest.approx(battery_kw)
