"""Rows of mixed steps: each holds for its own span, and a hole stays a hole."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest

from siteems.recordings.column_map import ColumnMap, ColumnSource
from siteems.recordings.read import read_metered, rows_of
from siteems.recordings.row_spans import row_spans_s
from siteems.recordings.table import Table
from siteems.recordings.time_source import TimeSource

UTC = ZoneInfo("UTC")
HOURS = [60 * n for n in range(6)]
QUARTERS = [360 + 15 * n for n in range(8)]


@pytest.mark.parametrize(
    ("starts_min", "right_min"),
    [
        (HOURS + QUARTERS, [60] * 6 + [15] * 8),
        ([-t for t in (HOURS + QUARTERS)[::-1]], [15] * 7 + [60] * 6 + [60]),
        ([0, 60, 120, 240, 300, 360, 420], [60] * 7),
        ([0, 15, 30, 45, 105, 120, 135, 150, 165], [15] * 9),
        (HOURS + [t + 45 for t in QUARTERS], [60] * 5 + [15] + [15] * 8),
        ([0, 60], [60, 60]),
    ],
)
def test_spans(starts_min: list[int], right_min: list[int]) -> None:
    spans = row_spans_s(60 * np.array(starts_min, dtype=np.int64))
    assert (spans // 60).tolist() == right_min


def stamps(minutes: list[int]) -> list[str]:
    return [str(pd.Timestamp("2026-07-06") + pd.Timedelta(minutes=m)) for m in minutes]


@pytest.mark.parametrize("hours", [6, 3])
def test_a_meter_of_mixed_steps(tmp_path: Path, hours: int) -> None:
    minutes = HOURS[6 - hours :] + QUARTERS
    path = tmp_path / "a.csv"
    power = [2.0] * hours + [1.0] * 8
    pd.DataFrame({"time": stamps(minutes), "grid_import_kw": power}).to_csv(path, index=False)
    found = read_metered(path, UTC)
    assert found.step == timedelta(minutes=15)
    assert found.import_kw.tolist() == [2.0] * 4 * hours + [1.0] * 8
    assert found.notes == (f"time: {hours} rows of 60 min hold for their whole step",)


@pytest.mark.parametrize("end", [False, True])
def test_the_energy_of_mixed_steps(end: bool) -> None:
    minutes = HOURS + QUARTERS
    if end:
        minutes = [*minutes[1:], minutes[-1] + 15]
    frame = pd.DataFrame({"time": stamps(minutes), "kwh": [2.0] * 6 + [0.5] * 8})
    rows = rows_of(
        Table(Path("it.csv"), frame),
        UTC,
        ColumnMap(
            columns={"grid_import_kw": ColumnSource(column="kwh", unit="kWh")},
            time=TimeSource(stands_for="end" if end else "start"),
        ),
    )
    assert rows.values["grid_import_kw"].tolist() == [2.0] * 14
    assert rows.times[0] == pd.Timestamp("2026-07-06T00:00Z")
