"""Whether safe values may charge: a cold battery never, a warm one also without a controller."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from siteems.control.charging_permit import ChargingPermit, first_permit, next_permit
from siteems.site.model import Site

NOON = datetime(2026, 1, 15, 4, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def frosty(rural: Site) -> Site:
    """Lithium in an unheated shelter."""
    return replace(rural, backup=replace(rural.backup, coldest_c=-15.0))


def test_before_the_first_measurement_the_site_file_decides(rural: Site, frosty: Site) -> None:
    assert first_permit(rural) == ChargingPermit(now=True, stored=True)
    assert first_permit(frosty) == ChargingPermit(now=False, stored=False)


def test_stored_values_bar_charging_before_frost_comes(frosty: Site) -> None:
    """Charged from 0 degC on; the stored values charge from 5 degC on; 1 K of hysteresis each."""
    permit = first_permit(frosty)
    for temp_c, now, stored in (
        (0.5, False, False), (1.0, True, False), (5.9, True, False), (6.0, True, True),
        (5.1, True, True), (4.9, True, False), (0.0, True, False), (-0.1, False, False),
        (25.0, True, True), (50.1, False, False), (48.9, True, True),
    ):  # fmt: skip
        permit = next_permit(frosty, temp_c, NOON, permit)
        assert (permit.now, permit.stored) == (now, stored), temp_c


def test_where_no_frost_is_expected_both_are_the_same(rural: Site) -> None:
    permit = first_permit(rural)
    for temp_c, allowed in ((3.0, True), (0.0, True), (-0.1, False), (0.9, False), (1.0, True)):
        permit = next_permit(rural, temp_c, NOON, permit)
        assert (permit.now, permit.stored) == (allowed, allowed), temp_c


def test_a_sensor_that_is_lost_for_long_counts_as_frost_where_it_is_expected(
    rural: Site, frosty: Site
) -> None:
    for site, lasting in ((frosty, False), (rural, True)):
        permit = next_permit(site, 20.0, NOON, first_permit(site))
        for hours in range(13):
            permit = next_permit(site, None, NOON + hours * HOUR, permit)
            assert (permit.now, permit.stored) == (True, True), hours
        permit = next_permit(site, None, NOON + 13 * HOUR, permit)
        assert (permit.now, permit.stored) == (lasting, lasting)
        permit = next_permit(site, 20.0, NOON + 14 * HOUR, permit)
        assert permit == ChargingPermit(), "measured again"


def test_an_unchanged_permit_is_the_same_object(frosty: Site) -> None:
    """The control cycle of a replay runs millions of times."""
    permit = next_permit(frosty, 20.0, NOON, first_permit(frosty))
    assert next_permit(frosty, 21.0, NOON, permit) is permit
    unknown = next_permit(frosty, None, NOON, permit)
    assert next_permit(frosty, None, NOON + HOUR, unknown) is unknown
