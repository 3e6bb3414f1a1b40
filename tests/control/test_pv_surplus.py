"""The search for PV beyond what the bus takes: steps of a battery converter, cycle by cycle; and
when a battery on the bus is left to take it.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from control_cases import NOW, image

from siteems.control.pv_surplus import (
    FIRST_STEP_KW,
    NO_PROBE,
    PAUSE,
    SETTLE,
    Probe,
    stores_surplus,
    with_pv_surplus,
)

SECOND = timedelta(seconds=1)


class Converter:
    """Beside 3 kW of load and so much PV, which takes at most `most_kw`."""

    def __init__(self, pv_kw: float, most_kw: float = 9.0) -> None:
        self.pv_kw, self.most_kw = pv_kw, most_kw
        self.asked_kw, self.now, self.probe = 0.0, NOW, NO_PROBE
        self.imported_kwh = 0.0

    def cycle(self, wanted_kw: float = 0.0) -> float:
        battery_kw = min(self.asked_kw, self.most_kw)
        rectifier_kw = max(0.0, 3.0 + battery_kw - self.pv_kw)
        seen = image(
            dc_load_kw=3.0,
            pv_kw=min(self.pv_kw, 3.0 + battery_kw),
            battery_kw=battery_kw,
            rectifier_dc_kw=rectifier_kw,
        )
        self.imported_kwh += rectifier_kw / 3600.0
        seen = replace(seen, steady=self.now, max_age=timedelta(days=1))
        self.asked_kw, self.probe = with_pv_surplus(wanted_kw, seen, self.probe)
        self.now += SECOND
        return self.asked_kw

    def run(self, seconds: int) -> list[float]:
        return [self.cycle() for _ in range(seconds)]


def test_the_step_doubles_while_all_of_it_comes_from_pv() -> None:
    asked = Converter(8.0).run(7)
    assert asked == pytest.approx([0.1, 0.3, 0.7, 1.5, 3.1, 6.3, 5.0])


def test_what_the_rectifiers_have_to_give_is_taken_back_at_once() -> None:
    site = Converter(8.0)
    site.run(8)
    begin_kwh = site.imported_kwh
    asked = site.run(int(PAUSE.total_seconds()) - 10)
    assert set(asked) == {5.0}, "and it rests until the pause is over"
    assert site.imported_kwh == begin_kwh


def test_an_hour_of_surplus_costs_next_to_no_import() -> None:
    """What always gave 0.15 kW to see whether there was more imported 0.15 kWh in an hour."""
    site = Converter(8.0)
    site.run(3600)
    assert site.imported_kwh < 0.002


def test_after_the_pause_it_looks_again() -> None:
    site = Converter(4.0)
    site.run(60)
    site.pv_kw = 6.0
    site.run(int(PAUSE.total_seconds()))
    assert site.asked_kw == pytest.approx(3.0, abs=FIRST_STEP_KW)


def test_a_battery_that_takes_no_more_ends_the_search() -> None:
    site = Converter(8.0, most_kw=1.0)
    site.run(int(SETTLE.total_seconds()) + 10)
    assert site.probe.step_kw == 0.0
    assert site.probe.since is not None


def test_a_cloud_is_followed_down() -> None:
    site = Converter(8.0)
    site.run(20)
    site.pv_kw = 4.0
    site.run(2)
    assert site.asked_kw == pytest.approx(1.0)


def test_without_surplus_nothing_is_asked_for() -> None:
    assert set(Converter(2.0).run(100)) == {0.0}


@pytest.mark.parametrize("wanted_kw", [2.0, 6.0])
def test_what_the_plan_charges_is_charged(wanted_kw: float) -> None:
    site = Converter(4.0)
    for _ in range(30):
        site.cycle(wanted_kw)
    assert site.asked_kw == wanted_kw


@pytest.mark.parametrize(
    ("pv_kw", "rectifier_kw", "wanted_kw", "left_kw", "stores"),
    [
        (3.0, 0.0, 0.0, 0.0, True),
        (3.0, 0.04, 0.0, -0.04, True),
        (3.0, 0.06, 0.0, -0.06, False),  # the rectifiers carry some of the load
        (3.0, 0.0, 0.0, -0.09, True),  # they rest already
        (3.0, 0.0, 0.0, -0.11, False),
        (5.0, 0.0, 2.04, 2.0, True),  # all of what is charged is PV, so there may be more
        (5.0, 0.0, 4.0, 2.0, False),  # the plan buys more than PV leaves
        (0.0, 0.0, 0.0, 0.0, False),
        (None, 0.0, 0.0, 0.0, False),
        (3.0, None, 0.0, 0.0, False),
    ],
)
def test_a_battery_on_the_bus_is_left_to_take_it(
    pv_kw: float | None,
    rectifier_kw: float | None,
    wanted_kw: float,
    left_kw: float,
    stores: bool,
) -> None:
    seen = image(pv_kw=pv_kw, rectifier_dc_kw=rectifier_kw)
    assert stores_surplus(wanted_kw, left_kw, seen) == stores


def test_unknown_powers_end_a_search() -> None:
    running = Probe(1.0, 0.2, NOW)
    for missing in ("pv_kw", "battery_kw", "rectifier_dc_kw"):
        assert with_pv_surplus(0.5, image(**{missing: None}), running) == (0.5, NO_PROBE)
