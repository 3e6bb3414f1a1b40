"""Made-up days for replays: a load with a daily course, PV with clouds, one mains failure."""

from datetime import UTC, datetime, timedelta

import numpy as np

from siteems.recordings.profile import Profile

START = datetime(2026, 7, 5, 16, tzinfo=UTC)
"""Midnight at the site."""
STEP = timedelta(minutes=15)


def made_profile(days: int, seed: int = 5) -> Profile:
    rng = np.random.default_rng(seed)
    hour = np.arange(days * 96) / 4.0 % 24
    cloud = np.repeat(rng.uniform(0.2, 0.9, days), 96)
    mains = np.ones(days * 96, dtype=np.bool_)
    mains[96 + 40 : 96 + 44] = False
    return Profile(
        start=START,
        step=STEP,
        dc_load_kw=3.2
        + 0.7 * np.sin(2 * np.pi * (hour - 9) / 24)
        + 0.05 * rng.standard_normal(days * 96),
        pv_kw=4.2 * cloud * np.clip(np.sin(np.pi * (hour - 5.5) / 13), 0.0, None),
        outdoor_c=28.0 + 4.0 * np.sin(2 * np.pi * (hour - 9) / 24),
        ac_load_kw=None,
        mains_ok=mains,
        source="made up",
    )
