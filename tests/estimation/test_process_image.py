"""The process image: unknown is never zero, age counts reads, the last good value stays with the
new quality.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from drivers.points import Point, Quality, Reading
from siteems.estimation.image_builder import ImageBuilder
from siteems.estimation.process_image import MEASURED, SELDOM_CHANGED, Image, Measurement
from siteems.site.assets import rectifier_curve
from siteems.site.model import Site

NOW = datetime(2026, 7, 15, 4, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)
MAX_AGE = 5 * SECOND
GOOD, MISSING, IMPLAUSIBLE, UNREACHABLE = (
    Quality.GOOD,
    Quality.MISSING,
    Quality.IMPLAUSIBLE,
    Quality.UNREACHABLE,
)

METER: dict[str, float | Quality] = {
    "active_power_kw": 5.0,
    "mains_v": 226.0,
    "energy_import_kwh": 100.0,
}
SMU: dict[str, float | Quality] = {
    "bus_v": 50.0,
    "rectifier_a": 80.0,
    "dc_load_a": 60.0,
    "battery_a": 20.0,
    "soc": 0.6,
    "mains_v": 225.0,
    "battery_c": 25.0,
}


@pytest.fixture
def builder(hangzhou: Site) -> ImageBuilder:
    return ImageBuilder(rectifier_curve(hangzhou), MAX_AGE)


def reading(points: dict[str, float | Quality], time: datetime = NOW, device: str = "d") -> Reading:
    """A device's reading; a quality in place of a value is what went wrong."""
    return Reading(
        device,
        time,
        {
            n: Point(None, v) if isinstance(v, Quality) else Point(v, GOOD)
            for n, v in points.items()
        },
    )


def seen(
    builder: ImageBuilder, *readings: Reading, time: datetime = NOW, before: Image | None = None
) -> Image:
    return builder.next(before or builder.first(NOW - SECOND), readings, time)


def test_before_anything_was_read_all_is_unknown(builder: ImageBuilder) -> None:
    first = builder.first(NOW)
    assert set(first.values.values()) == {None}
    assert first.mains_ok is None


def test_currents_become_powers_and_the_rest_of_the_meter_is_the_ac_load(
    builder: ImageBuilder,
) -> None:
    image = seen(builder, reading(METER), reading(SMU))
    assert (
        image.value("rectifier_dc_kw"),
        image.value("dc_load_kw"),
        image.value("battery_kw"),
    ) == (4.0, 3.0, 1.0)
    assert (image.value("grid_kw"), image.value("soc"), image.mains_ok) == (5.0, 0.6, True)
    assert image.value("ac_load_kw") == pytest.approx(5.0 - float(builder.curve.ac_kw(4.0)))
    assert image.values.keys() == {*MEASURED, *SELDOM_CHANGED}


def test_an_absent_device_stays_unknown_and_never_zero(builder: ImageBuilder) -> None:
    image = seen(builder, reading(METER), reading(SMU))
    assert (image.value("pv_kw"), image.value("genset_kw"), image.value("outdoor_c")) == (
        None,
        None,
        None,
    )


def test_a_battery_with_its_own_voltage(builder: ImageBuilder) -> None:
    image = seen(builder, reading({"battery_v": 52.0, "battery_a": -25.0, "soc": 0.5}))
    assert image.value("battery_kw") == pytest.approx(-1.3)
    assert image.value("bus_v") is None


@pytest.mark.parametrize("quality", [MISSING, IMPLAUSIBLE, UNREACHABLE])
def test_a_bad_value_keeps_the_last_good_one_until_it_is_too_old(
    builder: ImageBuilder, quality: Quality
) -> None:
    good = seen(builder, reading(SMU))
    for age, value in ((4, 0.6), (5, 0.6), (6, None)):
        now = NOW + age * SECOND
        later = seen(builder, reading(SMU | {"soc": quality}, now), time=now, before=good)
        assert later.value("soc") == value
        assert later.measured["soc"].quality is quality
        assert later.value("dc_load_kw") == 3.0


def test_a_steady_value_is_fresh_as_long_as_it_is_read(builder: ImageBuilder) -> None:
    image = seen(builder, reading(SMU))
    for i in range(1, 30):
        now = NOW + i * SECOND
        image = seen(builder, reading(SMU, now), time=now, before=image)
    assert image.value("soc") == 0.6


def test_a_device_that_is_silent_ages(builder: ImageBuilder) -> None:
    image = seen(builder, reading(SMU), reading(METER))
    now = NOW + 6 * SECOND
    later = seen(builder, reading(METER, now), time=now, before=image)
    assert (later.value("soc"), later.value("grid_kw")) == (None, 5.0)


@pytest.mark.parametrize("lost", ["bus_v", "battery_a"])
def test_power_needs_both_current_and_voltage(builder: ImageBuilder, lost: str) -> None:
    assert seen(builder, reading(SMU | {lost: UNREACHABLE})).value("battery_kw") is None


@pytest.mark.parametrize(
    "lost", [{"active_power_kw": UNREACHABLE}, {"rectifier_a": MISSING}, {"genset_kw": MISSING}]
)
def test_the_ac_load_is_unknown_when_one_of_its_parts_is(
    builder: ImageBuilder, lost: dict[str, float | Quality]
) -> None:
    parts = METER | SMU | {"genset_kw": 0.0} | lost
    assert seen(builder, reading(parts)).value("ac_load_kw") is None


def test_a_genset_feeds_the_ac_side_too(builder: ImageBuilder) -> None:
    image = seen(
        builder,
        reading(METER | {"active_power_kw": 0.0}),
        reading(SMU),
        reading({"genset_kw": 5.0}),
    )
    assert image.value("ac_load_kw") == pytest.approx(5.0 - float(builder.curve.ac_kw(4.0)))


def test_the_ac_load_is_never_negative(builder: ImageBuilder) -> None:
    assert (
        seen(builder, reading(METER | {"active_power_kw": 3.9}), reading(SMU)).value("ac_load_kw")
        == 0.0
    )


class TestMainsVoltage:
    @pytest.mark.parametrize(
        ("volts", "ok"), [(225.0, True), (150.0, True), (149.9, False), (0.0, False)]
    )
    def test_threshold(self, builder: ImageBuilder, volts: float, ok: bool) -> None:
        assert seen(builder, reading({"mains_v": volts})).mains_ok is ok

    @pytest.mark.parametrize("turned", [False, True])
    def test_the_rectifiers_know_better_than_the_meter(
        self, builder: ImageBuilder, turned: bool
    ) -> None:
        """A meter may show its last value after the mains have gone; the rectifiers' control lives
        on the battery.
        """
        readings = [reading(METER), reading(SMU | {"mains_v": 0.0})]
        assert seen(builder, *(readings[::-1] if turned else readings)).mains_ok is False

    @pytest.mark.parametrize("turned", [False, True])
    def test_the_meter_counts_when_the_rectifiers_do_not_measure_it(
        self, builder: ImageBuilder, turned: bool
    ) -> None:
        readings = [reading(METER), reading(SMU | {"mains_v": MISSING})]
        assert seen(builder, *(readings[::-1] if turned else readings)).mains_ok is True


def test_freshness() -> None:
    measured = Measurement(1.0, NOW, GOOD)
    assert measured.fresh(NOW, NOW + MAX_AGE) == 1.0
    assert measured.fresh(NOW + SECOND, NOW + MAX_AGE) is None
    assert measured.fresh(NOW - MAX_AGE, NOW - SECOND) is None
    assert Measurement().fresh(NOW - MAX_AGE, NOW) is None
