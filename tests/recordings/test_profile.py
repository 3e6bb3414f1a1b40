"""Profiles and scenarios: read strictly, interpolated between the middles of their steps, with
mains failures.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from siteems.config.local_time import local_time
from siteems.config.seeds import seed_path
from siteems.errors import UserError
from siteems.recordings.complete_profile import read_complete_profile
from siteems.simulation.scenario import demo_scenario
from siteems.site.model import Site

ZONE = ZoneInfo("Asia/Shanghai")
HEADER = "time,dc_load_kw,pv_kw,outdoor_temp_c\n"


def written(folder: Path, rows: str, header: str = HEADER) -> Path:
    path = folder / "day.csv"
    path.write_text("# a comment\n" + header + rows, encoding="utf-8")
    return path


def hourly(first: datetime, count: int) -> str:
    return "".join(
        f"{first + timedelta(hours=i):%Y-%m-%dT%H:%M},{i + 1},0,20\n" for i in range(count)
    )


def test_a_mean_stands_for_the_middle_of_its_step(tmp_path: Path) -> None:
    path = written(
        tmp_path, "2026-07-15T00:00,1,0,20\n2026-07-15T01:00,3,4,30\n2026-07-15T02:00,2,0,20\n"
    )
    profile = read_complete_profile(path, ZONE)
    midnight = datetime(2026, 7, 14, 16, 0, tzinfo=UTC)
    assert (profile.start, profile.end) == (midnight, midnight + timedelta(hours=3))
    loads = [
        profile.at(midnight + timedelta(minutes=m)).dc_load_kw
        for m in (-60, 0, 30, 60, 90, 105, 150, 600)
    ]
    assert loads == [1, 1, 1, 2, 3, 2.75, 2, 2]
    assert profile.at(midnight + timedelta(minutes=60)).pv_available_kw == 2
    assert profile.at(midnight).ac_load_kw is None, (
        "a column that is not there is unknown, not zero"
    )
    assert profile.at(midnight).mains_ok


def test_mains_hold_for_their_whole_step(tmp_path: Path) -> None:
    header = HEADER.replace("\n", ",ac_load_kw,mains_available\n")
    path = written(
        tmp_path, "2026-07-15T00:00,1,0,20,0.5,1\n2026-07-15T01:00,1,0,20,0.7,0\n", header
    )
    profile = read_complete_profile(path, ZONE)
    minutes = (0, 59, 60, 119, 500)
    assert [profile.at(profile.start + timedelta(minutes=m)).mains_ok for m in minutes] == [
        True,
        True,
        False,
        False,
        False,
    ]
    assert profile.at(profile.start).ac_load_kw == 0.5


def test_times_with_and_without_offset_mean_the_same(tmp_path: Path) -> None:
    naive = read_complete_profile(
        written(tmp_path, "2026-07-15T00:00,1,0,20\n2026-07-15T01:00,2,0,20\n"), ZONE
    )
    rows = "2026-07-15T00:00+08:00,1,0,20\n2026-07-15T01:00+08:00,2,0,20\n"
    assert read_complete_profile(written(tmp_path, rows), ZONE).start == naive.start
    assert (
        read_complete_profile(written(tmp_path, rows), ZoneInfo("Europe/Berlin")).start
        == naive.start
    )


def test_one_day_of_several_moved_to_another_date(tmp_path: Path) -> None:
    path = written(tmp_path, hourly(datetime(2026, 3, 1), 72))  # noqa: DTZ001 - local to the zone of the profile
    profile = read_complete_profile(path, ZONE, date(2026, 3, 2))
    assert (profile.at(profile.start).dc_load_kw, len(profile.dc_load_kw)) == (25, 24)
    moved = profile.moved_to(date(2026, 7, 15), ZONE)
    assert moved.start == datetime(2026, 7, 14, 16, 0, tzinfo=UTC)
    assert moved.at(moved.start).dc_load_kw == 25


@pytest.mark.parametrize(
    ("rows", "header", "message"),
    [
        ("2026-07-15T00:00,1,0\n", "time,dc_load_kw,pv_kw\n", "no column outdoor_temp_c"),
        (
            "today,1,0,20\ntomorrow,1,0,20\n",
            HEADER,
            "line 3, column time: 'today' is no time that can be read",
        ),
        (
            "2026-07-15T00:00,1,0,20\n2026-07-15T01:00,1,0,20\n2026-07-15T03:00,1,0,20\n",
            HEADER,
            "3600 s, 7200 s",
        ),
        ("2026-07-15T01:00,1,0,20\n2026-07-15T00:00,1,0,20\n", HEADER, "not equal"),
        ("2026-07-15T00:00,1,0,20\n", HEADER, "not equal"),
        (
            "2026-07-15T00:00,1,0,20\n2026-07-15T01:00,,0,20\n",
            HEADER,
            "dc_load_kw has 1 empty .* 2026-07-15 01:00",
        ),
        (
            "2026-07-15T00:00,1,x,20\n2026-07-15T01:00,1,0,20\n",
            HEADER,
            "pv_kw has 1 empty or unreadable",
        ),
        ("", HEADER, "day.csv"),
    ],
)
def test_a_profile_that_cannot_be_used_is_refused_with_the_reason(
    tmp_path: Path, rows: str, header: str, message: str
) -> None:
    with pytest.raises(UserError, match=message):
        read_complete_profile(written(tmp_path, rows, header), ZONE)


def test_a_missing_file_and_a_missing_day(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot be read as CSV"):
        read_complete_profile(tmp_path / "none.csv", ZONE)
    path = written(tmp_path, "2026-07-15T00:00,1,0,20\n2026-07-15T01:00,1,0,20\n")
    with pytest.raises(
        UserError, match="no data for 2026-07-16; it spans 2026-07-15 to 2026-07-15"
    ):
        read_complete_profile(path, ZONE, date(2026, 7, 16))


def test_local_time() -> None:
    assert local_time("14:30", date(2026, 7, 15), ZONE) == datetime(2026, 7, 15, 6, 30, tzinfo=UTC)
    with pytest.raises(UserError, match="'25:00' is not a time of day"):
        local_time("25:00", date(2026, 7, 15), ZONE)


def test_the_demo_day_has_its_failure(hangzhou: Site) -> None:
    scenario = demo_scenario(hangzhou, seed_path("hangzhou-macro"))
    assert scenario.end - scenario.start == timedelta(days=1)
    failed = local_time("21:40", date(2026, 7, 15), ZONE)
    minutes = [(-1, True), (0, False), (19, False), (20, True)]
    assert [(m, scenario.at(failed + timedelta(minutes=m)).mains_ok) for m, _ in minutes] == minutes
    assert scenario.at(failed).dc_load_kw > 3


def test_a_scenario_without_a_demo_day_or_a_whole_day_is_refused(
    hangzhou: Site, tmp_path: Path
) -> None:
    with pytest.raises(UserError, match=r"no \[demo\] section"):
        demo_scenario(replace(hangzhou, demo=None), tmp_path)
    short = written(tmp_path, "2026-07-15T00:00,1,0,20\n2026-07-15T01:00,1,0,20\n")
    with pytest.raises(UserError, match="does not cover a whole day"):
        demo_scenario(hangzhou, tmp_path, short)
    (tmp_path / "long").mkdir()
    long = written(tmp_path / "long", hourly(datetime(2026, 3, 1), 96))  # noqa: DTZ001 - as above
    with pytest.raises(UserError, match="holds 4 days; choose one with --day"):
        demo_scenario(hangzhou, tmp_path, long)
