"""Physics decides what is plausible: what is found, what is left out, and what is left alone."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest

from siteems.recordings.column_map import ColumnMap, ColumnSource
from siteems.recordings.finding import Finding
from siteems.recordings.inspection import inspect_file
from siteems.recordings.inspection_text import as_text
from siteems.recordings.plant_size import size_note
from siteems.recordings.read import read_filled_profile
from siteems.recordings.sentinels import without_sentinels

ZONE = ZoneInfo("Asia/Shanghai")
DAYS = 40
N = DAYS * 96
HOURS = np.arange(N) / 4.0
RNG = np.random.default_rng(1)
LOAD_KW = 3.0 + 0.5 * np.sin(HOURS / 24 * 2 * np.pi) + RNG.normal(0, 0.05, N)
CLOUDS = RNG.uniform(0.6, 1.0, N)
SHINE = np.maximum(0.0, np.sin((HOURS % 24 - 6.0) / 12.0 * np.pi))
PV_KW = 4.2 * SHINE * CLOUDS
TEMP_C = 25.0 - 6.0 * np.cos(HOURS / 24 * 2 * np.pi) + RNG.normal(0, 0.3, N)
GHI = 950.0 * SHINE * CLOUDS
TIMES = pd.date_range("2026-05-01", periods=N, freq="15min").strftime("%Y-%m-%dT%H:%M")


def recorded(folder: Path, **columns: object) -> Path:
    whole = {"time": TIMES, "dc_load_kw": LOAD_KW, "pv_kw": PV_KW, "outdoor_temp_c": TEMP_C}
    pd.DataFrame(whole | columns).to_csv(folder / "data.csv", index=False)
    return folder / "data.csv"


def found(path: Path, rated_kwp: float | None = None) -> dict[str, Finding]:
    return {
        f"{each.kind} {each.column}": each for each in inspect_file(path, ZONE, rated_kwp).findings
    }


def at(values: np.ndarray, rows: object, value: object) -> np.ndarray:
    changed = values.copy()
    changed[rows] = value
    return changed


def test_sound_data_of_a_site_has_no_findings(tmp_path: Path) -> None:
    path = recorded(tmp_path, ghi_w_m2=GHI)
    assert found(path, 5.0) == {}
    assert read_filled_profile(path, ZONE).notes == ()


FAMILIES = [
    *(
        sign * 2.0**bits * scale
        for bits in (15, 16, 31)
        for scale in (1, 0.1, 0.01)
        for sign in (1, -1)
    ),
    -3276.7,
    -3276.0,
    3276.6,
    65535.0,
    655.35,
    -2147483.648,
    4294967295.0,
]


@pytest.mark.parametrize("value", FAMILIES)
@pytest.mark.parametrize("column", ["dc_load_kw", "outdoor_temp_c"])
def test_a_register_without_a_value(tmp_path: Path, value: float, column: str) -> None:
    rows = [100, 101, 102, 1500]
    sound = {"dc_load_kw": LOAD_KW, "outdoor_temp_c": TEMP_C}[column]
    path = recorded(tmp_path, **{column: at(sound, rows, value)})
    sentinel = found(path)[f"sentinel {column}"]
    assert sentinel.count == 4
    assert "4 values (0.1 %)" in sentinel.text
    filled = read_filled_profile(path, ZONE)
    assert "sentinel, taken as missing" in filled.notes[0]
    read = {"dc_load_kw": filled.profile.dc_load_kw, "outdoor_temp_c": filled.profile.outdoor_c}
    np.testing.assert_allclose(read[column], sound, atol=0.8)


def test_two_kinds_of_sentinels_in_one_column(tmp_path: Path) -> None:
    path = recorded(tmp_path, outdoor_temp_c=at(at(TEMP_C, [5, 6], -3276.7), [9], 65535.0))
    filled = read_filled_profile(path, ZONE)
    assert filled.profile.outdoor_c.min() > 15.0
    assert filled.profile.outdoor_c.max() < 35.0


@pytest.mark.parametrize(
    ("values", "right"),
    [
        ([0.0, 0.0, 32736.0, 0.0], []),
        ([0.0, 0.0, 32700.0, 65470.0], []),
        ([0.0, 3276.0, 0.0, 120.0, 2000.0], []),  # a kettle
        ([900.0, 3277.0, 1800.0, 2900.0, 3100.0], []),
        ([0.0, 1.0, 6554.0, 0.0], []),
        ([0.0, 6554.0, 6554.0, 6554.0], []),
        ([0.0, 6553.5, 6553.5, 6553.5], [1, 2, 3]),
        ([20000.0, 32767.0, 31000.0, 0.0], []),
        ([0.0, 32767.0, 0.0, 10.0], [1]),
        ([3.0, 3.1, -3276.0, 3.2], [2]),
        ([3.0, 3.1, 214748368.0, 3.2], [2]),  # 2**31 tenths in single precision
        ([0.0, -3276.0, -3276.0, 0.0, -3276.0, 5.0], [1, 2, 4]),
        ([5.0, 6.0, 3276.7, 7.0], [2]),
    ],
)
def test_only_what_is_next_to_the_end_of_a_register_is_a_sentinel(
    values: list[float], right: list[int]
) -> None:
    cleaned, notes = without_sentinels("pv_kw", np.array(values))
    assert np.flatnonzero(np.isnan(cleaned)).tolist() == right
    assert len(notes) == bool(right)


def test_a_register_without_a_value_before_its_conversion(tmp_path: Path) -> None:
    """65535 Wh in a quarter hour are 262 kW, and -3276.8 degF are -1838 degC."""
    frame = {
        "time": TIMES,
        "load": at(LOAD_KW * 250.0, [100, 101, 102], 65535.0),
        "air": at(TEMP_C * 1.8 + 32.0, [7], -3276.8),
    }
    pd.DataFrame(frame).to_csv(tmp_path / "data.csv", index=False)
    sources = {
        "dc_load_kw": ColumnSource(column="load", unit="Wh"),
        "outdoor_temp_c": ColumnSource(column="air", unit="degF"),
        "pv_kw": ColumnSource(value=0.0),
    }
    filled = read_filled_profile(tmp_path / "data.csv", ZONE, ColumnMap(columns=sources))
    assert [note for note in filled.notes if "sentinel" in note] == [
        "dc_load_kw: 3 values (0.08 %) of 65535 are a sentinel, taken as missing",
        "outdoor_temp_c: 1 value (0.03 %) of -3276.8 are a sentinel, taken as missing",
    ]
    np.testing.assert_allclose(filled.profile.dc_load_kw, LOAD_KW, atol=0.4)


@pytest.mark.parametrize("value", [-1838.2, 85.0, -88.0, 140.0])
def test_a_temperature_that_no_air_has(tmp_path: Path, value: float) -> None:
    """Such as a register's -3276.8 that was converted from degF, or a sensor's 85 degC."""
    path = recorded(tmp_path, outdoor_temp_c=at(TEMP_C, slice(40, 43), value))
    assert found(path)["physics outdoor_temp_c"].count == 3
    filled = read_filled_profile(path, ZONE)
    assert "not within -70 to 60, taken as missing" in filled.notes[0]
    assert np.abs(filled.profile.outdoor_c - TEMP_C).max() < 3.0


def test_irradiance_that_the_sky_cannot_give(tmp_path: Path) -> None:
    path = recorded(tmp_path, ghi_w_m2=at(GHI, [48, 144], 1720.0))
    assert "2 values (0.05 %) are not within" in found(path)["physics ghi_w_m2"].text
    assert found(recorded(tmp_path, ghi_w_m2=at(GHI, [48, 144], 1380.0))) == {}, "bright clouds"


def test_temperatures_around_0_are_no_failure(tmp_path: Path) -> None:
    winter = np.round(TEMP_C - 24.0)
    assert (winter == 0.0).mean() > 0.02
    assert not any(
        key.startswith("zero") for key in found(recorded(tmp_path, outdoor_temp_c=winter))
    )
    mild = np.round(at(TEMP_C - 12.0, slice(700, 706), [3.0, 1.0, 0.0, 0.0, 1.0, 3.0]), 1)
    assert found(recorded(tmp_path, outdoor_temp_c=mild)) == {}
    failed = at(TEMP_C, slice(700, 706), 0.0)
    assert found(recorded(tmp_path, outdoor_temp_c=failed))["zero outdoor_temp_c"].count == 6


@pytest.mark.parametrize("limit_kw", [3.0, 2.0])
def test_clipped_pv_is_not_stuck(tmp_path: Path, limit_kw: float) -> None:
    clear = np.minimum(4.9 * SHINE, limit_kw)
    assert found(recorded(tmp_path, pv_kw=clear)).keys() <= {"copied pv_kw"}
    half = np.where(HOURS < 480.0, clear, PV_KW)
    assert "stuck pv_kw" not in found(recorded(tmp_path, pv_kw=half))
    stuck = at(PV_KW, slice(96 * 20 + 36, 96 * 20 + 56), 2.345)
    assert found(recorded(tmp_path, pv_kw=stuck))["stuck pv_kw"].count == 20


def test_power_at_night_is_not_from_pv(tmp_path: Path) -> None:
    night = slice(96 * 12 + 4, 96 * 12 + 12)
    path = recorded(tmp_path, pv_kw=at(PV_KW, night, 1.7))
    assert "8 values (0.2 %) at night, up to 1.7" in found(path)["night pv_kw"].text
    filled = read_filled_profile(path, ZONE)
    assert filled.notes == ("pv_kw: 8 values (0.2 %) at night taken as 0",)
    np.testing.assert_allclose(filled.profile.pv_kw, PV_KW)


def test_a_clock_change_or_a_long_outage_makes_no_night(tmp_path: Path) -> None:
    moved = np.concatenate([PV_KW[: N // 2], PV_KW[N // 2 - 4 : -4]])
    assert "night pv_kw" not in found(recorded(tmp_path, pv_kw=moved))
    outage = at(PV_KW, slice(96 * 8, 96 * 33), 0.0)
    assert "night pv_kw" not in found(recorded(tmp_path, pv_kw=outage))


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_a_dead_meter_of_a_load(tmp_path: Path, share: float) -> None:
    dead = RNG.uniform(size=N) < share
    path = recorded(tmp_path, dc_load_kw=np.where(dead, 0.0, LOAD_KW))
    zero = found(path)["zero dc_load_kw"]
    assert zero.count == dead.sum()
    assert f"({dead.mean() * 100:.1f} %)" in zero.text


def test_the_zeros_of_a_dead_meter_are_filled(tmp_path: Path) -> None:
    path = recorded(tmp_path, dc_load_kw=at(LOAD_KW, slice(960, 1200), 0.0))
    filled = read_filled_profile(path, ZONE)
    assert "of 0 in a load that never rests, taken as missing" in filled.notes[0]
    assert filled.profile.dc_load_kw.min() > 2.0


def test_dark_noons_of_a_dead_pv_meter(tmp_path: Path) -> None:
    dead = np.where((HOURS // 24) % 5 < 2, 0.0, PV_KW)
    assert "40.0 % of them" in found(recorded(tmp_path, pv_kw=dead))["zero pv_kw"].text


def test_a_copied_month(tmp_path: Path) -> None:
    days = np.concatenate([LOAD_KW, LOAD_KW[: 96 * 30]])
    times = pd.date_range("2026-05-01", periods=days.size, freq="15min").astype(str)
    path = tmp_path / "data.csv"
    pd.DataFrame({"time": times, "dc_load_kw": days}).to_csv(path, index=False)
    assert "30 days in a row, a copied month" in found(path)["copied dc_load_kw"].text


def test_pv_of_a_third_of_the_size(tmp_path: Path) -> None:
    path = recorded(tmp_path, pv_kw=PV_KW / 3.0)
    text = found(path, 5.0)["size pv_kw"].text
    assert "28% of the site's 5 kWp" in text
    assert text.endswith("a part of the plant?")


@pytest.mark.parametrize(
    ("name", "unit"),
    [
        ("pv_wh", "Wh"),
        ("PV (Wh)", "Wh"),
        ("pv[Wh]", "Wh"),
        ("PV generation Wh", "Wh"),
        ("pv_Wh_15min", "Wh"),
        ("pv energy", "Wh"),
        ("pv", "W"),
    ],
)
def test_energy_in_wh_is_not_proposed_as_kw(tmp_path: Path, name: str, unit: str) -> None:
    """A quarter hour of 5 kWp is up to 1,250 Wh; as kW, three weeks would be 100 MWh."""
    frame = pd.DataFrame({"time": TIMES, name: np.round(PV_KW * 250.0)})
    frame.to_csv(tmp_path / "data.csv", index=False)
    inspection = inspect_file(tmp_path / "data.csv", ZONE, 5.0)
    assert f'column = "{name}"\nunit = "{unit}"' in as_text(inspection)
    sizes = [each.text for each in inspection.findings if each.kind == "size"]
    assert (sizes == []) == (unit == "Wh")
    assert unit == "Wh" or "in Wh 83%" in sizes[0]


def test_the_offset_of_a_pyranometer_at_night_is_no_power(tmp_path: Path) -> None:
    offset = np.where(SHINE > 0.0, GHI, RNG.uniform(-4.7, -1.0, N))
    assert found(recorded(tmp_path, ghi_w_m2=offset)) == {}
    own = np.where(SHINE > 0.0, PV_KW, RNG.uniform(-0.05, -0.02, N))
    assert "night pv_kw" in found(recorded(tmp_path, pv_kw=own))


def test_pv_of_a_third_of_the_size_is_named_and_used() -> None:
    span = timedelta(days=N // 96)
    note = size_note(PV_KW / 3.0, span, 5.0)
    assert note is not None
    assert "28% of the site's 5 kWp, and is used as it is" in note
    assert size_note(PV_KW, span, 5.0) is None
    assert size_note(PV_KW / 3.0, timedelta(days=5), 5.0) is None
    assert size_note(0.0 * PV_KW, span, 5.0) is None


@pytest.mark.parametrize("unknown", [-1, 255])
def test_mains_that_a_logger_does_not_know_of_are_no_failure(tmp_path: Path, unknown: int) -> None:
    times = pd.date_range("2026-07-06", periods=96, freq="15min")
    mains = [unknown if i == 30 else 0 if i in (40, 41) else 1 for i in range(96)]
    rows = "".join(
        f"{time:%Y-%m-%d %H:%M},{2.0 + i % 7 / 10},0,{20 + i % 5},{mains[i]}\n"
        for i, time in enumerate(times)
    )
    path = tmp_path / "it.csv"
    path.write_text("time,dc_load_kw,pv_kw,outdoor_temp_c,mains_available\n" + rows)
    filled = read_filled_profile(path, ZONE)
    assert np.flatnonzero(~filled.profile.mains_ok).tolist() == [40, 41]
    assert any("mains_available: 1 value" in note for note in filled.notes)
