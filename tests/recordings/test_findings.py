"""Each rule on series made for it: what it finds, and what it leaves alone."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from siteems.errors import UserError
from siteems.recordings.inspection import inspect_file
from siteems.recordings.inspection_text import as_data, as_text

QUARTER = "15min"


def day_shape(days: int, seed: int = 1) -> np.ndarray:
    hours = np.arange(days * 96) / 4.0
    noise = np.random.default_rng(seed).normal(0.0, 0.05, hours.size)
    return 2.0 + 0.8 * np.sin((hours % 24 - 8.0) / 24.0 * 2.0 * np.pi) + noise


def kinds(tmp_path: Path, load: np.ndarray, start: str = "2026-03-02", **more: object) -> set[str]:
    times = pd.date_range(start, periods=len(load), freq=QUARTER)
    frame = pd.DataFrame({"time": times.astype(str), "dc_load_kw": load, **more})
    frame.to_csv(tmp_path / "data.csv", index=False)
    return {finding.kind for finding in inspect_file(tmp_path / "data.csv").findings}


def test_sound_data_has_no_findings(tmp_path: Path) -> None:
    assert kinds(tmp_path, day_shape(30)) == set()


@pytest.mark.parametrize("sentinel", [-999.0, 9999.0, 65535.0, -1e6])
def test_a_sentinel(tmp_path: Path, sentinel: float) -> None:
    load = day_shape(30)
    load[100:103] = sentinel
    assert kinds(tmp_path, load) == {"sentinel"}


def test_a_stuck_meter(tmp_path: Path) -> None:
    load = day_shape(30)
    load[500:530] = load[500]
    assert kinds(tmp_path, load) == {"stuck"}
    load = day_shape(30)
    load[500:515] = load[500]
    assert kinds(tmp_path, load) == set()


def test_a_copied_day_and_a_copied_year(tmp_path: Path) -> None:
    load = day_shape(10)
    load[96 * 5 : 96 * 6] = load[96 * 2 : 96 * 3]
    assert kinds(tmp_path, load) == {"copied"}
    year = day_shape(365)
    kinds(tmp_path, np.concatenate([year, year]))
    found = inspect_file(tmp_path / "data.csv").findings
    assert "a copied year" in next(f.text for f in found if f.kind == "copied")


def test_a_straight_line_a_spike_and_a_dead_channel(tmp_path: Path) -> None:
    load = day_shape(30)
    load[400:440] = np.linspace(load[400], 3.0, 40)
    assert kinds(tmp_path, load) == {"ramp"}
    load = day_shape(30)
    load[400] = 5.0
    assert "spike" in kinds(tmp_path, load)
    assert kinds(tmp_path, day_shape(30), pv_kw=0.0) == {"dead"}


def test_a_29_day_gap_and_doubled_stamps(tmp_path: Path) -> None:
    times = pd.date_range("2026-01-01", periods=96 * 60, freq=QUARTER)
    frame = pd.DataFrame({"time": times.astype(str), "dc_load_kw": day_shape(60)})
    frame = pd.concat([frame.iloc[: 96 * 10], frame.iloc[96 * 39 :], frame.iloc[100:103]])
    frame.to_csv(tmp_path / "data.csv", index=False)
    found = {f.kind: f for f in inspect_file(tmp_path / "data.csv").findings}
    assert "longest of 29.0 days" in found["gap"].text
    assert found["duplicate"].count == 3
    assert "disorder" in found


def test_watts_called_kilowatts_and_a_price_per_mwh(tmp_path: Path) -> None:
    assert kinds(tmp_path, 1000.0 * day_shape(30)) == {"unit"}
    assert kinds(tmp_path, day_shape(30), import_price_per_kwh=30.0 + day_shape(30, 2)) == {"unit"}


def test_the_text_ends_with_a_map(tmp_path: Path) -> None:
    kinds(tmp_path, day_shape(3))
    page = as_text(inspect_file(tmp_path / "data.csv"))
    assert 'column = "dc_load_kw"' in page
    assert "Nothing wrong was found." in page


def test_a_file_without_a_table_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("x,y\n1,2\n", encoding="utf-8")
    with pytest.raises(UserError, match="no time column"):
        inspect_file(tmp_path / "a.csv")
    with pytest.raises(UserError, match="cannot be read"):
        inspect_file(tmp_path / "none.csv")


def test_the_json_holds_every_finding(tmp_path: Path) -> None:
    """Counts are plain integers, whatever numpy counted them as."""
    load = day_shape(30)
    load[400:440] = np.linspace(load[400], 3.0, 40)
    load[500:530] = load[500]
    assert kinds(tmp_path, load) == {"ramp", "stuck"}
    data = json.loads(json.dumps(as_data(inspect_file(tmp_path / "data.csv"))))
    assert {each["kind"] for each in data["findings"]} == {"ramp", "stuck"}


def test_what_is_constant_by_nature_is_no_finding(tmp_path: Path) -> None:
    sound = day_shape(20)
    more: dict[str, object] = {"mains_available": 1, "ac_load_kw": 0.5}
    assert kinds(tmp_path, np.full(96 * 20, 2.5), **more) == set()
    assert kinds(tmp_path, sound, mains_available=0) == {"dead"}
    assert kinds(tmp_path, sound, pv_kw=0.7) == {"dead"}


def test_the_series_of_a_replay_have_no_findings(tmp_path: Path) -> None:
    """A battery charged at noon is no PV, and one on standby is full for weeks."""
    hour = np.arange(96 * 20) % 96 / 4.0
    sun = np.maximum(0.0, np.sin((hour - 6.0) / 12.0 * np.pi)) * day_shape(20, seed=2)
    battery_kw = np.where(sun > 0.5, sun, 0.0) - np.where(hour > 18.0, 0.4 * day_shape(20), 0.0)
    soc = np.where(np.arange(96 * 20) < 40, 0.5, 1.0)
    more: dict[str, object] = {"pv_kw": sun, "battery_kw": battery_kw, "soc": soc, "mains_ok": 1}
    assert kinds(tmp_path, day_shape(20), **more) == set()


@pytest.mark.parametrize(
    ("shift_h", "found"), [(0.0, False), (3.0, False), (-8.0, True), (7.0, True)]
)
def test_a_solar_day_that_no_local_clock_shows(tmp_path: Path, shift_h: float, found: bool) -> None:
    """In Hangzhou, times in UTC show PV from 22:00 to 10:00, with its middle at 04:00."""
    hours = np.arange(30 * 96) / 4.0 - shift_h
    cloud = np.random.default_rng(4).uniform(0.4, 1.0, hours.size)
    pv_kw = np.round(4.0 * cloud * np.maximum(np.sin((hours % 24 - 6.0) / 12.0 * np.pi), 0.0), 3)
    kinds(tmp_path, day_shape(30), pv_kw=pv_kw)
    texts = [f.text for f in inspect_file(tmp_path / "data.csv").findings if f.kind == "clock"]
    assert any("the middle of the solar day lies at" in text for text in texts) == found
