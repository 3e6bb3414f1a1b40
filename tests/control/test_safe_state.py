"""The safe state: within the grid connection and the battery, and no charging in frost."""

from __future__ import annotations

from siteems.control.safe_state import safe_values, without_charging, worst_ac_load_kw
from siteems.simulation.plant import BASE_AC_KW
from siteems.site.assets import rectifier_curve
from siteems.site.model import Site


def test_a_full_recharge_beside_the_worst_ac_load_stays_within_the_connection(
    hangzhou: Site,
) -> None:
    curve = rectifier_curve(hangzhou)
    values = safe_values(hangzhou, curve)
    dc_kw = values["rectifier_limit_a"] * hangzhou.rectifier.float_v / 1000.0
    assert float(curve.ac_kw(dc_kw)) + worst_ac_load_kw(hangzhou) <= hangzhou.grid.import_limit_kw
    assert dc_kw >= max(hangzhou.load.typical_dc_kw)


def test_the_worst_ac_load_is_not_below_what_the_simulated_site_can_draw(hangzhou: Site) -> None:
    assert hangzhou.air_conditioner is not None
    assert worst_ac_load_kw(hangzhou) >= hangzhou.air_conditioner.rated_kw + BASE_AC_KW


def test_without_charging_bars_only_charging(rural: Site) -> None:
    values = safe_values(rural, rectifier_curve(rural))
    barred = without_charging(values)
    for name in ("charge_limit_a", "battery_setpoint_kw", "charge_limit_kw"):
        assert barred[name] == 0.0 < values[name]
    for name in ("safe_charge_limit_a", "safe_battery_setpoint_kw"):
        assert barred[name] == 0.0 < values[name], "after a loss of the controller"
    assert barred["rectifier_limit_a"] == values["rectifier_limit_a"]
