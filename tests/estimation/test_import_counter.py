"""The counter followed live: each failure is found once, repaired once, and costs no energy."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from siteems.estimation.import_counter import CounterEvent, ImportCounter
from siteems.recordings.counter import counter_energy

START, MINUTE = datetime(2026, 7, 15, tzinfo=UTC), timedelta(minutes=1)
KW = 3.0
SOUND = 98_765.4 + KW / 60.0 * np.arange(30 * 60)


def followed(
    readings: np.ndarray, power_kw: float | None = KW, counter: ImportCounter | None = None
) -> list[tuple[int, CounterEvent]]:
    """The events, with the minute of the reading; NaN is no reading."""
    counter = counter or ImportCounter(12.0)
    events = []
    for minute, reading in enumerate(readings.round(2).tolist()):
        value = None if np.isnan(reading) else reading
        event = counter.learn(START + minute * MINUTE, value, power_kw)
        if event is not None:
            events.append((minute, event))
    return events


def test_a_sound_counter_has_no_events() -> None:
    assert followed(SOUND) == []
    gaps = SOUND.copy()
    gaps[100:700] = np.nan
    assert followed(gaps) == []
    assert followed(np.floor(SOUND)) == [], "counted in whole kWh"
    assert followed(np.full(1800, 5.0), power_kw=0.0) == [], "nothing is drawn"


@pytest.mark.parametrize("wrong", [0.0, 1.0, 4_294_967.29])
@pytest.mark.parametrize("minutes", [1, 4, 200])
def test_a_blip_is_found_at_once_and_repaired_when_it_ends(wrong: float, minutes: int) -> None:
    readings = SOUND.copy()
    readings[958 : 958 + minutes] = wrong
    (began, failure), (ended, repair) = followed(readings)
    assert (began, ended) == (958, 958 + minutes)
    assert (failure.repaired, failure.reading_kwh) == (False, round(wrong, 2))
    assert (repair.repaired, repair.kind) == (True, "blip")
    assert repair.kwh == pytest.approx(KW / 60.0 * (minutes + 1), abs=0.011)
    hours = np.arange(readings.size) / 60.0
    (later,) = counter_energy(hours, readings.round(2), 12.0).repairs
    assert repair.kwh == pytest.approx(later.kwh), "as demo and bill repair it"


def test_two_blips_are_two() -> None:
    readings = SOUND.copy()
    readings[300:304] = readings[900:904] = 0.0
    assert [minute for minute, _ in followed(readings)] == [300, 304, 900, 904]


def test_an_overflow_is_repaired_at_once() -> None:
    begin = 99_990.0
    ((minute, repair),) = followed((begin + KW / 60.0 * np.arange(600)) % 100_000.0)
    assert (minute, repair.kind, repair.repaired) == (200, "overflow", True)
    assert repair.kwh == pytest.approx(0.05, abs=0.011)


def test_a_new_start_counts_anew_after_a_day() -> None:
    readings = np.concatenate([SOUND[:120], SOUND[: 28 * 60] - SOUND[0] + 7.0])
    (began, failure), (ended, repair) = followed(readings)
    assert (began, failure.kind) == (120, "restart")
    assert ended == pytest.approx(120 + 24 * 60, abs=1)
    assert (repair.kind, repair.kwh) == ("restart", pytest.approx(KW / 60.0))
    assert np.isnan(followed(readings, power_kw=None)[-1][1].kwh)


def test_a_counter_that_stands_still_and_goes_on() -> None:
    readings = SOUND.copy()
    readings[600:] -= readings[600] - readings[540]
    readings[540:600] = readings[540]
    (began, failure), (ended, repair) = followed(readings)
    assert failure.kind == repair.kind == "still"
    assert 540 + 3 <= began <= 540 + 10
    assert ended == 601
    assert repair.kwh == pytest.approx(60 * KW / 60.0, abs=0.06)


def test_the_mean_by_the_counter_only_of_sound_and_fine_readings() -> None:
    counter = ImportCounter(12.0)
    followed(SOUND[:30], counter=counter)
    assert counter.mean_kw(START + 14 * MINUTE) == pytest.approx(KW, abs=0.1)
    assert counter.mean_kw(START + timedelta(seconds=30)) is None, "no reading then"
    counter.learn(START + 30 * MINUTE, 0.0, KW)
    assert counter.mean_kw(START + 14 * MINUTE) is None, "it fails now"
    counter.learn(START + 31 * MINUTE, round(SOUND[31], 2), KW)
    assert counter.mean_kw(START + 14 * MINUTE) is None, "it failed in between"
    coarse = ImportCounter(12.0)
    followed(np.floor(SOUND[:100]), counter=coarse)
    assert coarse.mean_kw(START + 94 * MINUTE) is None
