"""The status of a site for programs: times ISO 8601 UTC, units in the names."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Any

from siteems.demand_response.event import DrEvent
from siteems.demand_response.event_text import event_dict
from siteems.demand_response.opt_out import opt_out_dict
from siteems.history.records import AlarmRecord, Sample
from siteems.messages.message import Message
from siteems.operations.alarm_list import alarm_dict
from siteems.operations.daemon_state import DaemonState
from siteems.operations.english import ENGLISH
from siteems.operations.hold_record import hold_dict
from siteems.operations.status import Status
from siteems.planning.published_plan import PublishedPlan


def as_data(status: Status) -> dict[str, Any]:
    """Everything in a status, ready for JSON. Unknown values are null or absent, never 0."""
    return {
        "site": status.site_id,
        "now": status.now.isoformat(),
        "daemon": daemon_dict(status.daemon),
        "sample": None if status.sample is None else _sample_dict(status.sample, status.now),
        "plan": None if status.plan is None else _plan_dict(status.plan),
        "dr_events": [_event_dict(event, status) for event in status.events],
        "alarms": [_alarm_dict(alarm) for alarm in status.alarms],
        "standing_alarms": [alarm_dict(alarm) for alarm in status.standing],
        "traffic": status.traffic,
        "backup": None if status.backup is None else asdict(status.backup),
        "holds": [hold_dict(hold) for hold in status.holds],
    }


def _event_dict(event: DrEvent, status: Status) -> dict[str, Any]:
    """An event, with `opted_out` where the site has declined it."""
    declined = status.opt_outs.get(event.id)
    return event_dict(event) | ({} if declined is None else {"opted_out": opt_out_dict(declined)})


def daemon_dict(daemon: DaemonState) -> dict[str, Any]:
    """The state of a daemon."""
    stopped = None if daemon.stopped is None else daemon.stopped.isoformat()
    return {
        "state": daemon.state,
        "pid": daemon.pid,
        "stopped": stopped,
        "read_only": daemon.read_only,
    }


def _sample_dict(sample: Sample, now: datetime) -> dict[str, Any]:
    return {
        "time": sample.time.isoformat(),
        "age_s": round((now - sample.time).total_seconds(), 1),
        "source": sample.source,
        "reason": _message_dict(sample.reason),
        **sample.values,
    }


def _plan_dict(plan: PublishedPlan) -> dict[str, Any]:
    return {
        "issued": plan.issued.isoformat(),
        "trigger": plan.trigger,
        "status": plan.status,
        "end": plan.end.isoformat(),
        "month_peak_kw": plan.month_peak_kw,
    }


def _alarm_dict(alarm: AlarmRecord) -> dict[str, Any]:
    return {"time": alarm.time.isoformat(), "level": alarm.level} | _message_dict(alarm.message)


def _message_dict(message: Message) -> dict[str, Any]:
    """Code and values, and the English text for a program that only shows it."""
    values = message.as_dict()
    return {"code": values.pop("code"), "values": values, "text": ENGLISH.text(message)}
