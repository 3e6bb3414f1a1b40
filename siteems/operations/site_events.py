"""The DR events that the controller knows: which have changed, and what they ask for now."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import structlog

from siteems.demand_response.event import DrEvent
from siteems.demand_response.opt_out import OptOuts
from siteems.demand_response.rebound import SOURCE as REBOUND
from siteems.demand_response.rebound import looks_back, with_rebounds
from siteems.demand_response.timeline import Requests, requests_at
from siteems.history.records import AlarmRecord
from siteems.operations.event_alarm_types import EVENT_OVERRULED
from siteems.operations.event_alarms import cap_below_ac_load
from siteems.site.demand_response import DemandResponse

log = structlog.get_logger(__name__)

NO_SETTINGS = DemandResponse()


class SiteEvents:
    """The open events, and the alarms about them."""

    def __init__(
        self,
        report: Callable[[AlarmRecord], None],
        opt_outs: OptOuts,
        settings: DemandResponse = NO_SETTINGS,
    ) -> None:
        self._report, self._opt_outs, self._settings = report, opt_outs, settings
        self.looks_back = looks_back(settings)
        """How long an event has to be known after its end."""
        self.open: tuple[DrEvent, ...] = ()
        """Those in force or to come."""
        self.followed: tuple[DrEvent, ...] = ()
        """Those of them that the site has not opted out of, and the caps of their rebounds."""
        self._overruled: frozenset[str] = frozenset()

    def take(self, events: tuple[DrEvent, ...], now: datetime, ac_load_kw: float | None) -> bool:
        """Take the open events as they are now, and report what is new of them; whether a new plan
        is needed.
        """
        wanted = (event for event in events if event.id not in self._opt_outs)
        followed = with_rebounds(wanted, self._settings, now)
        events = tuple(event for event in events if event.end > now)
        if events == self.open and followed == self.followed:
            return False
        known, current = set(self.followed), set(followed)
        added = [event for event in followed if event not in known]
        removed = [event for event in self.followed if event not in current and event.end > now]
        self.open, self.followed = events, followed
        self._overruled &= {event.id for event in events}
        for event in added:
            log.info(
                "event",
                id=event.id,
                revision=event.revision,
                kind=event.kind,
                start=event.start.isoformat(),
                test=event.test,
            )
            alarm = cap_below_ac_load(event, ac_load_kw, now)
            if alarm is not None and event.source != REBOUND:
                self._report(alarm)
        return any(not event.test for event in (*added, *removed))

    def requests(self, now: datetime, lead: timedelta = timedelta(0)) -> Requests:
        """What the events ask for from `now` until `lead` later. An event that another one has
        overruled is reported once.
        """
        asked = requests_at(self.followed, now, lead)
        overruled = frozenset(asked.overruled)
        if asked.battery is not None:
            for event in sorted(overruled - self._overruled):
                alarm = EVENT_OVERRULED.at(now, event=event, by=asked.battery.event)
                self._report(alarm)
        self._overruled |= overruled
        return asked
