"""Every measurement has a physical range, and a 0 that means "unknown" is no value."""

from __future__ import annotations

import pytest
from modbus_rig import Clock, Site, free_values

from drivers.catalogue import known_maps, load_map
from drivers.points import PHYSICAL, POINTS, Point, Quality, known, physical
from drivers.roles import COMMAND_POINTS

pytestmark = pytest.mark.timeout(20)
SETPOINTS = {name for names in COMMAND_POINTS.values() for name in names}


def good(value: float) -> Point:
    return Point(value, Quality.GOOD)


def test_every_measurement_has_a_physical_range() -> None:
    written = {n for n in POINTS if n in SETPOINTS or n.startswith("safe_")}
    assert set(PHYSICAL) == set(POINTS) - written - {"pv_limit_kw", "comm_timeout_s"}
    for low, high in PHYSICAL.values():
        assert low < high


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("battery_v", 0.0),
        ("bus_v", 0.0),
        ("soh", 0.0),
        ("battery_c", -327.67),
        ("mains_v", 6553.5),
        ("soc", 655.35),
    ],
)
def test_what_nothing_can_measure_is_implausible(name: str, value: float) -> None:
    assert physical(name, good(value)) == Point(None, Quality.IMPLAUSIBLE)


@pytest.mark.parametrize(
    ("name", "value"),
    [("mains_v", 0.0), ("battery_a", 0.0), ("pv_kw", 0.0), ("battery_c", 0.0), ("soc", 0.0)],
)
def test_a_zero_that_can_be_is_a_value(name: str, value: float) -> None:
    assert physical(name, good(value)) == good(value)


@pytest.mark.parametrize(
    ("others", "accepted"),
    [
        ({"battery_v": good(42.0), "battery_a": good(0.0)}, True),
        ({"battery_kw": good(1.2)}, True),
        ({"battery_v": Point(None, Quality.IMPLAUSIBLE), "battery_a": good(0.0)}, False),
        ({"battery_kw": good(0.0)}, False),
        ({}, True),  # a device that reports nothing else of the battery
    ],
)
def test_an_empty_battery_is_plausible_where_the_battery_is_seen(
    others: dict[str, Point], accepted: bool
) -> None:
    soc = known({"soc": good(0.0), **others})["soc"]
    assert soc == (good(0.0) if accepted else Point(None, Quality.MISSING))


@pytest.mark.parametrize(
    "name", [n for n in known_maps() if "battery" in load_map(n).roles and n != "deye-hybrid-3p"]
)
async def test_a_battery_that_answers_zeros_is_unknown(name: str, clock: Clock) -> None:
    """Each map with a battery, with 0 in all registers of the battery."""
    values = free_values(name)
    points = load_map(name).points
    zeros = {
        n: None if 0 in points[n].nan else 0.0  # both are raw 0
        for n in ("battery_v", "battery_a", "battery_kw", "soc", "soh")
        if n in values
    }
    site = Site(name, values | zeros, clock)
    await site.start()
    try:
        reading = await site.device.read()
    finally:
        await site.stop()
    assert reading.faults == ()
    for point in {"soc", "battery_v", "soh"} & values.keys():
        assert reading.value(point) is None, point


@pytest.mark.parametrize(
    ("name", "lacking", "zeros"),
    [
        ("victron-multi", ("mains_v", "frequency_hz", "active_power_kw"), ()),
        ("victron-multi", (), ("active_power_kw",)),  # what PV gives is what is used
        ("victron-multi", (), ("mains_v", "frequency_hz", "active_power_kw")),  # a failure
        ("victron-gx", ("battery_v", "battery_a", "pv_kw"), ()),
        ("victron-gx", ("rectifier_kw",), ()),
        ("victron-gx", (), ("battery_a", "pv_kw", "rectifier_kw")),  # at rest, at night
    ],
)
async def test_a_gateway_that_answers_zero_for_what_it_lacks(
    name: str, lacking: tuple[str, ...], zeros: tuple[str, ...], clock: Clock
) -> None:
    values = free_values(name) | dict.fromkeys(lacking) | dict.fromkeys(zeros, 0.0)
    site = Site(name, values, clock)
    await site.start()
    try:
        reading = await site.device.read()
        some = await site.device.read_points([*lacking, *zeros])
    finally:
        await site.stop()
    for point in lacking:
        assert reading.points[point].quality is some.points[point].quality is Quality.MISSING, point
    for point in zeros:
        assert reading.value(point) == some.value(point) == 0.0, point
