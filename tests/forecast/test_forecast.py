"""The learning forecaster: it learns levels and days, nothing from unknown values, never looks
ahead, and keeps the limits of the panels.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from examples import examples
from hypothesis import given, settings
from hypothesis import strategies as st

from siteems.config.seeds import seed_path
from siteems.forecast.clear_sky import ClearSky
from siteems.forecast.day_profile import DayProfile
from siteems.forecast.forecast import Forecast
from siteems.forecast.learning_forecaster import LearningForecaster
from siteems.site.model import Site
from siteems.site.read_file import load_site

ZONE = ZoneInfo("Asia/Shanghai")
NOON = datetime(2026, 7, 15, 4, 0, tzinfo=UTC)
"""Noon at the sites."""
MINUTE, QUARTER, HOUR, DAY = (
    timedelta(minutes=1),
    timedelta(minutes=15),
    timedelta(hours=1),
    timedelta(days=1),
)
HANGZHOU = load_site(seed_path("hangzhou-macro"))

Values = Mapping[str, float | None]


def after(now: datetime, times: list[datetime]) -> Any:
    """Hours from `now` to each time."""
    return np.array([(time - now) / HOUR for time in times])


def ahead(forecaster: LearningForecaster, now: datetime, hours: float = 36.0) -> Forecast:
    steps = round(hours * 4)
    return forecaster.forecast(now, [now + i * QUARTER for i in range(steps)], [0.25] * steps)


def taught(
    forecaster: LearningForecaster,
    values: Callable[[datetime], Values],
    start: datetime,
    end: datetime,
    step: timedelta = MINUTE,
) -> LearningForecaster:
    """The forecaster after samples from start to end."""
    while start < end:
        forecaster.learn(start, values(start))
        start += step
    return forecaster


def learn_all(forecaster: LearningForecaster, rows: Iterable[tuple[datetime, Values]]) -> None:
    for time, values in rows:
        forecaster.learn(time, values)


def flat(site: Site, dc_kw: float = 3.0) -> Site:
    """The site with the same typical load all day."""
    return replace(
        site, load=replace(site.load, typical_dc_kw=(dc_kw,) * 24, typical_ac_kw=(0.8,) * 24)
    )


class TestDayProfile:
    def test_before_it_learns_it_expects_the_typical_day(self) -> None:
        profile = DayProfile([float(h) for h in range(24)], ZONE)
        midday = NOON + HOUR / 2
        assert profile.expect(NOON, after(NOON, [midday]))[0] == pytest.approx(12, abs=0.2)
        assert profile.expect(NOON, after(NOON, [midday + 3 * HOUR]))[0] == pytest.approx(
            15, abs=0.2
        )

    @pytest.mark.parametrize("factor", [0.6, 1.4])
    def test_learns_a_changed_level_within_two_hours(self, factor: float) -> None:
        profile = DayProfile([3.0] * 24, ZONE)
        for i in range(120):
            profile.learn(NOON + i * MINUTE, 3.0 * factor)
        now = NOON + 2 * HOUR
        soon, tomorrow = profile.expect(now, after(now, [now + QUARTER, now + 20 * HOUR]))
        assert soon == pytest.approx(3.0 * factor, rel=0.08)
        assert tomorrow == pytest.approx(3.0, rel=0.02), "a level fades ahead"

    def test_learns_a_day(self) -> None:
        """After two weeks of a load unlike the typical one, the next day is forecast well."""

        def load(t: datetime) -> float:
            return 3.0 + math.sin(t.timestamp() / 86400 * 2 * math.pi)

        profile = DayProfile([3.0] * 24, ZONE)
        now = NOON
        while now < NOON + 14 * DAY:
            profile.learn(now, load(now))
            now += timedelta(minutes=5)
        times = [now + i * HOUR for i in range(24)]
        assert profile.expect(now, after(now, times)) == pytest.approx(
            [load(t) for t in times], abs=0.12
        )

    def test_weekends_have_a_day_of_their_own(self) -> None:
        def load(t: datetime) -> float:
            return 2.0 if t.astimezone(ZONE).weekday() >= 5 else 4.0

        profile, monday = DayProfile([3.0] * 24, ZONE), datetime(2026, 7, 12, 16, tzinfo=UTC)
        for i in range(6 * 7 * 96):
            profile.learn(monday + i * QUARTER, load(monday + i * QUARTER))
        now = monday + 42 * DAY
        means = [profile.mean_at(now + day * DAY + 12 * HOUR) for day in range(7)]
        assert means[:5] == pytest.approx([4.0] * 5, abs=0.15)
        assert means[5:] == pytest.approx([2.0] * 2, abs=0.45)
        shape = profile.expect(now, after(now, [now + day * DAY + 12 * HOUR for day in range(7)]))
        assert shape[5] < shape[4] - 1.0

    def test_how_long_a_deviation_lasts_is_learned(self) -> None:
        """Loads that wander for a day, and loads that jump about at every hour."""

        def fades_h(hours: int) -> float:
            rng = np.random.default_rng(1)
            levels = np.repeat(1.0 + 0.2 * rng.standard_normal(40 * 24 // hours + 1), hours * 4)
            profile = DayProfile([3.0] * 24, ZONE)
            for i in range(40 * 96):
                profile.learn(NOON + i * QUARTER, 3.0 * float(levels[i]))
            return profile.fades_h

        assert DayProfile([3.0] * 24, ZONE).fades_h == pytest.approx(4.0, abs=0.2)
        assert fades_h(24) > 8.0
        assert fades_h(1) < 1.0

    def test_a_load_that_never_moves_has_nothing_to_fade(self) -> None:
        profile = DayProfile([3.0] * 24, ZONE)
        profile._covariance = profile._variance = 0.0  # where a decade of the same number ends
        assert profile.expect(NOON, np.array([1.0])) == pytest.approx([3.0])

    def test_one_odd_sample_moves_little(self) -> None:
        profile = DayProfile([3.0] * 24, ZONE)
        for i in range(60):
            profile.learn(NOON + i * MINUTE, 3.0)
        profile.learn(NOON + HOUR, 300.0)
        assert profile.expect(NOON + HOUR, after(NOON + HOUR, [NOON + HOUR]))[0] < 3.2

    def test_a_typical_load_of_zero_can_be_learned_away(self) -> None:
        profile = DayProfile([0.0] * 24, ZONE)
        for i in range(60):
            profile.learn(NOON + i * MINUTE, 2.0)
        assert profile.expect(NOON + DAY, after(NOON + DAY, [NOON + DAY]))[0] > 0.3

    def test_samples_out_of_order_do_no_harm(self) -> None:
        profile = DayProfile([3.0] * 24, ZONE)
        profile.learn(NOON, 3.0)
        profile.learn(NOON - HOUR, 30.0)
        assert profile.expect(NOON, after(NOON, [NOON]))[0] == pytest.approx(3.0)


class TestLoad:
    def test_quantile_lies_the_margin_above(self, hangzhou: Site) -> None:
        forecast = ahead(LearningForecaster(hangzhou), NOON)
        assert forecast.dc_load_p95_kw == pytest.approx(forecast.dc_load_kw * 1.10)
        assert forecast.issued == NOON

    def test_peak_load_is_the_mean_of_the_coming_hours(self, hangzhou: Site) -> None:
        forecaster = LearningForecaster(hangzhou)
        evening = NOON + 7 * HOUR
        mean = float(ahead(forecaster, evening, 3).dc_load_kw.mean())
        assert forecaster.peak_load_kw(evening, 3.0) == pytest.approx(mean * 1.10, rel=0.01)
        assert forecaster.peak_load_kw(evening, 3.0) > forecaster.peak_load_kw(
            NOON - 10 * HOUR, 3.0
        )

    def test_replay_is_the_same_as_learning_live(self, hangzhou: Site) -> None:
        samples = [
            (NOON + i * MINUTE, {"dc_load_kw": 4.0, "ac_load_kw": 1.1, "pv_kw": 2.0})
            for i in range(90)
        ]
        live, resumed = LearningForecaster(hangzhou), LearningForecaster(hangzhou)
        for time, values in samples:
            live.learn(time, values)
        learn_all(resumed, samples)
        assert_same(ahead(live, NOON + 2 * HOUR), ahead(resumed, NOON + 2 * HOUR))

    def test_from_a_mains_failure_nothing_is_learned_of_the_air_conditioner(
        self, hangzhou: Site
    ) -> None:
        site = flat(hangzhou)
        outage = taught(
            LearningForecaster(site),
            lambda t: {"ac_load_kw": 0.0, "mains_v": 0.0},
            NOON,
            NOON + HOUR,
        )
        off = taught(
            LearningForecaster(site),
            lambda t: {"ac_load_kw": 0.0, "mains_v": 225.0},
            NOON,
            NOON + HOUR,
        )
        assert ahead(outage, NOON + HOUR).ac_load_kw == pytest.approx(0.8)
        assert ahead(off, NOON + HOUR).ac_load_kw[0] < 0.5

    def test_a_sensor_below_zero_gives_no_negative_forecast(self, hangzhou: Site) -> None:
        values = {"dc_load_kw": -0.1, "ac_load_kw": -0.2, "pv_kw": -0.3, "rectifier_dc_kw": 3.0}
        forecast = ahead(
            taught(LearningForecaster(hangzhou), lambda t: values, NOON, NOON + 3 * DAY, QUARTER),
            NOON + 3 * DAY,
        )
        for series in (forecast.dc_load_kw, forecast.ac_load_kw, forecast.pv_kw):
            assert series.min() >= 0


@pytest.mark.parametrize("unknown", [None, math.nan])
@pytest.mark.parametrize(
    "name", ["dc_load_kw", "ac_load_kw", "pv_kw", "rectifier_dc_kw", "mains_v"]
)
def test_from_unknown_values_nothing_is_learned(
    name: str, unknown: float | None, hangzhou: Site
) -> None:
    def known(t: datetime) -> dict[str, float | None]:
        return {"dc_load_kw": 4.0, "ac_load_kw": 1.2, "pv_kw": 3.0}

    plain = taught(LearningForecaster(hangzhou), known, NOON, NOON + HOUR)
    blind = taught(LearningForecaster(hangzhou), known, NOON, NOON + HOUR)
    taught(blind, lambda t: {name: unknown}, NOON + HOUR, NOON + 2 * HOUR)
    assert_same(ahead(plain, NOON + 2 * HOUR), ahead(blind, NOON + 2 * HOUR))


class TestPv:
    def test_never_above_the_rating_and_zero_at_night(self, hangzhou: Site) -> None:
        bright = taught(
            LearningForecaster(hangzhou),
            lambda t: {"pv_kw": 9.0, "rectifier_dc_kw": 1.0},
            NOON - 2 * HOUR,
            NOON,
        )
        forecast = ahead(bright, NOON)
        assert hangzhou.pv is not None
        assert 3.0 < forecast.pv_kw.max() <= hangzhou.pv.rated_kwp
        local_hours = np.array([t.astimezone(ZONE).hour for t in forecast.starts])
        assert np.all(forecast.pv_kw[(local_hours >= 20) | (local_hours < 4)] == 0)
        assert np.all(forecast.pv_kw >= 0)

    def test_clouds_persist_and_then_relax(self, hangzhou: Site) -> None:
        dark = taught(
            LearningForecaster(hangzhou),
            lambda t: {"pv_kw": 0.2, "rectifier_dc_kw": 3.0},
            NOON - 2 * HOUR,
            NOON,
        )
        clouded, unknown = ahead(dark, NOON), ahead(LearningForecaster(hangzhou), NOON)
        assert clouded.pv_kw[1] < 0.4 * unknown.pv_kw[1]
        assert clouded.pv_kw[96] == pytest.approx(unknown.pv_kw[96], rel=0.15), (
            "two dark hours change little of what is usual"
        )

    def test_curtailed_photovoltaics_do_not_darken_the_sky(self, hangzhou: Site) -> None:
        def clear(t: datetime) -> Values:
            return {"pv_kw": 3.5, "rectifier_dc_kw": 1.0}

        forecaster = taught(LearningForecaster(hangzhou), clear, NOON - HOUR, NOON)
        before = ahead(forecaster, NOON, 1).pv_kw
        throttled = taught(
            forecaster, lambda t: {"pv_kw": 0.5, "rectifier_dc_kw": 0.0}, NOON, NOON + HOUR
        )
        assert ahead(throttled, NOON + HOUR, 1).pv_kw == pytest.approx(before, rel=0.1)
        taught(
            throttled,
            lambda t: {"pv_kw": 0.5, "rectifier_dc_kw": 2.5},
            NOON + HOUR,
            NOON + 2 * HOUR,
        )
        assert ahead(throttled, NOON + 2 * HOUR, 1).pv_kw.max() < 0.7 * before.max(), (
            "real clouds do"
        )

    def test_more_pv_than_expected_counts_even_while_curtailed(self, hangzhou: Site) -> None:
        dark = taught(
            LearningForecaster(hangzhou),
            lambda t: {"pv_kw": 0.3, "rectifier_dc_kw": 3.0},
            NOON - HOUR,
            NOON,
        )
        before = ahead(dark, NOON, 1).pv_kw
        taught(dark, lambda t: {"pv_kw": 3.0, "rectifier_dc_kw": 0.0}, NOON, NOON + HOUR)
        assert ahead(dark, NOON + HOUR, 1).pv_kw[0] > 2 * before[0]

    def test_night_says_nothing_about_clouds(self, hangzhou: Site) -> None:
        midnight = NOON + 12 * HOUR
        plain = LearningForecaster(hangzhou)
        night = taught(
            LearningForecaster(hangzhou),
            lambda t: {"pv_kw": 0.0, "rectifier_dc_kw": 3.0},
            midnight,
            midnight + HOUR,
        )
        assert_same(ahead(plain, midnight + HOUR), ahead(night, midnight + HOUR))

    def test_a_site_without_photovoltaics_expects_none(self, hangzhou: Site) -> None:
        forecaster = LearningForecaster(replace(hangzhou, pv=None))
        forecaster.learn(NOON, {"pv_kw": 3.0})
        assert not ahead(forecaster, NOON).pv_kw.any()

    def test_clear_sky(self, hangzhou: Site, rural: Site) -> None:
        """At noon in July a module that faces the sun gives most of its rating, less losses."""
        for site in (hangzhou, rural):
            assert site.pv is not None
            sky = ClearSky(site.site, site.pv)
            assert (
                0.7
                < sky.power_kw(NOON + QUARTER) / (site.pv.rated_kwp * site.pv.performance_ratio)
                < 1.1
            )
            assert sky.power_kw(NOON + 12 * HOUR) == 0
            day = sky.powers_kw(NOON - 6 * HOUR, np.arange(13.0))
            assert np.all(np.diff(day[:6]) > 0)
            assert np.all(np.diff(day[7:]) < 0)

    def test_clear_sky_is_continuous_over_midnight_utc_and_many_days(self) -> None:
        america = replace(HANGZHOU.site, longitude_deg=-120.0)
        assert HANGZHOU.pv is not None
        sky = ClearSky(america, HANGZHOU.pv)  # its afternoon spans midnight UTC
        for day in range(14):
            midnight = datetime(2026, 7, 1, tzinfo=UTC) + day * DAY
            before, after = sky.powers_kw(
                midnight - timedelta(seconds=1), np.array([0.0, 1 / 3600])
            )
            assert after == pytest.approx(before, abs=0.01)
            assert after > 0.1
            ends = (sky.power_kw(midnight - QUARTER), sky.power_kw(midnight))
            assert sky.power_kw(midnight - QUARTER / 2) == pytest.approx(sum(ends) / 2), (
                "also just before it"
            )

    def test_clear_sky_is_the_same_whatever_was_asked_before(self) -> None:
        assert HANGZHOU.pv is not None
        asked, days = ClearSky(HANGZHOU.site, HANGZHOU.pv), np.arange(40) * 24.0
        far = asked.powers_kw(NOON, days)
        for day in (39, 3, 33):
            fresh = ClearSky(HANGZHOU.site, HANGZHOU.pv)
            assert asked.power_kw(NOON + day * DAY) == pytest.approx(
                fresh.power_kw(NOON + day * DAY), rel=1e-9
            )
            assert far[day] == pytest.approx(fresh.power_kw(NOON + day * DAY), rel=1e-9)


samples = st.fixed_dictionaries(
    {
        "dc_load_kw": st.one_of(st.none(), st.floats(0, 10)),
        "ac_load_kw": st.one_of(st.none(), st.floats(0, 4)),
        "pv_kw": st.one_of(st.none(), st.floats(0, 6)),
        "rectifier_dc_kw": st.one_of(st.none(), st.floats(0, 12)),
    }
)
pasts = st.lists(samples, max_size=12)


@settings(max_examples=examples(40))
@given(pasts, pasts, pasts)
def test_no_look_ahead(past: list[Any], one: list[Any], other: list[Any]) -> None:
    """Two forecasters with the same past make exactly the same forecast, whatever each learns
    later.
    """
    forecasts = []
    for future in (one, other):
        forecaster = LearningForecaster(HANGZHOU)
        learn_all(forecaster, ((NOON + i * QUARTER, values) for i, values in enumerate(past)))
        now = NOON + len(past) * QUARTER
        forecast = ahead(forecaster, now)
        copies = [np.array(s) for s in (forecast.dc_load_kw, forecast.ac_load_kw, forecast.pv_kw)]
        learn_all(forecaster, ((now + i * QUARTER, values) for i, values in enumerate(future)))
        for series, copy in zip(
            (forecast.dc_load_kw, forecast.ac_load_kw, forecast.pv_kw), copies, strict=True
        ):
            assert np.array_equal(series, copy), "what was issued stays as issued"
        forecasts.append(forecast)
    assert_same(*forecasts)


def assert_same(one: Forecast, other: Forecast) -> None:
    for name in ("dc_load_kw", "dc_load_p95_kw", "ac_load_kw", "pv_kw"):
        assert np.array_equal(getattr(one, name), getattr(other, name)), name
