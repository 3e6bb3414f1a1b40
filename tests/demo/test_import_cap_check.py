"""Whether a day held the import cap of a DR event, on small records of counter and power."""

from __future__ import annotations

from dataclasses import replace

import pytest
from day_samples import HOUR, MINUTE, NOON, sample

from siteems.demand_response.event import import_cap_event
from siteems.demo.import_cap_check import check_import_cap
from siteems.history.records import Sample
from siteems.site.model import Site

EVENT = import_cap_event("a", 0, 2.0, NOON, NOON + HOUR, "test", NOON - HOUR)


def metered(*quarters_kw: float) -> list[Sample]:
    """A minute record of a meter under these quarter-hour means."""
    kwh, record = 100.0, []
    for i in range(len(quarters_kw) * 15 + 1):
        record.append(sample(i, energy_import_kwh=kwh))
        kwh += quarters_kw[min(i // 15, len(quarters_kw) - 1)] / 60
    return record


def test_held_by_quarter_hours(hangzhou: Site) -> None:
    check = check_import_cap(
        metered(1.0, 2.0, 1.5, 1.9), metered(4.0, 4.0, 5.0, 5.0), EVENT, hangzhou
    )
    assert check.held
    assert check.highest_quarter_kw == pytest.approx(2.0)
    assert check.mean_kw == pytest.approx(1.6)
    assert check.uncontrolled_mean_kw == pytest.approx(4.5)


def test_one_quarter_above_breaks_it_though_the_mean_is_below(hangzhou: Site) -> None:
    check = check_import_cap(
        metered(1.0, 2.1, 1.0, 1.0), metered(4.0, 4.0, 4.0, 4.0), EVENT, hangzhou
    )
    assert not check.held
    assert check.mean_kw < 2.0


def test_a_peak_within_a_quarter_is_settled_by_its_mean(hangzhou: Site) -> None:
    record = metered(1.9, 1.9, 1.9, 1.9)
    bump = [*record[:7], replace(record[7], values={"energy_import_kwh": 100.9}), *record[15:]]
    assert check_import_cap(bump, record, EVENT, hangzhou).held


def test_an_event_that_does_not_last_whole_quarters(hangzhou: Site) -> None:
    short = import_cap_event("a", 0, 2.0, NOON, NOON + 20 * MINUTE, "test", NOON - HOUR)
    check = check_import_cap(metered(1.0, 3.0), metered(1.0, 1.0), short, hangzhou)
    assert check.highest_quarter_kw == pytest.approx(3.0)
    assert not check.held


@pytest.mark.parametrize(
    ("drawn_kw", "measured", "held", "highest_kw"),
    [
        (1.9, True, True, 1.9),
        (2.2, True, False, 2.2),
        (3.0, True, False, 3.2),
        (1.9, False, False, 2.4),
    ],
)
def test_steps_of_a_counter_behind_transformers_break_no_cap(
    drawn_kw: float, measured: bool, held: bool, highest_kw: float, hangzhou: Site
) -> None:
    """0.2 kWh each: 1.9 kW for a quarter hour is 0.475 kWh, of which the counter shows 0.4 or
    0.6.
    """
    coarse = []
    for row in metered(*[drawn_kw] * 4):
        counter = row.values["energy_import_kwh"]
        assert counter is not None
        values: dict[str, float | None] = {"energy_import_kwh": round(counter // 0.2 * 0.2, 3)}
        if measured:
            values["grid_kw"] = drawn_kw
        coarse.append(replace(row, values=values))
    check = check_import_cap(coarse, coarse, EVENT, hangzhou)
    assert check.held is held
    assert check.highest_quarter_kw == pytest.approx(highest_kw)


def test_a_fine_counter_decides_whatever_the_power_is(hangzhou: Site) -> None:
    record = [
        replace(row, values={**row.values, "grid_kw": 1.9}) for row in metered(2.1, 2.1, 2.1, 2.1)
    ]
    check = check_import_cap(record, record, EVENT, hangzhou)
    assert not check.held
    assert check.highest_quarter_kw == pytest.approx(2.1)


def test_a_record_that_does_not_cover_the_event(hangzhou: Site) -> None:
    with pytest.raises(ValueError, match="does not cover"):
        check_import_cap(metered(1.0, 1.0), metered(1.0, 1.0), EVENT, hangzhou)


def test_a_counter_that_shows_0_for_a_minute_breaks_no_cap(hangzhou: Site) -> None:
    record = metered(1.9, 1.9, 1.9, 1.9)
    blip = [*record[:20], replace(record[20], values={"energy_import_kwh": 0.0}), *record[21:]]
    check = check_import_cap(blip, record, EVENT, hangzhou)
    assert check.held
    assert check.highest_quarter_kw == pytest.approx(1.9)
