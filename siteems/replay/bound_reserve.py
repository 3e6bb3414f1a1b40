"""The backup reserve in the program of the bound, as the control cycle keeps it: at the reserve the
battery stops discharging, but it is charged only where it is well below.
"""

from __future__ import annotations

from itertools import accumulate

import numpy as np
import numpy.typing as npt

from siteems.control.backup_reserve import REBUILD_BELOW_SOC
from siteems.replay.outcome import Series
from siteems.replay.window import ALL_MAINS

Array = npt.NDArray[np.float64]

MARGIN_SOC = 0.002
"""The plan stays this far above the reserve, so that rounded setpoints do not stop a discharge."""


def known_reserve_soc(known: Series) -> Array:
    """The reserve at the end of each interval, shape (n,): the higher one of before and after, and
    none while the mains are out, which it is there for.
    """
    after_soc = np.append(known.reserve_soc[1:], known.reserve_soc[-1])
    reserve_soc = np.minimum(1.0, np.maximum(known.reserve_soc, after_soc) + MARGIN_SOC)
    return np.where(known.mains_ok < ALL_MAINS, 0.0, reserve_soc)


def lowest_soc(reserve_soc: Array) -> Array:
    """The lowest state of charge that control allows, shape (n,): a battery at the reserve that
    rises may stay where it is, until it has to be rebuilt.
    """
    steps = zip(reserve_soc.tolist(), (reserve_soc - REBUILD_BELOW_SOC).tolist(), strict=True)
    floors = accumulate(steps, lambda before, step: min(step[0], max(before, step[1])), initial=0.0)
    return np.array(list(floors)[1:], dtype=np.float64)


def kept_soc(reserve_soc: Array, planned_soc: Array, start_soc: float) -> Array:
    """The lowest state of charge of each interval, shape (n,), for a plan whose course is almost
    `planned_soc`: where that discharges below the reserve, the battery rests instead.
    """
    steps = zip(reserve_soc.tolist(), planned_soc.tolist(), strict=True)
    held = accumulate(
        steps, lambda before, step: max(step[1], min(before, step[0])), initial=start_soc
    )
    return np.array(np.minimum(reserve_soc, list(held)[1:]), dtype=np.float64)
