"""Which intent holds now: the fresh plan, the last plan while it still fits, or simple rules. Never
silently.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

import numpy as np

from siteems.control import reasons
from siteems.messages.message import Message
from siteems.planning.published import PublishedPlan

FallbackLevel = Literal["plan", "last-plan", "rules"]

FRESH = timedelta(minutes=20)
"""A plan comes every 15 minutes; one that is a little late is not yet a failure."""
LAST_PLAN_LIMIT = timedelta(hours=24)
CORRIDOR_SOC = 0.10
"""The last plan holds while the measured state of charge is this close to what it foresaw."""


@dataclass(frozen=True)
class Intent:
    """What the site would like its battery to do: kW, + charging; which level says so, and why."""

    battery_kw: float
    level: FallbackLevel
    reason: Message


def choose_intent(
    plan: PublishedPlan | None,
    soc: float | None,
    now: datetime,
    prices_today: Sequence[float],
    price_now: float,
    charge_kw: float,
    load_kw: float,
    pv_kw: float,
) -> Intent:
    """Take the highest level that carries. `prices_today` are those of the running local day, for
    the rules.

    Load and sun are as measured. Where a plan lets the battery carry the whole load, it carries
    what there is, and not what was foreseen: what is left over would be bought at a price that the
    plan avoids.
    """
    because = reasons.NO_PLAN_YET()
    if plan is not None:
        battery_kw, foreseen = plan.battery_kw(now), plan.soc(now)
        if battery_kw is not None and plan.carries_load(now):
            battery_kw = min(0.0, pv_kw - load_kw)
        age = now - plan.issued
        age_h = age / timedelta(hours=1)
        if battery_kw is None or foreseen is None or age > LAST_PLAN_LIMIT:
            because = reasons.PLAN_ENDED(age_h=age_h)
        elif age <= FRESH:
            return Intent(battery_kw, "plan", reasons.FOLLOW_PLAN())
        elif soc is not None and abs(soc - foreseen) > CORRIDOR_SOC:
            because = reasons.PLAN_MISSED(age_h=age_h, planned_soc=foreseen, soc=soc)
        else:
            return Intent(battery_kw, "last-plan", reasons.FOLLOW_LAST_PLAN(age_h=age_h))
    return _rules(prices_today, price_now, charge_kw, load_kw, because)


def _rules(
    prices: Sequence[float], price: float, charge_kw: float, load_kw: float, because: Message
) -> Intent:
    """The timer that vendors ship: charge in the cheap third of the day's prices, carry the load in
    the dear third.
    """
    low, high = float(np.min(prices)), float(np.max(prices))
    if high - low > 0.05 * abs(high):
        third = (high - low) / 3.0
        if price <= low + third:
            return Intent(charge_kw, "rules", reasons.RULES_CHARGE(because=because))
        if price >= high - third:
            return Intent(-load_kw, "rules", reasons.RULES_DISCHARGE(because=because))
    return Intent(0.0, "rules", reasons.RULES_HOLD(because=because))
