"""Whether a day kept its backup reserve: mains failures, recovery, unknown values."""

from __future__ import annotations

from dataclasses import replace

import pytest
from day_samples import MINUTE, NOON, sample

from siteems.demo.reserve_check import check_reserve
from siteems.history.records import Sample
from siteems.site.model import Site
from siteems.site.reserve import hours_left


def moment(
    minutes: float, soc: float | None, mains_v: float | None = 225.0, reserve: float | None = 0.40
) -> Sample:
    return sample(
        minutes, soc=soc, mains_v=mains_v, reserve_soc=reserve, dc_load_kw=3.0, battery_c=25.0
    )


def test_held(hangzhou: Site) -> None:
    check = check_reserve([moment(0, 0.6), moment(1, 0.41), moment(2, 0.5)], hangzhou)
    assert check.held
    assert check.lowest_margin_soc == pytest.approx(0.01)
    assert check.lowest_margin_at == NOON + MINUTE
    assert check.lowest_backup_h == pytest.approx(hours_left(hangzhou.battery, 3.0, 0.41, 25.0))
    assert check.outage_used_kwh == 0


@pytest.mark.parametrize(
    ("soc", "held"), [(0.400, True), (0.3951, True), (0.3949, False), (0.30, False)]
)
def test_broken_beyond_the_resolution_of_the_sensor(soc: float, held: bool, hangzhou: Site) -> None:
    assert check_reserve([moment(0, 0.6), moment(1, soc)], hangzhou).held is held


def test_a_mains_failure_may_use_it_and_the_recovery_is_no_breach(hangzhou: Site) -> None:
    record = [
        moment(0, 0.45),
        moment(1, 0.44, mains_v=0.0),
        moment(2, 0.30, mains_v=0.0),
        moment(3, 0.31),
        moment(4, 0.39),
        moment(5, 0.42),
    ]
    check = check_reserve(record, hangzhou)
    assert check.held
    assert check.lowest_margin_soc == pytest.approx(0.02)
    assert check.outage_used_kwh == pytest.approx(0.15 * 47.04)


def test_after_the_recovery_it_counts_again(hangzhou: Site) -> None:
    record = [
        moment(0, 0.45),
        moment(1, 0.30, 0.0),
        moment(2, 0.35),
        moment(3, 0.41),
        moment(4, 0.38),
    ]
    check = check_reserve(record, hangzhou)
    assert not check.held
    assert check.lowest_margin_at == NOON + 4 * MINUTE


def test_a_breach_before_the_failure_is_one(hangzhou: Site) -> None:
    assert not check_reserve([moment(0, 0.35), moment(1, 0.30, 0.0), moment(2, 0.5)], hangzhou).held


def test_two_failures_each_count_from_their_own_start(hangzhou: Site) -> None:
    record = [
        moment(0, 0.60),
        moment(1, 0.55, 0.0),
        moment(2, 0.58),
        moment(3, 0.50, 0.0),
        moment(4, 0.50),
    ]
    assert check_reserve(record, hangzhou).outage_used_kwh == pytest.approx(0.08 * 47.04)


@pytest.mark.parametrize("name", ["soc", "mains_v", "reserve_soc"])
def test_samples_with_unknown_values_are_passed_over(name: str, hangzhou: Site) -> None:
    low = moment(1, 0.2)
    unknown = replace(low, values=dict(low.values) | {name: None})
    assert check_reserve([moment(0, 0.6), unknown], hangzhou).held
    with pytest.raises(ValueError, match="no moment with mains"):
        check_reserve([unknown], hangzhou)
