"""Bound of the backup reserve: no discharge at the reserve, and recharge at once well below it."""

from __future__ import annotations

import math
from typing import Final

from siteems.control import reasons
from siteems.control.bounds import Bound
from siteems.site.model import Site

REBUILD_BELOW_SOC: Final = 0.02
"""This far below the reserve it is rebuilt at once and at full power, whatever the price and
whatever a DR event asks for.
"""


def reserve_held(soc: float, reserve_soc: float, recovery_soc: float, *, before: bool) -> bool:
    """Hysteresis: discharge stops at the reserve and is allowed again only `recovery_soc` above it.

    `before` is the previous answer. Without it, discharge would start and stop in turns at the
    reserve, since a battery at rest shows a slightly higher state of charge than under load.
    """
    return soc <= reserve_soc or (before and soc < reserve_soc + recovery_soc)


def reserve_bound(soc: float, reserve_soc: float, site: Site, *, held: bool) -> Bound:
    """The bound at a state of charge; `held` is the answer of `reserve_held`."""
    if soc < reserve_soc - REBUILD_BELOW_SOC:
        return Bound(
            "backup-reserve",
            site.battery.max_charge_kw,
            math.inf,
            reasons.RESERVE_REBUILT(soc=soc, reserve_soc=reserve_soc),
        )
    if held:
        reason = reasons.RESERVE_REACHED(reserve_soc=reserve_soc)
        return Bound("backup-reserve", 0.0, math.inf, reason)
    return Bound("backup-reserve", -math.inf, math.inf, reasons.RESERVE_FREE())
