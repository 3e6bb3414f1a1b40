"""When the bound charges a lead battery fully, which its maker asks for every so many days."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import numpy as np
import numpy.typing as npt

from siteems.estimation.site_state import FULL_SOC
from siteems.replay.window import ALL_MAINS, INTERVAL
from siteems.site.model import Battery

Array = npt.NDArray[np.float64]

MARGIN_SOC = 0.003
"""A full charge is planned this far above the level that counts as full, so that it is reached."""


def full_charge_kwh(battery: Battery) -> float:
    """Stored energy at which a battery is charged fully."""
    return min(1.0, FULL_SOC + MARGIN_SOC) * battery.capacity_kwh


def full_charge_intervals(
    battery: Battery, stored_kwh: Array, mains_ok: Array, last: int
) -> Sequence[int]:
    """The intervals at whose end the battery has to be full, given the stored energy at the end of
    each that is cheapest without this demand, shape (n,) like the share of mains.

    `last` is when the battery was full last, as an index like these, which may be negative. Where
    that course is full often enough, nothing is added. Else the battery is filled up where it
    is fullest anyhow, in the second half of the days until the charge is due.
    """
    if battery.full_charge_days is None:
        return []
    days = int(timedelta(days=battery.full_charge_days) / INTERVAL)
    full = np.flatnonzero(stored_kwh >= FULL_SOC * battery.capacity_kwh)
    fullest_kwh = np.where(mains_ok < ALL_MAINS, 0.0, stored_kwh)
    found: list[int] = []
    while last + days < len(stored_kwh):
        due = last + days
        reached = full[(full > last) & (full <= due)]
        if len(reached):
            last = int(reached[-1])
            continue
        first = max(0, last + days // 2 + 1)
        last = first + int(fullest_kwh[first : due + 1].argmax())
        found.append(last)
    return found
