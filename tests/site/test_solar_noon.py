"""A profile whose PV does not follow solar noon at the site is noted in a replay."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from siteems.recordings.profile import Profile
from siteems.site.model import Site
from siteems.site.solar_noon import displaced_pv_note


def profile(noon_utc_h: float, days: int = 10) -> Profile:
    hours = (np.arange(days * 24) + 0.5 - noon_utc_h) % 24.0
    pv_kw = 4.0 * np.maximum(np.cos(hours / 12.0 * np.pi), 0.0)
    return Profile(
        start=datetime(2026, 7, 1, tzinfo=UTC),
        step=timedelta(hours=1),
        dc_load_kw=np.full(hours.size, 2.0),
        pv_kw=pv_kw,
        outdoor_c=np.full(hours.size, 20.0),
        ac_load_kw=None,
        mains_ok=np.ones(hours.size, dtype=np.bool_),
        source="it.csv",
    )


@pytest.mark.parametrize("off_h", [-3.0, 0.0, 3.0])
def test_pv_that_follows_solar_noon(hangzhou: Site, off_h: float) -> None:
    """Solar noon in Hangzhou is at 12:00 - 120.2/15 h, four o'clock UTC."""
    assert displaced_pv_note(profile(4.0 + off_h), hangzhou) is None


@pytest.mark.parametrize(("off_h", "text"), [(8.0, "8.0 h after"), (-6.0, "6.0 h before")])
def test_pv_of_another_zone(hangzhou: Site, off_h: float, text: str) -> None:
    note = displaced_pv_note(profile(4.0 + off_h), hangzhou)
    assert note is not None
    assert text in note


def test_what_shows_nothing(hangzhou: Site) -> None:
    around_the_clock = replace(profile(12.0), pv_kw=np.full(240, 1.0))
    for quiet in (around_the_clock, replace(profile(12.0), pv_kw=np.zeros(240)), profile(12.0, 2)):
        assert displaced_pv_note(quiet, hangzhou) is None
    assert displaced_pv_note(profile(12.0), replace(hangzhou, pv=None)) is None
