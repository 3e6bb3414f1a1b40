"""What the site would like its battery to do now, by fallback level: the fresh plan, the last plan
while it still fits, or rules. Every intent has its level and reason: no fallback is silent.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

import numpy as np

from siteems.control import reasons
from siteems.messages.message import Message
from siteems.planning.published_plan import PublishedPlan

FallbackLevel = Literal["plan", "last-plan", "rules"]

FRESH = timedelta(minutes=20)
"""A plan is made every 15 minutes. One that is a little late is not yet a failure."""
LAST_PLAN_LIMIT = timedelta(hours=24)
"""An older plan was made for the load and the prices of another day."""
CORRIDOR_SOC = 0.10
"""The last plan holds while the measured state of charge is this close to the planned one. Wider,
a plan would be followed that no longer fits the battery; narrower, the usual forecast error of a
day would end it.
"""
STANDBY_SOC = 0.98
"""A battery in standby is charged below it. Float charging brings the rest."""
FLAT_TARIFF = 0.05
"""The rules hold the battery while the prices of the day differ by less than this share of the
highest: the losses of charging and discharging are larger than that.
"""


@dataclass(frozen=True)
class Intent:
    """The requested battery power in kW (+ charging), its fallback level, and why."""

    battery_kw: float
    level: FallbackLevel
    reason: Message
    balances: bool = False
    """The battery takes whatever PV the load leaves and gives whatever load PV leaves, also as both
    change until the next cycle; the requested power is what that is now.
    """


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
    """Take the highest fallback level that holds.

    `prices_today` are the prices of the current local day and `price_now` is the present one, for
    the rules; `charge_kw` is the power at which the rules charge. `load_kw` and `pv_kw` are as
    measured: where the plan lets the battery carry the whole load, it carries the measured load and
    not the forecast one, because the difference would be bought at a price that the plan avoids.
    """
    because = reasons.NO_PLAN_YET()
    if plan is not None:
        battery_kw, planned_soc = plan.battery_kw(now), plan.soc(now)
        if battery_kw is not None and plan.carries_load(now):
            battery_kw = min(0.0, pv_kw - load_kw)
        age = now - plan.issued
        age_min = age / timedelta(minutes=1)
        if battery_kw is None or planned_soc is None or age > LAST_PLAN_LIMIT:
            because = reasons.PLAN_ENDED(age_h=age / timedelta(hours=1))
        elif age <= FRESH:
            return Intent(battery_kw, "plan", reasons.FOLLOW_PLAN())
        elif soc is not None and abs(soc - planned_soc) > CORRIDOR_SOC:
            because = reasons.PLAN_MISSED(age_min=age_min, planned_soc=planned_soc, soc=soc)
        else:
            return Intent(battery_kw, "last-plan", reasons.FOLLOW_LAST_PLAN(age_min=age_min))
    return _rules(prices_today, price_now, charge_kw, load_kw, because)


def self_consumption(load_kw: float, pv_kw: float) -> Intent:
    """The rule that hybrid inverters ship: store surplus PV, carry the load from the battery. It
    needs no forecast and no tariff; the reserve is kept by its bound, as for every intent.
    """
    return Intent(pv_kw - load_kw, "rules", reasons.RULES_SELF_CONSUMPTION(), balances=True)


def standby(soc: float | None, charge_kw: float) -> Intent:
    """Keep the battery full for DR events and outages."""
    full = soc is None or soc >= STANDBY_SOC
    return Intent(0.0 if full else charge_kw, "rules", reasons.RULES_STANDBY())


def _rules(
    prices: Sequence[float], price: float, charge_kw: float, load_kw: float, because: Message
) -> Intent:
    """The timer that vendors ship: charge in the cheapest third of the day's price range, carry the
    load in the most expensive third.
    """
    low, high = float(np.min(prices)), float(np.max(prices))
    if high - low > FLAT_TARIFF * abs(high):
        third = (high - low) / 3.0
        if price <= low + third:
            return Intent(charge_kw, "rules", reasons.RULES_CHARGE(because=because))
        if price >= high - third:
            return Intent(-load_kw, "rules", reasons.RULES_DISCHARGE(because=because))
    return Intent(0.0, "rules", reasons.RULES_HOLD(because=because))
