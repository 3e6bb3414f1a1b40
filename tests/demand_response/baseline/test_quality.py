"""Errors of rules: by hand, and on real meters without an event and with a known one."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest

from siteems.demand_response.baseline.compute import NoBaseline, baseline
from siteems.demand_response.baseline.days import DayFacts, MeteredDays, metered_days
from siteems.demand_response.baseline.quality import Quality, quality
from siteems.demand_response.baseline.rules import RULES, Rule

DATA = Path(__file__).parents[4] / "shared" / "data" / "mv_meters_opendsm"
HOUR = timedelta(hours=1)


def test_by_hand() -> None:
    base, metered = np.array([2.0, 4.0]), np.array([1.0, 3.0])
    found = quality([(base, metered), (None, metered)])
    assert found == Quality(2, 1, pytest.approx(0.5), pytest.approx(0.5))
    assert not found.is_good
    assert quality([(metered, metered)]).is_good
    unknown = quality([(np.array([np.nan, 4.0]), metered)])
    assert unknown.bias == pytest.approx(1.0 / 3.0)
    assert math.isnan(quality([]).rrmse)
    assert not quality([]).is_good


def meter(name: str, zone: str) -> MeteredDays:
    path = DATA / f"{name}.csv.gz"
    if not path.is_file():
        pytest.skip("no ../shared/data/mv_meters_opendsm")
    frame = pd.read_csv(path)
    times = pd.to_datetime(frame["start"], utc=True)
    series = pd.Series(frame["value"].to_numpy(), index=times)
    series = series[~series.index.duplicated()].asfreq("h")
    start = series.index[0].to_pydatetime().astimezone(UTC)
    return metered_days(start, HOUR, series.to_numpy(dtype=np.float64), ZoneInfo(zone))


def events(days: MeteredDays) -> list[datetime]:
    """Two hours on every workday after three months, in the morning, at noon and in the evening by
    turns. One house is noisy: its errors have a standard deviation of its mean import or more.
    """
    workdays = [day for day in sorted(days.kw)[90:] if day.weekday() < 5]
    hours = (9, 12, 18)
    return [
        datetime(day.year, day.month, day.day, hours[number % 3], tzinfo=days.zone)
        for number, day in enumerate(workdays)
    ]


def errors(rule: Rule, days: MeteredDays) -> Quality:
    pairs = []
    for start in events(days):
        end = start + 2 * HOUR
        try:
            base = baseline(rule, days, DayFacts(), start, end, start - 2 * HOUR).kw
        except NoBaseline:
            base = None
        pairs.append((base, days.between(start, end)))
    return quality(pairs)


METERS = [
    ("uk-electricity-hdd-only-hourly-sample-0", "Europe/London"),
    ("il-electricity-cdd-hdd-hourly", "America/Chicago"),
]


@pytest.mark.parametrize(("name", "zone"), METERS)
def test_the_best_rule_has_a_bias_of_two_percent_at_most(name: str, zone: str) -> None:
    """On days without an event, so that every difference is an error of the rule."""
    days = meter(name, zone)
    biases = {
        rule: errors(RULES[rule], days).bias
        for rule in ("mean-10-of-10", "similar-5-days", "high-5-of-10", "high-4-of-5")
    }
    assert min(map(abs, biases.values())) <= 0.02, biases
    assert biases["high-5-of-10"] > biases["similar-5-days"], "the highest days are too high"


@pytest.mark.parametrize(("name", "zone"), METERS)
def test_a_known_reduction_is_found(name: str, zone: str) -> None:
    """A tenth less in every event: what a rule without bias measures is a tenth, give or take its
    bias.
    """
    days = meter(name, zone)
    rule = RULES["mean-10-of-10"]
    delivered = metered = 0.0
    for start in events(days):
        end = start + 2 * HOUR
        try:
            base = baseline(rule, days, DayFacts(), start, end, start - 2 * HOUR).kw
        except NoBaseline:
            continue
        reduced = 0.9 * days.between(start, end)
        if np.isnan(reduced).any():
            continue
        delivered += float((base - reduced).sum()) / 4.0
        metered += float(reduced.sum()) / 0.9 / 4.0
    bias = errors(rule, days).bias
    assert delivered / metered == pytest.approx(0.1 + bias, abs=1e-9)
    assert abs(delivered / metered - 0.1) <= 0.05
