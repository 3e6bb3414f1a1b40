"""Whether the PV of a profile follows solar noon at the site: times in another zone do not.

A recording in UTC that is read as local time moves prices against the load by hours, and nothing in
its other columns shows it.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from siteems.recordings.profile import Profile
from siteems.recordings.solar_middle import LEAST_DAYS, middle_h
from siteems.site.model import Site

MOST_AWAY_H: Final = 3.5
"""Panels that look east or west have the middle of their energy up to 2.5 h from solar noon, the
equation of time adds a quarter of an hour.
"""
DEGREES_PER_HOUR: Final = 15.0


def displaced_pv_note(profile: Profile, site: Site) -> str | None:
    """A sentence where the middle of a profile's PV lies far from solar noon at the site."""
    if site.pv is None or profile.end - profile.start < LEAST_DAYS:
        return None
    step_h = profile.step.total_seconds() / 3600.0
    starts_h = profile.start.hour + profile.start.minute / 60.0
    middles_h = starts_h + (np.arange(len(profile.pv_kw), dtype=np.float64) + 0.5) * step_h
    middle_utc_h = middle_h(np.mod(middles_h, 24.0, dtype=np.float64), profile.pv_kw)
    if middle_utc_h is None:
        return None
    noon_utc_h = 12.0 - site.site.longitude_deg / DEGREES_PER_HOUR
    away_h = (middle_utc_h - noon_utc_h + 12.0) % 24.0 - 12.0
    if abs(away_h) <= MOST_AWAY_H:
        return None
    return (
        f"pv_kw: the middle of its energy lies {abs(away_h):.1f} h "
        f"{'after' if away_h > 0 else 'before'} solar noon at the site: are the times in another "
        "zone? Then state it as zone in [time] of a map (docs/data.md)"
    )
