"""Baselines against tables worked by hand, and what must hold for any."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from siteems.demand_response.baseline.compute import Baseline, NoBaseline, baseline
from siteems.demand_response.baseline.days import STEPS, DayFacts, MeteredDays
from siteems.demand_response.baseline.rules import RULES, Adjustment, DayRule, Rule, rule_named
from siteems.errors import UserError

SHANGHAI = ZoneInfo("Asia/Shanghai")
EVENT_DAY = date(2026, 7, 15)  # a Wednesday
START = datetime(2026, 7, 15, 18, 0, tzinfo=SHANGHAI)
END = START + timedelta(hours=2)
HOUR = timedelta(hours=1)
NOTICE = START - 24 * HOUR
NOTHING = DayFacts()
WORKDAYS = [day for back in range(1, 40) if (day := EVENT_DAY - timedelta(days=back)).weekday() < 5]
"""Before the event, the newest first: 14, 13, 10, 9, 8, 7, 6, 3, 2, 1 July, 30 June ..."""


def metered(level_kw: dict[date, float], event_day: dict[int, float] | None = None) -> MeteredDays:
    """Days of one constant power each; of the event's day the given hours."""
    kw = {day: np.full(STEPS, level) for day, level in level_kw.items()}
    today = np.full(STEPS, np.nan)
    for hour, value in (event_day or {}).items():
        today[4 * hour : 4 * hour + 4] = value
    kw[EVENT_DAY] = today
    return MeteredDays(kw, SHANGHAI)


RISING = {day: 1.0 + number for number, day in enumerate(WORKDAYS)}
"""1 kW on the day before the event, 2 kW on the workday before that, and so on."""


def found(
    rule: str | Rule,
    days: MeteredDays,
    facts: DayFacts = NOTHING,
    notice: datetime = NOTICE,
) -> Baseline:
    chosen = RULES[rule] if isinstance(rule, str) else rule
    return baseline(chosen, days, facts, START, END, notice)


class TestByHand:
    def test_high_5_of_10(self) -> None:
        """From day -2 on: 2 to 11 kW, of which the highest are 7, 8, 9, 10, 11."""
        result = found("high-5-of-10", metered(RISING))
        assert result.kw.tolist() == [9.0] * 8
        assert result.days == tuple(sorted(WORKDAYS[6:11]))

    def test_similar_5_days(self) -> None:
        result = found("similar-5-days", metered(RISING), notice=START)
        assert result.kw.tolist() == [3.0] * 8

    def test_after_a_notice_of_a_day_the_day_between_does_not_count(self) -> None:
        """It heard of the event at 18:00 of the day before: that day is not over."""
        result = found("similar-5-days", metered(RISING))
        assert result.days == tuple(sorted(WORKDAYS[1:6]))

    def test_10_of_10_adjusted_within_its_cap(self) -> None:
        """Mean of 1 to 10 kW: 5.5; metered from 14:00 to 17:00: 6.05, a tenth more."""
        days = metered(RISING, {14: 6.05, 15: 6.05, 16: 6.05})
        result = found("mean-10-of-10", days, notice=START)
        assert result.kw == pytest.approx([6.05] * 8)
        assert result.adjusted_kw == pytest.approx(0.55)
        assert not result.capped

    def test_10_of_10_at_its_cap(self) -> None:
        for kw, expected in ((11.0, 6.6), (1.0, 4.4)):
            days = metered(RISING, {14: kw, 15: kw, 16: kw})
            result = found("mean-10-of-10", days, notice=START)
            assert result.kw == pytest.approx([expected] * 8)
            assert result.capped

    def test_high_4_of_5_is_adjusted_by_a_sum(self) -> None:
        """Of 1 to 5 kW the highest four: 3.5; metered 4.3, so 0.8 kW are added."""
        days = metered(RISING, {14: 4.3, 15: 4.3, 16: 4.3})
        result = found("high-4-of-5", days, notice=START)
        assert result.kw == pytest.approx([4.3] * 8)
        assert found("high-4-of-5", metered(RISING), notice=START).kw == pytest.approx([3.5] * 8)

    def test_match_day(self) -> None:
        assert found("match-day", metered(RISING), notice=START).kw.tolist() == [2.0] * 8

    def test_the_minutes_before(self) -> None:
        days = metered({}, {17: 3.3})
        assert found("before-15-min", days, notice=START).kw.tolist() == [3.3] * 8
        with pytest.raises(NoBaseline, match="the 15 min before the event are not metered"):
            found("before-15-min", metered({}), notice=START)

    def test_a_battery_with_a_meter_of_its_own(self) -> None:
        assert found("battery-sub-meter", metered({})).kw.tolist() == [0.0] * 8

    def test_days_are_ranked_by_the_whole_day_or_by_the_hours_of_the_event(self) -> None:
        kw = {day: np.full(STEPS, 2.0) for day in WORKDAYS}
        kw[WORKDAYS[2]][:48] = 9.0  # a busy morning
        kw[WORKDAYS[3]][72:80] = 5.0  # a busy evening
        days = MeteredDays(kw, SHANGHAI)
        one = DayRule("one", days=5, used=1)
        assert found(one, days, notice=START).days == (WORKDAYS[2],)
        by_hours = replace(one, ranked_by="event-hours")
        assert found(by_hours, days, notice=START).days == (WORKDAYS[3],)


def metered_but_night() -> MeteredDays:
    """The days of `RISING` without their nights."""
    days = metered(RISING)
    for day in RISING:
        days.kw[day][:20] = np.nan
    return days


class TestExclusions:
    @pytest.mark.parametrize(
        ("facts", "why"),
        [
            (DayFacts(events=frozenset({WORKDAYS[3]})), "event"),
            (DayFacts(outages=frozenset({WORKDAYS[3]})), "outage"),
            (DayFacts(holidays=frozenset({WORKDAYS[3]})), "holiday"),
            (DayFacts(tariff_of={WORKDAYS[3]: "another"}), "other-tariff"),
        ],
    )
    def test_a_day_is_left_out_and_stated(self, facts: DayFacts, why: str) -> None:
        result = found("similar-5-days", metered(RISING), facts, notice=START)
        assert (WORKDAYS[3], why) in result.excluded
        assert result.days == tuple(sorted([*WORKDAYS[:3], *WORKDAYS[4:6]]))

    def test_a_day_with_a_hole(self) -> None:
        days = metered(RISING)
        days.kw[WORKDAYS[3]][10] = np.nan
        result = found("similar-5-days", days, notice=START)
        assert (WORKDAYS[3], "missing-data") in result.excluded
        # A rule that looks at the hours of the event alone does not need the night.
        assert found("match-day", metered_but_night(), notice=START).days == tuple(
            sorted(WORKDAYS[:3])
        )

    def test_weekends_are_days_of_their_own(self) -> None:
        levels = {EVENT_DAY - timedelta(days=n): float(n) for n in range(1, 30)}
        result = found("similar-5-days", metered(levels), notice=START)
        assert all(day.weekday() < 5 for day in result.days)
        saturday = datetime(2026, 7, 18, 18, 0, tzinfo=SHANGHAI)
        levels |= {date(2026, 7, 15) + timedelta(days=n): 1.0 for n in range(3)}
        result = baseline(
            RULES["similar-5-days"], metered(levels), NOTHING, saturday, saturday + HOUR, saturday
        )
        assert all(day.weekday() >= 5 for day in result.days)

    def test_too_few_days_are_no_baseline(self) -> None:
        few = dict.fromkeys(WORKDAYS[:4], 3.0)
        with pytest.raises(NoBaseline, match="4 of 5 eligible days in the 60 days"):
            found("similar-5-days", metered(few), notice=START)
        old = {day - timedelta(days=70): 3.0 for day in WORKDAYS}
        with pytest.raises(NoBaseline, match="0 of 5"):
            found("similar-5-days", metered(old), notice=START)


def test_charging_after_the_notice_does_not_raise_the_baseline() -> None:
    """The window ends an hour before the notice, whatever is imported afterwards."""
    notice = START - 4 * HOUR
    before = dict.fromkeys((10, 11, 12), 5.5)
    rule = RULES["mean-10-of-10"]
    quiet = metered(RISING, before)
    charging = metered(RISING, before | {14: 50.0, 15: 50.0, 16: 50.0, 17: 50.0})
    results = [baseline(rule, each, NOTHING, START, END, notice) for each in (quiet, charging)]
    assert results[0].kw == pytest.approx(results[1].kw)


def test_a_baseline_that_arbitrage_has_emptied_pays_nothing() -> None:
    """domain.md 5.2: a site that carries its load from the battery every evening has a baseline of
    0 in the evening; an event then finds nothing to reduce.
    """
    arbitrage = np.full(STEPS, 3.6)
    arbitrage[17 * 4 : 22 * 4] = 0.0
    arbitrage[10 * 4 : 12 * 4] = 7.0
    days = MeteredDays({day: arbitrage.copy() for day in WORKDAYS}, SHANGHAI)
    evening = found("high-5-of-10", days)
    assert evening.kw.tolist() == [0.0] * 8
    noon = datetime(2026, 7, 15, 10, 0, tzinfo=SHANGHAI)
    at_noon = baseline(
        RULES["high-5-of-10"], days, NOTHING, noon, noon + 2 * HOUR, noon - 24 * HOUR
    )
    assert at_noon.kw.tolist() == [7.0] * 8


def test_an_event_that_does_not_begin_at_a_quarter_hour() -> None:
    start, end = START + timedelta(minutes=5), START + timedelta(minutes=50)
    result = baseline(RULES["match-day"], metered(RISING), NOTHING, start, end, start)
    assert result.start == START
    assert len(result.kw) == 4
    assert result.mean_kw(start, end) == pytest.approx(2.0)
    with pytest.raises(ValueError, match="is not within the baseline"):
        result.mean_kw(start, end + HOUR)


def test_a_mean_over_a_part() -> None:
    result = Baseline("x", START, np.array([1.0, 3.0]))
    begin = START + timedelta(minutes=10)
    assert result.mean_kw(begin, START + timedelta(minutes=30)) == pytest.approx(
        (5 * 1.0 + 15 * 3.0) / 20
    )


def test_it_is_stored_before_the_event_and_read_again() -> None:
    result = found("high-5-of-10", metered(RISING), DayFacts(events=frozenset({WORKDAYS[4]})))
    again = Baseline.from_dict(result.to_dict())
    assert again.to_dict() == result.to_dict()
    assert again.kw.tolist() == result.kw.tolist()


def test_names() -> None:
    assert rule_named("high-5-of-10").name == "high-5-of-10"
    with pytest.raises(UserError, match="firm-service-level"):
        rule_named("firm-service-level")


levels = st.lists(st.floats(0.0, 20.0), min_size=len(WORKDAYS), max_size=len(WORKDAYS))
day_rules = st.sampled_from([rule for rule in RULES.values() if isinstance(rule, DayRule)])


@given(rule=day_rules, kw=st.floats(0.1, 20.0))
def test_a_constant_load_is_its_own_baseline(rule: DayRule, kw: float) -> None:
    days = metered(dict.fromkeys(WORKDAYS, kw), {14: kw, 15: kw, 16: kw})
    assert found(rule, days, notice=START).kw == pytest.approx([kw] * 8)


@given(rule=day_rules, kw=levels, factor=st.floats(0.1, 10.0))
def test_a_baseline_scales_with_the_load(rule: DayRule, kw: list[float], factor: float) -> None:
    one, other = (
        found(
            rule,
            metered(
                {day: times * each for day, each in zip(WORKDAYS, kw, strict=True)},
                dict.fromkeys((14, 15, 16), times * 5.0),
            ),
            notice=START,
        )
        for times in (1.0, factor)
    )
    assert other.kw == pytest.approx(factor * one.kw, rel=1e-6, abs=0.02)


@given(rule=day_rules, kw=levels, spoiled=st.floats(0.0, 1e6))
def test_what_happens_after_the_notice_changes_nothing(
    rule: DayRule, kw: list[float], spoiled: float
) -> None:
    level = dict(zip(WORKDAYS, kw, strict=True))
    before, after = {11: 4.0, 12: 4.0, 13: 4.0}, {15: spoiled, 16: spoiled, 17: spoiled}
    notice = START - 3 * HOUR
    one, other = (
        found(rule, metered(level, hours), notice=notice) for hours in (before, before | after)
    )
    assert one.kw.tolist() == other.kw.tolist()


@given(kind=st.sampled_from(["additive", "multiplicative"]), kw=levels, now=st.floats(0.0, 50.0))
def test_an_adjustment_stays_within_its_cap(kind: str, kw: list[float], now: float) -> None:
    plain = DayRule("plain", days=5, used=5)
    adjusted = replace(plain, adjustment=Adjustment(kind, most_share=0.2))  # type: ignore[arg-type]
    days = metered(dict(zip(WORKDAYS, kw, strict=True)), dict.fromkeys((14, 15, 16), now))
    base, result = (found(rule, days, notice=START) for rule in (plain, adjusted))
    moved = abs(float((result.kw - base.kw).mean()))
    assert moved <= 0.2 * float(base.kw.mean()) + 1e-9
