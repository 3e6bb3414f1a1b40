"""The status of a site for people: a dozen lines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from siteems.config.local_time import doubled_offset
from siteems.control.reasons import FOLLOW_PLAN
from siteems.demand_response.event_text import event_text
from siteems.estimation.process_image import RESTING_KW
from siteems.history.records import Sample
from siteems.messages.message import Message
from siteems.operations.alarm_states import AlarmState
from siteems.operations.backup_time import BackupTime
from siteems.operations.daemon_state import LINK_TROUBLES, DaemonState
from siteems.operations.english import ENGLISH
from siteems.operations.status import Status
from siteems.planning.published_plan import PublishedPlan

SOURCES: Final = {"last-plan": "last plan", "release": "released"}
"""Recorded sources of a decision that are displayed under another name."""

STANDING_SHOWN: Final = 4
"""Alarms that stand, so that a status fits on one screen."""


def as_text(status: Status, zone: ZoneInfo) -> str:
    """The status with times local to the site."""
    return "\n".join(_lines(status, zone))


def _lines(status: Status, zone: ZoneInfo) -> Iterator[str]:
    now = status.now.astimezone(zone)
    yield f"{status.site_id}  {now:%Y-%m-%d %H:%M:%S}{doubled_offset(now, zone)} local"
    yield f"daemon    {daemon_text(status.daemon)}"
    if status.sample is None:
        yield "measured  nothing yet"
    else:
        yield from _sample_lines(status.sample, status.now)
        control = _control_text(status.sample)
        if not status.daemon.running:
            control = f"none; last: {control}"
        elif status.daemon.read_only:
            control = f"none; would be: {control}"
        yield f"control   {control}"
    if status.backup is not None:
        yield f"mains     failed: {_backup_text(status.backup)}"
    if status.plan is None:
        yield "plan      none"
    else:
        yield from _plan_lines(status.plan, status.now, zone)
    if status.traffic is not None:
        yield from _traffic_lines(status.traffic)
    for hold in status.holds:
        until = f"{hold.until.astimezone(zone):%m-%d %H:%M}{doubled_offset(hold.until, zone)}"
        kind = "service hold, " if hold.service else ""
        yield f"held      {kind}{hold.battery_kw:+.2f} kW by {hold.owner} until {until}"
    for event in status.events:
        declined = status.opt_outs.get(event.id)
        marks = "" if declined is None else f", opted out by {declined.owner}: {declined.reason}"
        yield f"DR event  {event_text(event, zone)}{marks}"
    yield from _standing_lines(status.standing, zone)
    for alarm in status.alarms:
        local = alarm.time.astimezone(zone)
        since = f"{local:%H:%M:%S}{doubled_offset(local, zone)}"
        yield f"{alarm.level:9} {since} {alarm.code}: {ENGLISH.text(alarm.message)}"


def _standing_lines(standing: Sequence[AlarmState], zone: ZoneInfo) -> Iterator[str]:
    """A line for each of the first few alarms that stand, and how many more there are."""
    for alarm in standing[:STANDING_SHOWN]:
        local = alarm.since.astimezone(zone)
        of = f" of {alarm.subject}" if alarm.subject else ""
        seen = ", acknowledged" if alarm.state == "acknowledged" else ""
        since = f"{local:%m-%d %H:%M}{doubled_offset(local, zone)}"
        yield f"stands    {alarm.alarm.level} {alarm.alarm.code}{of} since {since}{seen}"
    if standing:
        more = len(standing) - STANDING_SHOWN
        shown = f"{more} more; " if more > 0 else ""
        yield f"          {shown}`siteems alarms` shows what to do"


def _backup_text(backup: BackupTime) -> str:
    left = f"{backup.hours:.1f} h left at this load of {backup.load_kw:.2f} kW"
    if backup.shed_hours is not None:
        left += f", {backup.shed_hours:.1f} h with load shed"
    return left


def daemon_text(daemon: DaemonState) -> str:
    """The state of a daemon as a short text."""
    match daemon.state:
        case "never-started":
            return "never started"
        case "running":
            how = "running read-only, no device is written to" if daemon.read_only else "running"
            return f"{how} (process {daemon.pid})"
        case "stopped":
            return f"stopped at {daemon.stopped:%Y-%m-%d %H:%M:%S} UTC"
        case "dead":
            devices = "devices fall back when their leases run out"
            return f"dead without a clean stop (was process {daemon.pid}); {devices}"


def _sample_lines(sample: Sample, now: datetime) -> Iterator[str]:
    values = sample.values

    def kw(name: str) -> str:
        value = values.get(name)
        return "unknown" if value is None else f"{value:.2f} kW"

    load = f"{kw('dc_load_kw')} DC, {kw('ac_load_kw')} AC"
    soc = f"SoC {_percent(values.get('soc'))}, reserve {_percent(values.get('reserve_soc'))}"
    yield f"measured  {_age_text(now - sample.time)} ago"
    yield f"  grid    {kw('grid_kw')}    load {load}    PV {kw('pv_kw')}"
    yield f"  battery {kw('battery_kw')}{_direction(values.get('battery_kw'))}    {soc}"


def _age_text(age: timedelta) -> str:
    """An age in the largest unit of which there are at least two; a clock that was set back: 0."""
    seconds = max(0.0, age.total_seconds())
    for unit, length_s in (("days", 86_400.0), ("h", 3600.0), ("min", 60.0)):
        if seconds >= 2 * length_s:
            return f"{seconds / length_s:.0f} {unit}"
    return f"{seconds:.0f} s"


def _control_text(sample: Sample) -> str:
    """What decides on the battery now, and why."""
    reason = ENGLISH.text(sample.reason)
    if sample.reason.code == FOLLOW_PLAN.code:
        return reason
    return f"{SOURCES.get(sample.source, sample.source)}: {reason}"


def _direction(battery_kw: float | None) -> str:
    if battery_kw is None:
        return ""
    if battery_kw > RESTING_KW:
        return " (charging)"
    return " (discharging)" if battery_kw < -RESTING_KW else " (resting)"


def _plan_lines(plan: PublishedPlan, now: datetime, zone: ZoneInfo) -> Iterator[str]:
    trigger = ENGLISH.text(Message(plan.trigger))
    issued = f"{plan.issued.astimezone(zone):%H:%M}{doubled_offset(plan.issued, zone)} ({trigger})"
    battery_kw, soc = plan.battery_kw(now), plan.soc(now)
    planned = "over"
    if battery_kw is not None and soc is not None:
        planned = f"now {battery_kw:+.2f} kW{_direction(battery_kw)} at SoC {_percent(soc)}"
    yield f"plan      {plan.status}, issued {issued}, {planned}"
    if plan.month_peak_kw is not None:
        peak = f"{plan.month_peak_kw:.2f} kW, the highest billed import of this month so far"
        yield f"peak      {peak}"


def _traffic_lines(traffic: Mapping[str, Any]) -> Iterator[str]:
    """A line for each link, and one for the writes of today."""
    for name, link in traffic["links"].items():
        counts = {key: _count_text(link[key], key) for key in LINK_TROUBLES if link.get(key)}
        silent = [unit for unit, counters in link["units"].items() if counters["timeouts"]]
        if silent and "timeouts" in counts:
            counts["timeouts"] += f" ({_units_text(silent)})"
        troubles = ", ".join(counts.values()) or "no trouble"
        echo = ", repeats each request" if link.get("echoes") else ""
        yield f"link      {name}: {link['requests']} requests, {troubles}{echo}"
    writes = [
        f"{name} {count['writes']} of {count['allowed']}"
        for name, count in traffic["writes_today"].items()
    ]
    if writes:
        yield f"writes    today: {', '.join(writes)}"


def _count_text(count: int, name: str) -> str:
    name = name.replace("_", " ")
    return f"{count} {name.removesuffix('s') if count == 1 else name}"


def _units_text(units: Sequence[str]) -> str:
    if len(units) == 1:
        return f"unit {units[0]}"
    return f"units {', '.join(units[:-1])} and {units[-1]}"


def _percent(share: float | None) -> str:
    return "unknown" if share is None else f"{share:.1%}"
