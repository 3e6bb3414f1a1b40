"""Means over intervals are the same before and after their samples were rolled up."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from siteems.control.reasons import FOLLOW_PLAN
from siteems.history.averages import averages
from siteems.history.records import ROLLUP, Sample
from siteems.history.store import History
from siteems.history.tables import ON_DEMAND, ROLLED_UP, frames

START = datetime(2026, 3, 28, 20, 7, tzinfo=UTC)
"""In the night in which Berlin sets its clocks, and not on a quarter hour."""
MINUTE = timedelta(minutes=1)
COLUMNS = ("grid_kw", "energy_import_kwh", "pv_kw", *ON_DEMAND)
MOST = 8 * 60
KATHMANDU, BERLIN = ZoneInfo("Asia/Kathmandu"), ZoneInfo("Europe/Berlin")

minutes = st.lists(
    st.fixed_dictionaries(
        {
            "grid_kw": st.none() | st.floats(-10, 10),
            "pv_kw": st.none() | st.floats(0, 5),
            "energy_import_kwh": st.none() | st.floats(0, 1e6),
        }
    ),
    min_size=1,
    max_size=24,
).map(lambda pattern: (pattern * MOST)[:MOST])


def samples(found: list[dict[str, float | None]]) -> Iterator[Sample]:
    for i, values in enumerate(found):
        yield Sample(START + i * MINUTE, values, "plan", FOLLOW_PLAN())


def means(history: History, every: str, zone: ZoneInfo) -> pd.DataFrame:
    parts = frames(history, COLUMNS, START - ROLLUP, START + MOST * MINUTE, counts=True)
    (found,) = averages(parts, every, zone, 60.0)
    return found


@settings(max_examples=40, deadline=None)
@given(
    minutes,
    st.sampled_from(["15min", "30min", "1h", "1d"]),
    st.sampled_from([KATHMANDU, BERLIN]),
    st.integers(0, MOST),
)
def test_rolled_up_or_not(
    found: list[dict[str, float | None]], every: str, zone: ZoneInfo, rolled_up: int
) -> None:
    """A part of the samples may be left, also within an interval."""
    with TemporaryDirectory() as folder, closing(History(Path(folder) / "h.sqlite3")) as history:
        history.add_samples(samples(found))
        before = means(history, every, zone)
        assert not before.pop(ROLLED_UP).any()
        while history.prune(START + rolled_up * MINUTE):
            pass
        after = means(history, every, zone)
        assert after[ROLLED_UP].any() == bool(
            history.rollups(START - ROLLUP, START + 2 * MOST * MINUTE)
        )
        pd.testing.assert_frame_equal(after.drop(columns=ROLLED_UP), before, rtol=1e-9)


@pytest.mark.parametrize("every", ["5min", "10min"])
def test_roll_ups_keep_their_length_in_shorter_intervals(tmp_path: Path, every: str) -> None:
    with closing(History(tmp_path / "h.sqlite3")) as history:
        history.add_samples(samples([{"pv_kw": float(i)} for i in range(60)]))
        history.prune(START + 30 * MINUTE)
        found = means(history, every, BERLIN)
    local = [f"{time:%H:%M}" for time in found.index]
    assert local[:3] == ["20:00", "20:15", "20:30"]
    assert list(found[ROLLED_UP])[:3] == [True, True, False]
    assert found["coverage"].iloc[:2].tolist() == pytest.approx([8 / 15, 1.0])
    assert found["pv_kw"].iloc[:2].tolist() == pytest.approx([3.5, 15.0])
    assert found["samples"].iloc[:2].tolist() == [8, 15]
    assert found["samples"].sum() == 60


def test_a_sample_is_its_own_extreme(tmp_path: Path) -> None:
    with closing(History(tmp_path / "h.sqlite3")) as history:
        history.add_samples(samples([{"grid_kw": 1.0}, {"grid_kw": None}]))
        columns = ("grid_kw_min", "grid_kw_max", "samples")
        (found,) = frames(history, columns, START, START + 2 * MINUTE)
    assert found["grid_kw_min"].iloc[0] == found["grid_kw_max"].iloc[0] == 1.0
    assert np.isnan(found["grid_kw_min"].iloc[1])
    assert list(found["samples"]) == [1, 1]


def test_months_of_roll_ups_and_the_samples_after_them_are_each_read_once(tmp_path: Path) -> None:
    hours = 60 * 24
    with closing(History(tmp_path / "h.sqlite3")) as history:
        history.add_samples(
            Sample(START + i * 60 * MINUTE, {"soc": i / hours}, "plan", FOLLOW_PLAN())
            for i in range(hours)
        )
        history.prune(START + timedelta(days=50))
        first, last = history.recorded_span()
        found = pd.concat(frames(history, ("soc",), first, last))
    assert list(found["soc"]) == pytest.approx([i / hours for i in range(hours)])
    assert list(found[ROLLED_UP]) == [True] * 50 * 24 + [False] * 10 * 24
    assert found.index.is_monotonic_increasing
