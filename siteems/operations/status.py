"""The status of a site, read from its record: the daemon need not answer for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from siteems.control.hold import Hold
from siteems.demand_response.event import DrEvent
from siteems.demand_response.event_log import EventLog
from siteems.demand_response.opt_out import OPT_OUTS, OptOut, recorded_opt_outs
from siteems.history.records import AlarmRecord, Sample
from siteems.history.store import History
from siteems.operations.alarm_catalogue import OF_ONE_RUN
from siteems.operations.alarm_list import standing_alarms
from siteems.operations.alarm_states import AlarmState
from siteems.operations.backup_time import BackupTime, backup_time
from siteems.operations.daemon_state import (
    DaemonState,
    daemon_clock,
    daemon_state,
    recorded_traffic,
)
from siteems.operations.hold_record import HOLDS, recorded_holds
from siteems.planning.published_plan import USABLE, PublishedPlan
from siteems.planning.recorded_plan import newest_plan
from siteems.site.model import Site

ALARMS_SHOWN: Final = 8
"""The newest ones, so that a status fits on one screen."""
ALARMS_SINCE: Final = timedelta(hours=24)


@dataclass(frozen=True)
class Status:
    """A site and its daemon at one moment."""

    site_id: str
    now: datetime
    """On the daemon's clock."""
    daemon: DaemonState
    sample: Sample | None
    """The newest recorded sample."""
    plan: PublishedPlan | None
    """The newest usable plan."""
    events: tuple[DrEvent, ...]
    """DR events in force or to come."""
    alarms: tuple[AlarmRecord, ...]
    """The newest of the last 24 hours, oldest first, without what only an earlier run was."""
    traffic: Mapping[str, Any] | None
    """Counters of the links and of today's writes, at most a minute old while the daemon runs."""
    backup: BackupTime | None = None
    """While the mains are out: how long the battery lasts."""
    standing: tuple[AlarmState, ...] = ()
    """The alarms that are not cleared, whenever they were raised; the most severe first."""
    holds: tuple[Hold, ...] = ()
    """Holds by hand that are not over."""
    opt_outs: Mapping[str, OptOut] = field(default_factory=dict)
    """By the id of the event; also of events that are over."""


def read_status(site: Site, history: History) -> Status:
    """Read the status from the record. Raises `RecordError`."""
    now = daemon_clock(history).now()
    # A minute ahead, because the daemon may have written since `now`. What is further ahead was
    # recorded while the clock was wrong: it is not the present.
    until = now + timedelta(minutes=1)
    daemon = daemon_state(history)
    alarms = [
        alarm
        for alarm in history.alarms(now - ALARMS_SINCE, until)
        if not _is_obsolete(alarm, daemon)
    ]
    sample, plan = history.last_sample(until), newest_plan(history.last_plans(USABLE, until))
    capacity_kwh = None if plan is None else plan.capacity_kwh
    return Status(
        site_id=site.site.id,
        now=now,
        daemon=daemon,
        sample=sample,
        plan=plan,
        backup=None if sample is None else backup_time(site, sample, capacity_kwh),
        events=EventLog(history).open(now),
        alarms=tuple(alarms[-ALARMS_SHOWN:]),
        traffic=recorded_traffic(history),
        standing=standing_alarms(history),
        holds=recorded_holds(history.fact(HOLDS), now),
        opt_outs={each.event: each for each in recorded_opt_outs(history.fact(OPT_OUTS))},
    )


def _is_obsolete(alarm: AlarmRecord, daemon: DaemonState) -> bool:
    """Whether it says something about an earlier run only, such as that one was read-only."""
    earlier = daemon.started is not None and alarm.time < daemon.started
    return earlier and alarm.code in OF_ONE_RUN


NOT_RUNNING: Final = 3
NO_SAMPLES: Final = 4
NOT_BY_PLAN: Final = 5
LATE_AFTER: Final = 3
"""Missed samples after which a daemon counts as stuck."""


def exit_code(status: Status, site: Site) -> int:
    """How `siteems status` ends: 0 where a running daemon controls the site by a fresh plan.

    3: no daemon runs. 4: it has recorded nothing for three sample intervals. 5: it does not follow
    a fresh plan, but an old one or the rules, has released the devices, or is read-only.
    """
    if not status.daemon.running:
        return NOT_RUNNING
    late = LATE_AFTER * timedelta(seconds=max(site.recording.sample_s, site.control.cycle_s))
    if status.sample is None or status.now - status.sample.time > late:
        return NO_SAMPLES
    by_plan = status.sample.source == "plan" and not status.daemon.read_only
    return 0 if by_plan else NOT_BY_PLAN
