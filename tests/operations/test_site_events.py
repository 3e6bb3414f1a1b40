"""The events that the controller knows: what is new, and what is overruled."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from siteems.demand_response.event import DrEvent, Interval, import_cap_event
from siteems.demand_response.opt_out import OptOut, OptOuts
from siteems.history.records import AlarmRecord
from siteems.operations.site_events import SiteEvents

NOON = datetime(2026, 7, 15, 4, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
CAP = import_cap_event("a", 0, 1.5, NOON, NOON + HOUR, "test", NOON - HOUR)


def power(id_: str, battery_kw: float, priority: int) -> DrEvent:
    interval = Interval(NOON, NOON + HOUR, battery_kw)
    return DrEvent(id_, 0, "battery-power", (interval,), "test", NOON - HOUR, "", priority)


@pytest.fixture
def alarms() -> list[AlarmRecord]:
    return []


@pytest.fixture
def events(alarms: list[AlarmRecord]) -> SiteEvents:
    return SiteEvents(alarms.append, OptOuts())


def test_a_plan_is_needed_for_what_is_new_changed_or_gone_before_its_end(
    events: SiteEvents,
) -> None:
    assert events.take((CAP,), NOON - HOUR, None)
    assert not events.take((CAP,), NOON - HOUR, None)
    changed = replace(CAP, revision=1)
    assert events.take((changed,), NOON, None)
    assert events.take((), NOON, None)
    assert events.take((CAP,), NOON, None)
    assert not events.take((), NOON + HOUR, None), "it is over"


def test_a_test_event_needs_no_plan(events: SiteEvents) -> None:
    assert not events.take((replace(CAP, test=True),), NOON, None)
    assert events.open
    assert events.requests(NOON).import_cap_kw == float("inf")


def test_a_cap_that_the_ac_load_exceeds_is_reported(
    events: SiteEvents, alarms: list[AlarmRecord]
) -> None:
    events.take((CAP,), NOON, ac_load_kw=2.0)
    assert [alarm.code for alarm in alarms] == ["cap-below-ac-load"]
    emergency = DrEvent("e", 0, "emergency", (Interval(NOON, NOON + HOUR, 0.0),), "test", NOON)
    events.take((CAP, emergency), NOON, ac_load_kw=2.0)
    assert len(alarms) == 1, "in an emergency the site gives what it can"


def test_an_overruled_event_is_reported_once(events: SiteEvents, alarms: list[AlarmRecord]) -> None:
    events.take((power("low", 2.0, 3), power("high", -1.0, 1)), NOON, None)
    for _ in range(3):
        asked = events.requests(NOON)
    assert asked.battery is not None
    assert asked.battery.battery_kw == -1.0
    assert [alarm.message.values for alarm in alarms] == [{"event": "low", "by": "high"}]
    events.take((), NOON, None)
    events.take((power("low", 2.0, 3), power("high", -1.0, 1)), NOON, None)
    events.requests(NOON)
    assert len(alarms) == 2, "placed anew"


def test_an_event_that_was_opted_out_of_is_kept_and_not_followed(
    alarms: list[AlarmRecord],
) -> None:
    opt_outs = OptOuts()
    events = SiteEvents(alarms.append, opt_outs)
    assert events.take((CAP,), NOON, None)
    opt_outs.begin(OptOut("a", "work at the rectifiers", "jo", NOON))
    assert events.take((CAP,), NOON, None), "a plan without it is needed"
    assert (events.open, events.followed) == ((CAP,), ())
    assert events.requests(NOON).import_cap_kw == float("inf")
    tighter = replace(CAP, revision=1, intervals=(Interval(NOON, NOON + HOUR, 0.5),))
    assert not events.take((tighter,), NOON, None), "nor is a later revision"
    opt_outs.end("a")
    assert events.take((tighter,), NOON, None)
    assert events.requests(NOON).import_cap_kw == 0.5
