"""When a new plan is requested: at once for an event, with a pause between deviations."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import numpy as np
import pytest
from plans import ISSUED, plan

from siteems.messages.message import MessageType
from siteems.planning import reasons
from siteems.planning.futures import FutureValues
from siteems.planning.replan import REPLAN_PAUSE, REPLAN_SOC, ReplanRequest, known_futures

SECOND = timedelta(seconds=1)
PLANNED_SOC = 0.40


def deviate(request: ReplanRequest, after: timedelta = timedelta(0)) -> bool:
    """Report a deviation; whether a plan is requested."""
    request.clear()
    request.ask_on_deviation(ISSUED + after, 0.9, plan(), by_rules=False)
    return request.is_set()


@pytest.mark.parametrize(
    ("soc", "asks"),
    [
        (PLANNED_SOC, False),
        (PLANNED_SOC + REPLAN_SOC - 1e-6, False),
        (PLANNED_SOC + REPLAN_SOC + 1e-6, True),
        (PLANNED_SOC - REPLAN_SOC - 1e-6, True),
        (None, False),
    ],
)
def test_a_deviation_from_the_planned_charge_requests_a_plan(soc: float | None, asks: bool) -> None:
    request = ReplanRequest()
    request.ask_on_deviation(ISSUED, soc, plan(), by_rules=False)
    assert request.is_set() is asks
    if asks:
        assert request.trigger == reasons.SOC_DEVIATION


def test_between_two_deviations_there_is_a_pause() -> None:
    request = ReplanRequest()
    assert deviate(request)
    assert not deviate(request, REPLAN_PAUSE - SECOND)
    assert deviate(request, REPLAN_PAUSE)


def test_a_clock_set_back_does_not_prolong_the_pause() -> None:
    request = ReplanRequest()
    assert deviate(request, 2 * REPLAN_PAUSE)
    assert deviate(request)


def test_rules_request_a_plan() -> None:
    request = ReplanRequest()
    request.ask_on_deviation(ISSUED, 0.5, None, by_rules=True)
    assert request.trigger == reasons.NO_PLAN_HOLDS
    assert request.is_set()


async def test_waiting_ends_when_a_plan_is_requested() -> None:
    request = ReplanRequest()
    waiting = asyncio.create_task(request.wait())
    await asyncio.sleep(0)
    assert not waiting.done()
    request.ask(reasons.DR_EVENT_CHANGED)
    await asyncio.wait_for(waiting, 5)
    request.clear()
    assert not request.is_set()


@pytest.mark.parametrize(
    ("minutes", "trigger", "known"),
    [
        (0, reasons.SCHEDULE, True),
        (15, reasons.SCHEDULE, True),
        (30, reasons.SCHEDULE, False),
        (29.99, reasons.SCHEDULE, False),
        (5, reasons.SOC_DEVIATION, False),
        (5, reasons.DR_EVENT_CHANGED, False),
        (-15, reasons.SCHEDULE, True),
        (-90, reasons.SCHEDULE, False),
    ],
)
def test_other_futures_are_solved_with_every_second_plan_and_when_something_happens(
    minutes: float, trigger: MessageType, known: bool
) -> None:
    values = FutureValues(ISSUED, np.zeros(1, dtype=np.int64), (np.zeros((1, 1)),))
    last = plan(future_values=values)
    now = ISSUED + timedelta(minutes=minutes)
    assert known_futures(last, trigger, now) is (values if known else None)
    assert known_futures(plan(), trigger, now) is None, "none are known"
