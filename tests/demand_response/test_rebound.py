"""After a capped event the import stays limited, also over a restart, and never for test events."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from siteems.demand_response.event import DrEvent, Interval, Kind
from siteems.demand_response.opt_out import OptOuts
from siteems.demand_response.rebound import with_rebounds
from siteems.demand_response.timeline import import_cap_kw
from siteems.history.records import AlarmRecord
from siteems.operations.site_events import SiteEvents
from siteems.site.demand_response import DemandResponse

NOON = datetime(2026, 7, 15, 4, 0, tzinfo=UTC)
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
LIMITED = DemandResponse(rebound_kw=5.0, rebound_h=0.5)


def event(kind: Kind = "import-cap", value: float = 1.0) -> DrEvent:
    base = 4.0 if kind == "reduction" else None
    interval = Interval(NOON, NOON + HOUR, value, base)
    return DrEvent("e", 0, kind, (interval,), "test", NOON - HOUR)


@pytest.mark.parametrize("kind", ["import-cap", "reduction", "emergency"])
def test_the_import_stays_limited_for_a_while(kind: Kind) -> None:
    one = event(kind, 0.0 if kind == "emergency" else 1.0)
    events = with_rebounds([one], LIMITED, NOON)
    assert import_cap_kw(events, NOON) == {"reduction": 3.0, "emergency": 0.0}.get(kind, 1.0)
    for after, cap in ((0, 5.0), (29, 5.0), (30, float("inf"))):
        when = NOON + HOUR + after * MINUTE
        assert import_cap_kw(with_rebounds([one], LIMITED, when), when) == cap


@pytest.mark.parametrize(
    "one",
    [replace(event(), test=True), event("price", 2.0), event("battery-power", -2.0)],
)
def test_what_has_no_rebound(one: DrEvent) -> None:
    assert with_rebounds([one], LIMITED, NOON) == (one,)


def test_without_a_limit_nothing_is_added() -> None:
    assert with_rebounds([event()], DemandResponse(), NOON) == (event(),)
    assert with_rebounds([event()], DemandResponse(), NOON + HOUR) == ()


def test_the_controller_asks_for_no_plan_when_an_event_turns_into_its_rebound() -> None:
    alarms: list[AlarmRecord] = []
    events = SiteEvents(alarms.append, OptOuts(), LIMITED)
    assert events.looks_back == 30 * MINUTE
    assert events.take((event(),), NOON, 2.0)
    assert len(alarms) == 1, "a cap below the AC load; its rebound is none"
    assert not events.take((event(),), NOON + HOUR, None), "the plan knows of both"
    assert events.open == ()
    assert events.requests(NOON + HOUR + MINUTE).import_cap_kw == 5.0
    assert not events.take((event(),), NOON + 2 * HOUR, None)
    assert events.followed == ()


def test_a_cancelled_event_has_no_rebound() -> None:
    events = SiteEvents(lambda alarm: None, OptOuts(), LIMITED)
    events.take((event(),), NOON, None)
    assert events.take((), NOON + MINUTE, None)
    assert events.followed == ()
