"""What a kWh discharged costs in wear, by depth of discharge."""

from __future__ import annotations

from dataclasses import replace

import pytest

from siteems.site.assets import wear_costs
from siteems.site.model import Site


def test_wear_follows_the_makers_table_and_rises_with_depth(hangzhou: Site) -> None:
    costs = wear_costs(hangzhou.battery)
    assert len(costs) == 4
    assert list(costs) == sorted(costs)
    # By hand: the first quarter lies on the line from (0, 0) to (0.2, 1/11200) and a little of the
    # next.
    slope1, slope2 = 1 / 11200 / 0.2, (1 / 4800 - 1 / 11200) / 0.2
    assert costs[0] == pytest.approx(700 / 0.922 * 4 * (0.2 * slope1 + 0.05 * slope2))


def test_without_a_table_wear_is_flat(rural: Site) -> None:
    assert wear_costs(rural.battery) == (rural.battery.wear_per_kwh,)


def test_wear_off_costs_nothing(hangzhou: Site) -> None:
    assert hangzhou.battery.wear is not None
    battery = replace(hangzhou.battery, wear=replace(hangzhou.battery.wear, mode="off"))
    assert wear_costs(battery) == (0.0,)
