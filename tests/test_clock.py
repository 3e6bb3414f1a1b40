"""Clocks: the file clock stands still until started, then runs for all processes; a broken file is
reported in one sentence.
"""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from siteems.clock import FileClock, ManualClock, WallClock
from siteems.errors import UserError

START = datetime(2026, 7, 14, 16, 0, tzinfo=UTC)


def test_wall_clock_is_utc_now() -> None:
    assert abs(WallClock().now() - datetime.now(UTC)) < timedelta(seconds=5)
    assert WallClock().now().utcoffset() == timedelta(0)


async def test_the_manual_clock_moves_only_by_advance() -> None:
    clock = ManualClock(datetime(2026, 7, 15, 0, 0, tzinfo=ZoneInfo("Asia/Shanghai")))
    await clock.started()
    assert (clock.now(), clock.now().tzinfo) == (START, UTC)
    clock.advance(timedelta(minutes=15))
    assert clock.now() == START + timedelta(minutes=15)


@pytest.fixture
def running(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The machine's monotonic clock, set by the test."""
    seconds = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: seconds[0])
    return seconds


def test_file_clock_stands_still_until_started_and_then_runs_fast(
    tmp_path: Path, running: list[float]
) -> None:
    clock = FileClock.create(tmp_path / "clock.json", START, 600)
    running[0] += 50
    assert (clock.now(), clock.speed) == (START, 600)
    clock.start()
    running[0] += 2
    assert clock.now() == START + timedelta(minutes=20)


def test_a_second_instance_starts_with_the_first(tmp_path: Path, running: list[float]) -> None:
    maker = FileClock.create(tmp_path / "clock.json", START, 60)
    other = FileClock(tmp_path / "clock.json")
    assert other.now() == START
    maker.start()
    running[0] += 3
    assert other.now() == maker.now() == START + timedelta(minutes=3)
    assert FileClock(tmp_path / "clock.json").now() == maker.now(), "one that comes late agrees"


async def test_started_waits_for_the_start_by_another(tmp_path: Path) -> None:
    maker = FileClock.create(tmp_path / "clock.json", START, 60)
    waiting = asyncio.create_task(FileClock(maker.path).started())
    await asyncio.sleep(0.06)
    assert not waiting.done()
    maker.start()
    await asyncio.wait_for(waiting, 5)


def test_a_start_in_local_time_is_kept_in_utc(tmp_path: Path) -> None:
    clock = FileClock.create(
        tmp_path / "clock.json", START.astimezone(ZoneInfo("Asia/Shanghai")), 1
    )
    assert clock.now() == START
    assert clock.now().utcoffset() == timedelta(0)


def test_no_scratch_files_stay_behind(tmp_path: Path) -> None:
    FileClock.create(tmp_path / "clock.json", START, 60).start()
    assert [p.name for p in tmp_path.iterdir()] == ["clock.json"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "not json",
        "[]",
        "{}",
        '{"start": "2026-07-15T00:00+00:00", "speed": 60}',
        '{"start": "today", "speed": 60, "anchor_s": null}',
        '{"start": "2026-07-15T00:00", "speed": 60, "anchor_s": null}',
        '{"start": "2026-07-15T00:00+00:00", "speed": "fast", "anchor_s": null}',
        '{"start": "2026-07-15T00:00+00:00", "speed": 0, "anchor_s": null}',
        '{"start": "2026-07-15T00:00+00:00", "speed": -1, "anchor_s": null}',
        '{"start": "2026-07-15T00:00+00:00", "speed": NaN, "anchor_s": null}',
        '{"start": "2026-07-15T00:00+00:00", "speed": 60, "anchor_s": "now"}',
        '{"start": 7, "speed": 60, "anchor_s": null}',
    ],
)
def test_a_bad_file_is_reported_in_one_sentence(text: str, tmp_path: Path) -> None:
    path = tmp_path / "clock.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UserError, match=r"clock\.json: not a clock file"):
        FileClock(path)


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="not a clock file"):
        FileClock(tmp_path / "none.json")


def test_it_is_set_for_every_process_and_the_steady_time_runs_on(
    tmp_path: Path, running: list[float]
) -> None:
    clock = FileClock.create(tmp_path / "clock.json", START, 60.0)
    other = FileClock(clock.path)
    clock.start()
    running[0] += 10.0
    before = other.steady()
    assert other.now() == before
    clock.set_by(timedelta(hours=-1))
    assert clock.now() == other.now() == before - timedelta(hours=1)
    clock.set_by(timedelta(hours=3))
    running[0] += 1.0
    assert other.steady() == clock.steady() == before + timedelta(minutes=1)
    assert other.now() == before + timedelta(hours=2, minutes=1)
    assert FileClock(clock.path).now() == other.now(), "also for one that starts then"
