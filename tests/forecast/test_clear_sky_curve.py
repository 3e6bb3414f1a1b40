"""The clear-sky curve from a process of its own is the same, and the next one comes in time."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from siteems.config.seeds import seed_path
from siteems.forecast.clear_sky import AHEAD, DAYS_AT_ONCE, ClearSky
from siteems.forecast.clear_sky_curve import Array, Plant, compute, compute_in_child, plant_of
from siteems.site.read_file import load_site

SITE = load_site(seed_path("hangzhou-macro"))
assert SITE.pv is not None
PV = SITE.pv
PLANT = plant_of(SITE.site, PV)
MIDNIGHT = datetime(2026, 7, 15, tzinfo=UTC)
DAY = timedelta(days=1)


def test_a_process_of_its_own_gives_the_same() -> None:
    assert np.array_equal(compute_in_child(PLANT, MIDNIGHT, 3), compute(PLANT, MIDNIGHT, 3))


@pytest.mark.parametrize("program", ["import sys; sys.exit(1)", "print('noise')", "missing"])
def test_without_the_process_it_is_computed_here(
    program: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = tmp_path / "python"
    if program != "missing":
        script.write_text(f"#!{sys.executable}\n{program}\n", encoding="utf-8")
        script.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(script))
    assert np.array_equal(compute_in_child(PLANT, MIDNIGHT, 2), compute(PLANT, MIDNIGHT, 2))


def test_the_next_curve_is_prepared_before_it_is_needed() -> None:
    computed: list[datetime] = []

    def count(plant: Plant, midnight: datetime, days: int) -> Array:
        computed.append(midnight)
        return np.zeros(96 * days + 1)

    sky = ClearSky(SITE.site, PV, count)
    now = MIDNIGHT + timedelta(hours=1)
    sky.powers_kw(now, np.arange(36.0))
    sky.prepare(now + (DAYS_AT_ONCE - 1) * DAY - AHEAD)
    assert len(computed) == 1, "it reaches far enough"
    sky.prepare(now + DAYS_AT_ONCE * DAY - AHEAD)
    assert len(computed) == 2
    for day in range(DAYS_AT_ONCE - AHEAD // DAY, DAYS_AT_ONCE):
        sky.powers_kw(now + day * DAY, np.arange(36.0))
    sky.powers_kw(now + (DAYS_AT_ONCE - AHEAD // DAY) * DAY - timedelta(hours=25), np.zeros(1))
    assert len(computed) == 2, "also for a clock that was set back by a day"


def test_a_daemon_has_no_pandas_in_memory() -> None:
    """It takes 60 MB, and pvlib as much again."""
    program = (
        "import sys, siteems.gateway.daemon, siteems.cli.run\n"
        "print(sorted({'pandas', 'pvlib', 'scipy', 'pyomo'} & set(sys.modules)))"
    )
    shown = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert shown.stdout.strip() == "[]", shown.stderr
