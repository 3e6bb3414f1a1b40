"""Copied days and frozen sensors are left out of every use; what only looks so is kept."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest

from siteems.errors import UserError
from siteems.recordings.hole_limits import REPLAY, check_holes
from siteems.recordings.read import (
    PROFILE_NEEDS,
    read_filled_profile,
    read_metered,
    read_profile_with_gaps,
    read_recording,
)

ZONE = ZoneInfo("Asia/Shanghai")
Array = npt.NDArray[np.float64]
Change = Callable[[Array], Array]


def course(days: int, per_day: int, seed: int = 3) -> dict[str, Array]:
    """A sound recording: load, PV under clouds, temperature, each with three decimals."""
    rng, n = np.random.default_rng(seed), days * per_day
    hour = np.arange(n) % per_day * 24.0 / per_day
    sun = np.maximum(0.0, np.sin((hour - 6.0) / 12.0 * np.pi))
    clouds = np.repeat(rng.uniform(0.4, 1.0, days), per_day) * rng.uniform(0.9, 1.0, n)
    return {
        "dc_load_kw": (3.0 + 0.5 * np.sin(hour / 24.0 * 2.0 * np.pi) + rng.normal(0, 0.1, n)),
        "pv_kw": 4.0 * sun * clouds,
        "outdoor_temp_c": 15.0 + 8.0 * sun + np.repeat(rng.normal(0, 3, days), per_day)
        + rng.normal(0, 0.2, n),
    }  # fmt: skip


def written(folder: Path, columns: dict[str, Array], per_day: int = 96) -> Path:
    n = len(next(iter(columns.values())))
    times = pd.date_range("2026-05-01", periods=n, freq=f"{1440 // per_day}min").astype(str)
    path = folder / "data.csv"
    pd.DataFrame({"time": times} | {k: v.round(3) for k, v in columns.items()}).to_csv(
        path, index=False
    )
    return path


def notes_of(path: Path) -> list[str]:
    return [note for note in read_filled_profile(path, ZONE).notes if "taken as missing" in note]


@pytest.mark.parametrize("per_day", [24, 48, 96])
def test_a_sound_recording_is_kept(tmp_path: Path, per_day: int) -> None:
    assert notes_of(written(tmp_path, course(60, per_day), per_day)) == []


@pytest.mark.parametrize(("per_day", "days"), [(96, 1), (96, 30), (24, 3), (48, 7)])
def test_copied_days_are_left_out(tmp_path: Path, per_day: int, days: int) -> None:
    columns = course(120, per_day)
    size = days * per_day
    columns["dc_load_kw"][40 * per_day : 40 * per_day + size] = columns["dc_load_kw"][:size]
    path = written(tmp_path, columns, per_day)
    (note,) = notes_of(path)
    plural = "s" if days > 1 else ""
    assert note == (
        f"dc_load_kw: {days} day{plural} ({days / 120:.1%}) equal an earlier one in every value, "
        "such as 2026-06-10 and 2026-05-01, taken as missing"
    )
    gaps = np.isnan(read_profile_with_gaps(path, ZONE).dc_load_kw)
    assert np.flatnonzero(gaps).tolist() == list(range(40 * per_day, 40 * per_day + size))


def test_a_copied_month_makes_no_bill(tmp_path: Path) -> None:
    load = course(120, 96)["dc_load_kw"]
    load[31 * 96 : 61 * 96] = load[: 30 * 96]
    path = written(tmp_path, {"grid_import_kw": load})
    with pytest.raises(UserError, match=r"in 100\.0 % of its steps of 2026-06; at most 10\.0 %"):
        read_metered(path, ZONE)
    used = (datetime(2026, 6, 30, 16, tzinfo=UTC), None)
    assert "equal an earlier one" in read_metered(path, ZONE, used=used).notes[0]


@pytest.mark.parametrize(
    "repeat",
    [
        pytest.param(lambda day: np.tile(day[:96], 60), id="a typical day"),
        pytest.param(lambda day: np.tile(day[: 7 * 96], 8), id="a typical week"),
        pytest.param(lambda day: np.tile(day[:96], 2), id="two equal days"),
        pytest.param(lambda day: np.repeat([2.0, 3.0], 30 * 96), id="two levels"),
    ],
)
def test_typical_days_are_kept(tmp_path: Path, repeat: Change) -> None:
    columns = {name: repeat(values) for name, values in course(60, 96).items()}
    assert notes_of(written(tmp_path, columns)) == []


@pytest.mark.parametrize(
    ("name", "hours", "first_h"),
    [
        ("dc_load_kw", 24.0, 100),
        ("dc_load_kw", 72.0, 100),
        ("outdoor_temp_c", 24.0, 100),
        ("outdoor_temp_c", 200.0, 100),
        ("pv_kw", 4.0, 202),
        ("pv_kw", 6.0, 202),
    ],
)
@pytest.mark.parametrize("per_day", [24, 96])
def test_a_frozen_sensor_is_left_out(
    tmp_path: Path, name: str, hours: float, first_h: int, per_day: int
) -> None:
    columns = course(60, per_day)
    first, count = first_h * per_day // 24, round(hours * per_day / 24)
    columns[name][first : first + count] = columns[name][first]
    path = written(tmp_path, columns, per_day)
    recording = read_recording(path, ZONE, None, [name], PROFILE_NEEDS)
    missing = np.flatnonzero(np.isnan(recording.series[name]))
    assert missing.tolist() == list(range(first, first + count))
    (note,) = notes_of(path)
    assert note.startswith(
        f"{name}: {count} values ({count / len(columns[name]):.1%}".replace("%", " %")
    )


@pytest.mark.parametrize(
    ("name", "change"),
    [
        pytest.param("dc_load_kw", lambda v: np.full_like(v, 3.0), id="a constant load"),
        pytest.param(
            "dc_load_kw",
            lambda v: np.where(np.arange(v.size) // 960 % 2, 3.0, v),
            id="a load that is constant every second ten days",
        ),
        pytest.param("dc_load_kw", np.round, id="a load in whole kW"),
        pytest.param(
            "dc_load_kw",
            lambda v: np.where(np.arange(v.size) % 96 < 32, 2.6, v),
            id="a load that rests at night",
        ),
        pytest.param("pv_kw", lambda v: np.minimum(v, 2.0), id="clipped PV"),
        pytest.param("pv_kw", lambda v: np.where(v > 0.0, v, 0.004), id="standby at night"),
        pytest.param("outdoor_temp_c", np.round, id="temperatures in whole degrees"),
        pytest.param(
            "outdoor_temp_c",
            lambda v: np.where(np.arange(v.size) // 48 == 9, 6.4, v),
            id="a wet night",
        ),
        pytest.param("outdoor_temp_c", lambda v: np.round(v - 18.0), id="temperatures around 0"),
        pytest.param(
            "outdoor_temp_c",
            lambda v: np.where(np.arange(v.size) % 960 < 48, 0.0, v),
            id="0 degC for half days",
        ),
    ],
)  # fmt: skip
def test_what_rests_by_nature_is_kept(tmp_path: Path, name: str, change: Change) -> None:
    columns = course(60, 96)
    columns[name] = change(columns[name])
    assert notes_of(written(tmp_path, columns)) == []


def test_an_import_held_at_a_cap_is_kept(tmp_path: Path) -> None:
    load = course(60, 96)["dc_load_kw"]
    held = np.where((np.arange(load.size) % 96 > 40) & (np.arange(load.size) < 960), 1.5, load)
    assert read_metered(written(tmp_path, {"grid_import_kw": held}), ZONE).notes == ()


def test_holes_count_in_the_span_that_is_used(tmp_path: Path) -> None:
    columns = course(60, 96)
    columns["pv_kw"][: 10 * 96] = np.nan
    path = written(tmp_path, columns)
    assert "960 values in 1 gap" in read_filled_profile(path, ZONE).notes[0]
    early = (None, datetime(2026, 5, 20, tzinfo=UTC))
    with pytest.raises(UserError, match=r"pv_kw has no value in 51\.7 % of its steps; at most 30"):
        read_filled_profile(path, ZONE, used=early)
    late = (datetime(2026, 5, 20, tzinfo=UTC), datetime(2026, 6, 1, tzinfo=UTC))
    read_filled_profile(path, ZONE, used=late)
    columns["pv_kw"][: 40 * 96] = np.nan
    path = written(tmp_path, columns)
    with pytest.raises(UserError, match=r"66\.7 % of its steps; at most 30"):
        read_filled_profile(path, ZONE)
    read_filled_profile(path, ZONE, used=(datetime(2026, 6, 10, tzinfo=UTC), None))


def test_holes_count_in_each_month_of_a_bill(tmp_path: Path) -> None:
    load = course(120, 96)["dc_load_kw"]
    load[31 * 96 : 35 * 96] = np.nan  # 4 of 30 days of June, 3 % of all
    path = written(tmp_path, {"grid_import_kw": load})
    with pytest.raises(UserError, match=r"13\.3 % of its steps of 2026-06; at most 10\.0 % may be"):
        read_metered(path, ZONE)
    july = (datetime(2026, 6, 30, 16, tzinfo=UTC), None)
    assert len(read_metered(path, ZONE, used=july).import_kw) == 120 * 96


def test_a_span_without_steps_is_left_to_its_use(tmp_path: Path) -> None:
    recording = read_recording(
        written(tmp_path, course(3, 96)), ZONE, None, ["pv_kw"], PROFILE_NEEDS
    )
    check_holes(recording, "pv_kw", REPLAY, (datetime(2030, 1, 1, tzinfo=UTC), None), ZONE)


@pytest.mark.parametrize(("level_kw", "kept"), [(1.5, True), (2.0, True), (2.371, False)])
def test_an_import_that_is_held_at_a_cap_is_kept(
    tmp_path: Path, level_kw: float, kept: bool
) -> None:
    """31 hours of a cap in three weeks were taken for a frozen meter."""
    import_kw = 4.0 + course(20, 96)["dc_load_kw"]
    import_kw[800 : 800 + 31 * 4] = level_kw
    path = written(tmp_path, {"grid_import_kw": import_kw})
    metered = read_metered(path, ZONE)
    assert any("frozen" in note for note in metered.notes) is not kept
    assert (metered.import_kw[850:900] == level_kw).all() == kept


def test_a_meter_with_one_decimal_may_freeze_at_any(tmp_path: Path) -> None:
    import_kw = np.round(4.0 + course(20, 96)["dc_load_kw"], 1) + 0.4 * (np.arange(20 * 96) % 3)
    import_kw[800 : 800 + 31 * 4] = 5.5
    metered = read_metered(written(tmp_path, {"grid_import_kw": import_kw}), ZONE)
    assert any("frozen" in note for note in metered.notes)
