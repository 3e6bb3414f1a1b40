"""When a new plan is wanted before the next one is due, and why."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

from siteems.messages.message import MessageType
from siteems.planning import reasons
from siteems.planning.futures import SOLVED_EVERY, FutureValues
from siteems.planning.published_plan import PublishedPlan

REPLAN_SOC = 0.04
"""A measured state of charge this far from the planned one asks for a new plan. Smaller deviations
wait for the next quarter hour. Well below the corridor of 0.10 in which the last plan still holds,
so that a plan is replaced before it is given up.
"""
REPLAN_PAUSE = timedelta(minutes=5)
"""At least this long between two plans that a deviation asked for: a gauge that jumps must not keep
the solver busy.
"""
PLAN_DELAY = timedelta(minutes=1)
"""A plan is made a moment after its quarter hour, sometimes a little sooner after it than the one
before.
"""


def known_futures(
    plan: PublishedPlan | None, trigger: MessageType, now: datetime
) -> FutureValues | None:
    """The values of stored energy in other futures that the next plan can go on with; None where
    they are to be solved anew: with every second plan, and whenever something has happened.
    """
    if plan is None or plan.future_values is None or trigger is not reasons.SCHEDULE:
        return None
    age = abs(now - plan.future_values.solved)
    return plan.future_values if age < SOLVED_EVERY - PLAN_DELAY else None


class ReplanRequest:
    """The request of the fast loop for a new plan. The slow loop waits for it."""

    def __init__(self) -> None:
        self.trigger = reasons.START
        """Why the newest request was made."""
        self._requested = asyncio.Event()
        self._deviated: datetime | None = None
        """When a deviation last asked for a plan."""

    def ask(self, trigger: MessageType) -> None:
        """Ask for a plan now."""
        self.trigger = trigger
        self._requested.set()

    def ask_on_deviation(
        self, now: datetime, soc: float | None, plan: PublishedPlan | None, *, by_rules: bool
    ) -> None:
        """Ask for a plan where the state of charge has left the planned one, or where the site runs
        by rules because no plan holds.
        """
        planned_soc = None if plan is None else plan.soc(now)
        if soc is not None and planned_soc is not None and abs(soc - planned_soc) > REPLAN_SOC:
            self._ask_with_pause(now, reasons.SOC_DEVIATION)
        elif by_rules:
            self._ask_with_pause(now, reasons.NO_PLAN_HOLDS)

    def _ask_with_pause(self, now: datetime, trigger: MessageType) -> None:
        if self._deviated is None or abs(now - self._deviated) >= REPLAN_PAUSE:
            self._deviated = now
            self.ask(trigger)

    async def wait(self) -> None:
        """Return once a plan is asked for."""
        await self._requested.wait()

    def is_set(self) -> bool:
        """Whether a plan is asked for."""
        return self._requested.is_set()

    def clear(self) -> None:
        """Planning begins: later requests ask for another plan."""
        self._requested.clear()
