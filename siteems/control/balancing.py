"""When the battery may balance load and PV by itself until the next cycle, with the rectifiers at
rest.

A setpoint holds until the next cycle, but clouds do not. With the rectifiers at rest and charging
allowed, the battery takes every surplus and gives every deficit at once, and no import is needed to
find out whether a PV converter is throttled.
"""

from __future__ import annotations

from typing import Final

from siteems.site.model import Site

AHEAD_H: Final = 0.125
"""It must be able to carry the load alone for this long before the reserve is reached. 7.5 min are
one and a half of the longest cycles, those of a replay; near the reserve, each discharge has a
setpoint again, and cycles become shorter.
"""
LOAD_STEP_KW: Final = 0.5
"""Rise of the load within a cycle that is allowed for."""
LEAST_AHEAD_SOC: Final = 0.01
"""The same as a share of capacity, for the error of the state of charge of a large battery."""


def may_balance(soc: float, reserve_soc: float, load_kw: float, site: Site) -> bool:
    """Whether the battery is so far above the reserve that it cannot reach it in one cycle."""
    ahead_soc = AHEAD_H * (load_kw + LOAD_STEP_KW) / site.battery.capacity_kwh
    return soc >= reserve_soc + max(LEAST_AHEAD_SOC, ahead_soc)
