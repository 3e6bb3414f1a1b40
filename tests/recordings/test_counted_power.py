"""Recorded counters of energy, read for a bill or a replay: as the power that they counted."""

from __future__ import annotations

from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest

from siteems.recordings.column_map import ColumnMap, ColumnSource
from siteems.recordings.counted_power import is_counter
from siteems.recordings.inspection import inspect_file
from siteems.recordings.inspection_text import as_text
from siteems.recordings.read import read_filled_profile, read_metered
from siteems.recordings.time_source import TimeSource

ZONE = ZoneInfo("Asia/Shanghai")
N = 10 * 96
HOURS = np.arange(N) / 4.0
LOAD_KW = 3.0 + np.sin(HOURS / 24.0 * 2.0 * np.pi)
START_KWH = 50_000.0
READINGS = np.round(START_KWH + np.concatenate(([0.0], np.cumsum(LOAD_KW / 4.0))), 3)
STAMPS = pd.date_range("2026-07-01", periods=N + 1, freq="15min").strftime("%Y-%m-%dT%H:%M")


def written(folder: Path, readings: np.ndarray, rows: object = slice(None)) -> Path:
    frame = pd.DataFrame({"time": STAMPS, "meter": readings}).iloc[rows]
    frame.to_csv(folder / "meter.csv", index=False)
    return folder / "meter.csv"


def column_map(unit: str = "kWh counter", stands_for: str = "start") -> ColumnMap:
    return ColumnMap(
        columns={"grid_import_kw": ColumnSource(column="meter", unit=unit)},
        time=TimeSource(stands_for="end" if stands_for == "end" else "start"),
    )


@pytest.mark.parametrize("stands_for", ["start", "end"])
@pytest.mark.parametrize(("unit", "factor"), [("kWh counter", 1.0), ("Wh counter", 1000.0)])
def test_a_counter_is_its_energy(tmp_path: Path, stands_for: str, unit: str, factor: float) -> None:
    path = written(tmp_path, READINGS * factor)
    metered = read_metered(path, ZONE, column_map(unit, stands_for))
    assert f"{metered.start.astimezone(ZONE):%Y-%m-%d %H:%M}" == "2026-07-01 00:00"
    assert metered.notes == ()
    np.testing.assert_allclose(metered.import_kw, LOAD_KW, atol=0.01)


FAILURES = {
    "blip": lambda r: np.where((np.arange(N + 1) >= 300) & (np.arange(N + 1) < 304), 0.0, r),
    "a digit too many": lambda r: np.where(np.arange(N + 1) == 300, 10.0 * r, r),
    "overflow": lambda r: (r - START_KWH + 99_500.0) % 100_000.0,
    "a stand-still that catches up": lambda r: np.where(
        (np.arange(N + 1) >= 300) & (np.arange(N + 1) < 420), r[300], r
    ),
}


@pytest.mark.parametrize("failure", FAILURES)
def test_a_failing_counter_loses_no_energy(tmp_path: Path, failure: str) -> None:
    metered = read_metered(written(tmp_path, FAILURES[failure](READINGS)), ZONE, column_map())
    assert len(metered.notes) == 1
    assert metered.notes[0].startswith("grid_import_kw: the counter ")
    assert "repaired" in metered.notes[0]
    assert metered.import_kw.sum() == pytest.approx(LOAD_KW.sum(), abs=0.05)
    assert metered.import_kw.max() < 4.1


@pytest.mark.parametrize("jump_kwh", [-50_000.0, 7_000.0])
def test_a_new_meter_leaves_a_hole_of_one_step(tmp_path: Path, jump_kwh: float) -> None:
    readings = READINGS + np.where(np.arange(N + 1) >= 500, jump_kwh, 0.0)
    metered = read_metered(written(tmp_path, readings), ZONE, column_map())
    assert "its energy is unknown" in metered.notes[0]
    assert "1 value in 1 gap" in metered.notes[1]
    np.testing.assert_allclose(metered.import_kw, LOAD_KW, atol=0.05)


def test_unread_and_disordered_rows(tmp_path: Path) -> None:
    readings = READINGS.copy()
    readings[200:210] = np.nan
    rows = [*range(400, N + 1), *range(400)]
    metered = read_metered(written(tmp_path, readings, rows), ZONE, column_map())
    assert metered.import_kw.sum() == pytest.approx(LOAD_KW.sum(), abs=0.05)


def test_a_replay_reads_them_alike(tmp_path: Path) -> None:
    path = written(tmp_path, FAILURES["blip"](READINGS))
    sources = {
        "dc_load_kw": ColumnSource(column="meter", unit="kWh counter"),
        "pv_kw": ColumnSource(value=0.0),
        "outdoor_temp_c": ColumnSource(value=20.0),
    }
    filled = read_filled_profile(path, ZONE, ColumnMap(columns=sources))
    assert len(filled.notes) == 1
    np.testing.assert_allclose(filled.profile.dc_load_kw.sum(), LOAD_KW.sum(), atol=0.05)


def test_what_is_a_counter() -> None:
    assert is_counter(READINGS)
    assert is_counter(FAILURES["blip"](READINGS))
    assert is_counter(FAILURES["overflow"](READINGS))
    assert not is_counter(LOAD_KW)
    assert not is_counter(np.full(N, 3.0))
    assert not is_counter(np.arange(20.0))


def test_inspect_finds_the_failure_and_proposes_the_unit(tmp_path: Path) -> None:
    readings = FAILURES["blip"](READINGS)
    frame = pd.DataFrame({"time": STAMPS, "row": np.arange(N + 1), "grid_import_kwh": readings})
    frame.to_csv(tmp_path / "meter.csv", index=False)
    inspection = inspect_file(tmp_path / "meter.csv", ZONE)
    (found,) = inspection.findings
    assert (found.kind, found.column, found.count) == ("counter", "grid_import_kwh", 4)
    assert "4 values (0.4 %): the counter showed a wrong value" in found.text
    assert 'column = "grid_import_kwh"\nunit = "kWh counter"' in as_text(inspection)


def hourly_counter(folder: Path, kw: list[float], absent: set[int], head: str = "time") -> Path:
    lines, total = [f"{head},c"], 0.0
    for number, value in enumerate(kw):
        if number not in absent:
            lines.append(f"2026-07-{1 + number // 24:02d} {number % 24:02d}:00,{total:.2f}")
        total += value
    path = folder / "counter.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("kw", "absent"),
    [
        ([2.0] * 95 + [10.0] * 10 + [2.0] * 95, range(96, 105)),
        ([10.0] * 95 + [0.0] * 10 + [10.0] * 95, range(96, 105)),
        ([2.0] * 200, range(60, 90)),  # more than may be filled, but all of it was counted
    ],
)
@pytest.mark.parametrize("ends", [False, True])
def test_what_a_counter_counted_over_absent_rows_is_known(
    tmp_path: Path, kw: list[float], absent: range, ends: bool
) -> None:
    """It was filled from the nearest day, or refused."""
    head = "hour_ending" if ends else "time"
    path = hourly_counter(tmp_path, kw, set(absent), head)
    column_map = ColumnMap(
        columns={"grid_import_kw": ColumnSource(column="c", unit="kWh counter")},
        time=TimeSource(
            column="hour_ending" if ends else "time", stands_for="end" if ends else "start"
        ),
    )
    metered = read_metered(path, ZoneInfo("Asia/Shanghai"), column_map)
    assert metered.import_kw.sum() == pytest.approx(sum(kw[:-1]))
