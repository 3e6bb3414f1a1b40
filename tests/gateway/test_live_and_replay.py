"""The daemon over Modbus and the replay of the same hours run one controller: they plan and drive
alike.
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from gateway_rig import simulated_site

from siteems.replay.engine import run_replay

HOURS = 8
SPEED = 600
SOC_TOLERANCE = 0.02
"""Of the state of charge at each quarter hour: the daemon reads in the middle of it, the replay at
its end.
"""
POWER_TOLERANCE_KW = 0.8
"""Of the battery's hourly mean, beside setpoints of 10 kW: at this speed one is up to a minute
late, and the forecasts have seen other samples.
"""


@pytest.mark.timeout(240)
def test_live_and_replay_plan_and_drive_alike(tmp_path: Path) -> None:
    with simulated_site(tmp_path, speed=SPEED) as running:
        daemon = running.start_daemon()
        running.clock.start()
        running.wait_until(HOURS)
        daemon.stop()
        history, start = running.history(), running.scenario.start
        site, profile, start_soc = (
            running.site,
            running.scenario.profile,
            running.scenario.start_soc,
        )
        samples = history.samples(start, start + timedelta(hours=HOURS))
    replayed = run_replay(
        site,
        profile,
        ("optimal",),
        start=start,
        end=start + timedelta(hours=HOURS),
        start_soc=start_soc,
    ).policies["optimal"]
    live = [
        (s.time, s.values["soc"], s.values["battery_kw"])
        for s in samples
        if s.values.get("soc") is not None
    ]
    hours = np.array([(time - start) / timedelta(hours=1) for time, _, _ in live])
    soc, battery_kw = (np.array([each[i] for each in live], dtype=np.float64) for i in (1, 2))
    ends = 0.25 * np.arange(1, 4 * HOURS + 1)
    off = np.abs(np.interp(ends, hours, soc) - replayed.series.soc)
    means = np.array([battery_kw[(hours >= h) & (hours < h + 1)].mean() for h in range(HOURS)])
    away = np.abs(means - replayed.series.battery_kw.reshape(HOURS, 4).mean(axis=1))
    print("soc off by", off.max().round(4), "battery kW off by", away.max().round(3))
    assert np.abs(replayed.series.battery_kw).max() > 2.0  # it does something in these hours
    assert off.max() < SOC_TOLERANCE
    assert away.max() < POWER_TOLERANCE_KW
    assert replayed.failed_plans == 0
