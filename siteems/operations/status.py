"""What `siteems status` tells: read from the record, so that it needs nothing of the daemon but its
work.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from siteems.demand_response.event import DrEvent
from siteems.demand_response.event_log import EventLog
from siteems.demand_response.event_text import event_dict, event_text
from siteems.history.records import AlarmRecord, Sample
from siteems.history.store import History
from siteems.messages.message import Message
from siteems.operations.daemon_state import daemon_clock, daemon_state
from siteems.operations.message_text import ENGLISH
from siteems.planning.published import PublishedPlan
from siteems.site.model import Site


@dataclass(frozen=True)
class Status:
    """A picture of a site and its daemon at one moment. None = unknown."""

    site_id: str
    now: datetime
    daemon: str
    sample: Sample | None
    plan: PublishedPlan | None
    events: tuple[DrEvent, ...]
    alarms: tuple[AlarmRecord, ...]
    traffic: Mapping[str, Any] | None
    """What the daemon last said of its links and writes, at most a minute old while it runs."""


def read_status(site: Site, history: History) -> Status:
    """Gather the status from the record."""
    clock = daemon_clock(history)
    now = clock.now()
    body = history.last_plan(("optimal", "feasible"))
    traffic = history.fact("traffic")
    alarms = history.alarms(now - timedelta(hours=24), now + timedelta(minutes=1))
    return Status(
        site_id=site.site.id,
        now=now,
        daemon=daemon_state(history),
        sample=history.last_sample(),
        plan=PublishedPlan.from_record(body),
        events=EventLog(history).open(now),
        alarms=tuple(alarms[-8:]),
        traffic=json.loads(traffic) if traffic else None,
    )


def as_json(status: Status) -> dict[str, Any]:
    """For programs: times ISO 8601 UTC, units in the names."""
    sample, plan = status.sample, status.plan
    return {
        "site": status.site_id,
        "now": status.now.isoformat(),
        "daemon": status.daemon,
        "sample": None
        if sample is None
        else {
            "time": sample.time.isoformat(),
            "source": sample.source,
            "reason": _message_dict(sample.reason),
            **sample.values,
        },
        "plan": None
        if plan is None
        else {
            "issued": plan.issued.isoformat(),
            "trigger": plan.trigger,
            "status": plan.status,
            "end": plan.end.isoformat(),
            "month_peak_kw": plan.month_peak_kw,
        },
        "events": [event_dict(e) for e in status.events],
        "alarms": [
            {"time": a.time.isoformat(), "level": a.level} | _message_dict(a.message)
            for a in status.alarms
        ],
        "traffic": status.traffic,
    }


def _message_dict(message: Message) -> dict[str, Any]:
    """A message for programs: code, values, and the English text for those who only show it."""
    values = message.as_dict()
    return {"code": values.pop("code"), "values": values, "text": ENGLISH.text(message)}


def as_text(status: Status, zone: ZoneInfo) -> str:
    """For people: a dozen lines."""
    lines = [
        f"{status.site_id}  {status.now.astimezone(zone):%Y-%m-%d %H:%M:%S} local",
        f"daemon    {status.daemon}",
    ]
    if status.sample is None:
        lines.append("measured  nothing yet")
    else:
        lines += _sample_lines(status.sample, status.now)
    if status.plan is None:
        lines.append("plan      none")
    else:
        plan = status.plan
        value = plan.series["stored_value_per_kwh"][plan.step_at(status.now) or 0]
        made = f"made {plan.issued.astimezone(zone):%H:%M} ({plan.trigger})"
        worth = "" if math.isnan(value) else f", stored energy worth {value:.3f}/kWh"
        lines.append(f"plan      {plan.status}, {made}{worth}")
        if plan.month_peak_kw is not None:
            lines.append(
                f"peak      {plan.month_peak_kw:.2f} kW, the highest billed import of this month so far"
            )
    lines += _traffic_lines(status.traffic)
    lines += [f"call      {event_text(event, zone)}" for event in status.events]
    lines += [
        f"{a.level:9} {a.time.astimezone(zone):%H:%M:%S} {a.code}: {ENGLISH.text(a.message)}"
        for a in status.alarms
    ]
    return "\n".join(lines)


def _sample_lines(sample: Sample, now: datetime) -> list[str]:
    def kw(name: str) -> str:
        value = sample.values.get(name)
        return "unknown" if value is None else f"{value:.2f} kW"

    soc, reserve = sample.values.get("soc"), sample.values.get("reserve_soc")
    battery = sample.values.get("battery_kw")
    doing = (
        ""
        if battery is None
        else " (charging)"
        if battery > 0.05
        else " (discharging)"
        if battery < -0.05
        else " (resting)"
    )
    return [
        f"measured  {(now - sample.time).total_seconds():.0f} s ago",
        f"  grid    {kw('grid_kw')}    load {kw('dc_load_kw')} DC, {kw('ac_load_kw')} AC    sun {kw('pv_kw')}",
        f"  battery {kw('battery_kw')}{doing}    charge {_share(soc)}, reserve {_share(reserve)}",
        f"  decided by {sample.source}: {ENGLISH.text(sample.reason)}",
    ]


def _traffic_lines(traffic: Mapping[str, Any] | None) -> list[str]:
    """A line for each link, and one for the writes of today."""
    if traffic is None:
        return []
    lines = []
    for name, link in traffic["links"].items():
        trouble = [
            f"{link[key]} {key}"
            for key in ("timeouts", "late", "bad", "refused", "reconnects")
            if link[key]
        ]
        silent = [unit for unit, counts in link["units"].items() if counts["timeouts"]]
        of = f" (unit {', '.join(silent)})" if silent else ""
        lines.append(
            f"link      {name}: {link['requests']} requests, {', '.join(trouble) or 'no trouble'}{of}"
        )
    writes = [
        f"{name} {count['writes']} of {count['allowed']}"
        for name, count in traffic["writes_today"].items()
    ]
    return [*lines, f"writes    today: {', '.join(writes)}"] if writes else lines


def _share(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.1%}"
