"""Plausibility: a value beyond the ratings, or a grid meter that contradicts the rectifiers, is
unknown in the image.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from drivers.points import Point, Quality, Reading
from siteems.estimation.image_builder import ImageBuilder
from siteems.estimation.plausibility import BALANCE_KW, BALANCE_SHARE, within
from siteems.estimation.process_image import Image
from siteems.site.assets import rectifier_curve
from siteems.site.model import Site

NOW = datetime(2026, 7, 15, 4, 0, tzinfo=UTC)


def image(site: Site, ranges: dict[str, tuple[float, float]], **points: float) -> Image:
    builder = ImageBuilder(rectifier_curve(site), timedelta(seconds=5), ranges)
    good = {name: Point(value, Quality.GOOD) for name, value in points.items()}
    return builder.next(builder.first(NOW), [Reading("unit", NOW, good)], NOW)


@pytest.mark.parametrize(
    ("value", "kept"), [(-0.01, False), (0.0, True), (1.0, True), (1.01, False)]
)
def test_the_bounds_of_a_range_are_plausible(value: float, kept: bool) -> None:
    point = within((0.0, 1.0), Point(value, Quality.GOOD))
    assert point == (Point(value, Quality.GOOD) if kept else Point(None, Quality.IMPLAUSIBLE))


def test_without_a_range_or_a_value_a_point_stays_as_it_is() -> None:
    for allowed, point in (
        (None, Point(99.0, Quality.GOOD)),
        ((0.0, 1.0), Point(None, Quality.MISSING)),
    ):
        assert within(allowed, point) is point


def test_a_value_beyond_its_range_is_unknown_also_where_it_is_computed(hangzhou: Site) -> None:
    seen = image(
        hangzhou,
        {"battery_kw": (-12.0, 12.0), "soc": (0.0, 1.05)},
        bus_v=50.0,
        battery_a=500.0,
        soc=1.2,
    )
    assert (seen.value("battery_kw"), seen.value("soc")) == (None, None)
    assert seen.measured["battery_kw"].quality is Quality.IMPLAUSIBLE
    assert seen.measured["soc"].quality is Quality.IMPLAUSIBLE


@pytest.mark.parametrize("genset_kw", [0.0, 3.0])
@pytest.mark.parametrize(("error_kw", "plausible"), [(0.01, True), (-0.01, False)])
def test_a_grid_meter_that_contradicts_the_rectifiers_is_implausible(
    hangzhou: Site, genset_kw: float, error_kw: float, plausible: bool
) -> None:
    needed_kw = rectifier_curve(hangzhou).ac_kw_at(6.0)
    least_kw = (1.0 - BALANCE_SHARE) * needed_kw - BALANCE_KW
    grid_kw = least_kw - genset_kw + error_kw
    seen = image(hangzhou, {}, active_power_kw=grid_kw, rectifier_kw=6.0, genset_kw=genset_kw)
    assert seen.value("grid_kw") == (grid_kw if plausible else None)
    assert seen.value("ac_load_kw") == (0.0 if plausible else None)


def test_a_meter_with_the_wrong_sign_is_found(hangzhou: Site) -> None:
    seen = image(hangzhou, {}, active_power_kw=-6.6, rectifier_kw=6.0)
    assert seen.measured["grid_kw"].quality is Quality.IMPLAUSIBLE
