"""Metered import or export that the grid connection of the site can hardly carry."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from siteems.recordings.counter import MOST_SHARE
from siteems.recordings.metered import Metered

Array = npt.NDArray[np.float64]


def with_beyond_noted(metered: Metered, limit_kw: float) -> Metered:
    """The metered power with a note where it exceeds what a connection of `limit_kw` carries.

    It is billed as it is: whether the meter or the site file is wrong, only a person can judge.
    """
    notes = [
        _note(name, power_kw, metered, limit_kw)
        for name, power_kw in (
            ("grid_import_kw", metered.import_kw),
            ("grid_export_kw", metered.export_kw),
        )
        if power_kw is not None and (power_kw > MOST_SHARE * limit_kw).any()
    ]
    return replace(metered, notes=(*metered.notes, *notes)) if notes else metered


def _note(name: str, power_kw: Array, metered: Metered, limit_kw: float) -> str:
    beyond = power_kw > MOST_SHARE * limit_kw
    first = metered.start + int(np.argmax(beyond)) * metered.step
    return (
        f"{name}: {int(beyond.sum())} of {beyond.size} steps are above {MOST_SHARE:g} "
        f"times the import limit of {limit_kw:g} kW, the first at {first:%Y-%m-%d %H:%M} UTC, the "
        f"highest of {power_kw.max():g} kW: billed as they are"
    )
