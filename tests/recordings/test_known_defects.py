"""Every defect that the publishers of the shared data name is found, or excused in docs/data.md."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from siteems.recordings.inspection import Inspection, inspect_file

ROOT = Path(__file__).parents[2]
DATA = ROOT.parent / "shared" / "data"
PAGE = (ROOT / "docs" / "data.md").read_text(encoding="utf-8")
LOS_ANGELES = ZoneInfo("America/Los_Angeles")


@dataclass(frozen=True)
class Defect:
    file: str
    kind: str
    column: str
    count: int
    """At least so many values, rows or days."""
    zone: ZoneInfo | None = None
    text: str = ""


DEFECTS = [
    Defect(
        "cn_pv_stations_sgcc/pv_station_site1_50MW_raw_15min.csv.gz", "sentinel", "air_temp_c", 60
    ),
    Defect("cn_pv_stations_sgcc/pv_station_site1_50MW_raw_15min.csv.gz", "sentinel", "ghi_wm2", 60),
    Defect(
        "cn_pv_stations_sgcc/pv_station_site1_50MW_raw_15min.csv.gz", "sentinel", "rh_pct", 6747
    ),
    Defect("cn_pv_stations_sgcc/pv_station_site1_50MW_raw_15min.csv.gz", "zero", "power_mw", 10),
    Defect(
        "cn_pv_stations_sgcc/pv_station_site1_50MW_raw_15min.csv.gz", "stuck", "air_temp_c", 100
    ),
    Defect("cn_pv_stations_sgcc/pv_station_site5_110MW_raw_15min.csv.gz", "text", "power_mw", 46),
    Defect(
        "cn_pv_stations_sgcc/pv_station_site5_110MW_raw_15min.csv.gz", "outlier", "pressure_hpa", 1
    ),
    Defect(
        "cn_pv_stations_sgcc/pv_station_site5_110MW_raw_15min.csv.gz", "night", "power_mw", 10_000
    ),
    Defect("cn_pv_stations_sgcc/pv_station_site5_110MW_raw_15min.csv.gz", "zero", "power_mw", 40),
    Defect(
        "us_homes_pv_battery_citylearn2022/buildings_hourly.csv.gz",
        "clock",
        "pv_w_per_kw of building 1",
        2,
        text="2016-11-06, 2017-03-12",
    ),
    Defect(
        "us_homes_pv_battery_citylearn2022/buildings_hourly.csv.gz",
        "stuck",
        "load_kwh of building 7",
        6,
    ),
    Defect(
        "us_prices_site_load_dervet/real_time_price_and_site_load_2019_5min.csv.gz",
        "stuck",
        "site_load_kw",
        70_000,
        text="157.44 from 2019-05-02",
    ),
    Defect(
        "us_prices_site_load_dervet/real_time_price_and_site_load_2019_5min.csv.gz",
        "zero",
        "site_load_kw",
        4,
    ),
    Defect(
        "us_prices_site_load_dervet/caiso_day_ahead_2020_hourly.csv.gz",
        "clock",
        "hour_ending",
        2,
        LOS_ANGELES,
    ),
    Defect("us_pv_5min_sdt/site_a_5min.csv.gz", "sentinel", "ac_power_kw", 3),
    Defect("us_pv_5min_sdt/site_a_5min.csv.gz", "gap", "time_utc", 200),
    Defect(
        "us_pv_quality_pvdaq/system50_ac_power_dst_shift_15min.csv.gz",
        "clock",
        "ac_power_2",
        5,
        text="2011-11-06, 2012-03-11, 2012-11-04",
    ),
    Defect(
        "us_pv_quality_pvdaq/system50_ac_power_dst_shift_15min.csv.gz",
        "missing",
        "ac_power_2",
        2904,
    ),
    Defect(
        "us_pv_quality_pvdaq/ac_power_inv_2173_stale_data.csv.gz", "stuck", "value_normalized", 245
    ),
    Defect(
        "us_pv_quality_pvdaq/ac_power_inv_2173_interpolated_data.csv.gz",
        "ramp",
        "value_normalized",
        800,
    ),
    Defect("us_pv_quality_pvdaq/ac_power_inv_7539_outliers.csv.gz", "spike", "value_normalized", 1),
    Defect("us_pv_quality_pvdaq/serf_west_15min.csv.gz", "dead", "ac_current__779", 480),
    Defect("us_pv_quality_pvdaq/serf_west_15min.csv.gz", "same", "das_temperature__785", 480),
    Defect("us_pv_quality_pvdaq/serf_west_15min.csv.gz", "night", "ac_power__773", 100),
    Defect("us_pv_quality_pvdaq/rmis_weather_data.csv.gz", "missing", "Global Horizontal", 4),
    Defect(
        "mv_meters_opendsm/uk-electricity-hdd-only-hourly-sample-1.csv.gz", "duplicate", "start", 15
    ),
    Defect("mv_meters_opendsm/uk-electricity-hdd-only-hourly-sample-1.csv.gz", "gap", "start", 4),
    Defect(
        "cn_cell_traffic_c2tm/cell_cluster_traffic_hourly.csv.gz",
        "gap",
        "hour_start of bs fog_6",
        5,
        text="34.0 days",
    ),
    Defect(
        "cn_cell_traffic_c2tm/cell_cluster_traffic_hourly.csv.gz",
        "outlier",
        "bytes of bs rrh_83_0",
        1,
        text="2.27",
    ),
    Defect("profiles/us_home_1.csv.gz", "clock", "pv_kw", 2),
    Defect("profiles/cn_site_2019.csv.gz", "missing", "pv_kw", 46),
]


@cache
def inspected(file: str, zone: ZoneInfo | None) -> Inspection:
    path = DATA / file
    if not path.is_file():
        pytest.skip(f"{file} is not beside this project")
    return inspect_file(path, zone)


@pytest.mark.parametrize(
    "defect", DEFECTS, ids=lambda d: f"{Path(d.file).name.split('.')[0]}-{d.kind}-{d.column}"
)
def test_it_is_found(defect: Defect) -> None:
    found = inspected(defect.file, defect.zone)
    of_kind = [f for f in found.findings if f.kind == defect.kind and f.column == defect.column]
    assert of_kind, [f for f in found.findings if f.column == defect.column]
    assert sum(f.count for f in of_kind) >= defect.count
    assert any(defect.text in f.text for f in of_kind)


def test_the_page_lists_each_of_them() -> None:
    rows = re.findall(r"^\| ([\w-]+) \| (.+) \| (.+) \|$", PAGE, re.MULTILINE)
    for defect in DEFECTS:
        name = Path(defect.file).name.split(".")[0]
        assert any(file == name and defect.kind in how for file, _, how in rows), (
            name,
            defect.kind,
        )


def test_the_page_names_only_files_that_are_there() -> None:
    if not DATA.is_dir():
        pytest.skip("no shared data beside this project")
    names = {path.name.split(".")[0] for path in DATA.rglob("*.csv*")}
    known = PAGE.partition("## Known defects")[2]
    for file in re.findall(r"^\| ([\w-]+) \| ", known, re.MULTILINE):
        assert file in names | {"file"} or set(file) == {"-"}, file


@pytest.mark.parametrize(
    "file", ["profiles/cn_site_2020.csv.gz", "profiles/cn_northwest_2019.csv.gz"]
)
def test_sound_data_is_left_alone(file: str) -> None:
    kinds = {(f.kind, f.column) for f in inspected(file, ZoneInfo("Asia/Shanghai")).findings}
    loud = {"sentinel", "outlier", "copied", "clock", "same", "duplicate", "gap", "unit"}
    assert not {(kind, column) for kind, column in kinds if kind in loud and column.endswith("_kw")}


def test_the_page_counts_the_findings_of_every_file() -> None:
    """A change of a rule shows here: each new finding is to be judged, whether it is a false
    alarm.
    """
    listed = re.findall(r"^\| (\S+/\S+) \| (\d+) \| ", PAGE, flags=re.MULTILINE)
    assert len(listed) > 30
    counted = {file: len(inspected(file, None).findings) for file, _ in listed}
    assert counted == {file: int(count) for file, count in listed}
