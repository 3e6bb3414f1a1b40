"""Metered import that the grid connection of the site can hardly carry."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from siteems.recordings.counter import MOST_SHARE
from siteems.recordings.metered import Metered


def with_beyond_noted(metered: Metered, limit_kw: float) -> Metered:
    """The metered import with a note where it exceeds what a connection of `limit_kw` carries.

    It is billed as it is: whether the meter or the site file is wrong, only a person can judge.
    """
    beyond = metered.import_kw > MOST_SHARE * limit_kw
    if not beyond.any():
        return metered
    first = metered.start + int(np.argmax(beyond)) * metered.step
    note = (
        f"grid_import_kw: {int(beyond.sum())} of {beyond.size} steps are above {MOST_SHARE:g} "
        f"times the import limit of {limit_kw:g} kW, the first at {first:%Y-%m-%d %H:%M} UTC, the "
        f"highest of {metered.import_kw.max():g} kW: billed as they are"
    )
    return replace(metered, notes=(*metered.notes, note))
