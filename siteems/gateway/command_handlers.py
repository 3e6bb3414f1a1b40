"""The commands that the daemon takes, each validated before anything is done."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Final

from siteems.clock import Clock
from siteems.control.hold import Hold, Holds
from siteems.controller import Controller
from siteems.demand_response.event_log import EventLog
from siteems.demand_response.event_text import event_dict
from siteems.demand_response.manual import cancel_event, confirm, doubts_about, place_import_limit
from siteems.demand_response.opt_out import (
    OPT_OUTS,
    OptOut,
    OptOuts,
    opt_out_dict,
    opt_outs_text,
)
from siteems.errors import UserError
from siteems.gateway.command_server import Handler
from siteems.history.recorder import Recorder
from siteems.history.records import AlarmRecord
from siteems.history.valid_rows import EARLIEST, LATEST
from siteems.operations.alarm_catalogue import ACKNOWLEDGED
from siteems.operations.alarm_states import BY_CODE
from siteems.operations.command_channel import Caller
from siteems.operations.event_alarm_types import EVENT_OPTED_IN, EVENT_OPTED_OUT
from siteems.operations.hold_record import HOLDS, hold_dict, holds_text
from siteems.site.demand_response import DemandResponse
from siteems.site.model import Battery
from siteems.vpp.flexibility import Availability
from siteems.vpp.site_availability import as_data

DRIVING: Final = frozenset({"dr-limit-import", "dr-opt-in", "dr-opt-out", "hold"})
"""Commands that devices have to be driven for."""
LONGEST: Final = timedelta(days=366)
"""Of an event."""
LONGEST_HOLD: Final = timedelta(days=7)
"""A hold that was forgotten costs the saving of a week, and not of a year."""


def all_commands(
    controller: Controller,
    recorder: Recorder,
    clock: Clock,
    report: Callable[[AlarmRecord], None],
    *,
    read_only: bool,
) -> Mapping[str, Handler]:
    """The commands of a daemon. A read-only one refuses those that devices are driven for."""
    site, events = controller.site, EventLog(recorder)
    keep_holds, keep_opt_outs = (partial(recorder.set_fact, key) for key in (HOLDS, OPT_OUTS))
    handlers = (
        event_commands(events, clock, site.demand_response)
        | opt_out_commands(controller.opt_outs, events, clock, keep_opt_outs, report)
        | hold_commands(controller.holds, clock, site.battery, keep_holds)
        | alarm_commands(report, clock)
        | availability_commands(controller.availability)
    )
    return without_driving(handlers) if read_only else handlers


def event_commands(events: EventLog, clock: Clock, allowed: DemandResponse) -> dict[str, Handler]:
    """Create and cancel DR events. The control loop finds the change in its next cycle.

    What the site file does not allow has to be `confirmed`.
    """

    def limit_import(arguments: Mapping[str, Any], caller: Caller) -> Mapping[str, Any]:
        duration = length(arguments, "duration_s")
        start, now = time(arguments, "start"), clock.now()
        limit_kw = number(arguments, "limit_kw")
        if arguments.get("confirmed") is not True:
            confirm(doubts_about(limit_kw, duration, allowed))
        try:
            return event_dict(
                place_import_limit(events, limit_kw, start, duration, now, caller.user)
            )
        except ValueError as error:
            raise UserError(str(error)) from error

    def cancel(arguments: Mapping[str, Any], caller: Caller) -> Mapping[str, Any]:
        return event_dict(cancel_event(events, text(arguments, "id"), clock.now()))

    return {"dr-limit-import": limit_import, "dr-cancel": cancel}


def opt_out_commands(
    opt_outs: OptOuts,
    events: EventLog,
    clock: Clock,
    keep: Callable[[str], None],
    report: Callable[[AlarmRecord], None],
) -> dict[str, Handler]:
    """Decline an open event, and follow it again. `keep` stores the opt-outs for a restart."""

    def opt_out(arguments: Mapping[str, Any], caller: Caller) -> Mapping[str, Any]:
        event, reason = text(arguments, "id"), text(arguments, "reason").strip()
        if not reason:
            raise UserError("reason: is empty; state why, for the record and the grid operator")
        now = clock.now()
        if event not in {each.id for each in events.open(now)}:
            raise UserError(f"no event {event} is in force or to come")
        declined = OptOut(event, reason, caller.user, now)
        opt_outs.begin(declined)
        keep(opt_outs_text(opt_outs))
        report(EVENT_OPTED_OUT.at(now, who=caller.user, event=event, reason=reason))
        return opt_out_dict(declined)

    def opt_in(arguments: Mapping[str, Any], caller: Caller) -> Mapping[str, Any]:
        event = text(arguments, "id")
        declined = opt_outs.end(event)
        if declined is None:
            raise UserError(f"the site has not opted out of an event {event}")
        keep(opt_outs_text(opt_outs))
        report(EVENT_OPTED_IN.at(clock.now(), who=caller.user, event=event))
        return opt_out_dict(declined)

    return {"dr-opt-out": opt_out, "dr-opt-in": opt_in}


def availability_commands(
    find: Callable[[datetime, timedelta], Availability],
) -> dict[str, Handler]:
    """What the site can give from a time on. `find` raises `UserError`."""

    def show(arguments: Mapping[str, Any], caller: Caller) -> Mapping[str, Any]:
        return as_data(find(time(arguments, "start"), length(arguments, "duration_s")))

    return {"dr-availability": show}


def hold_commands(
    holds: Holds, clock: Clock, battery: Battery, keep: Callable[[str], None]
) -> dict[str, Handler]:
    """Hold the battery by hand, and release it. `keep` stores the holds for a restart."""

    def shown() -> Mapping[str, Any]:
        return {"holds": [hold_dict(each) for each in holds.in_force()]}

    def hold(arguments: Mapping[str, Any], caller: Caller) -> Mapping[str, Any]:
        kw, lasts = number(arguments, "battery_kw"), length(arguments, "duration_s")
        if not -battery.max_discharge_kw <= kw <= battery.max_charge_kw:
            allowed = f"{-battery.max_discharge_kw:g} to {battery.max_charge_kw:g} kW"
            raise UserError(f"battery_kw: {kw:g} kW; allowed: {allowed}, the battery's ratings")
        if lasts > LONGEST_HOLD:
            raise UserError(f"duration_s: {lasts}; allowed: up to {LONGEST_HOLD.days} days")
        service = arguments.get("service", False) is True
        holds.begin(Hold(kw, clock.now() + lasts, caller.user, service))
        keep(holds_text(holds.in_force()))
        return shown()

    def release(arguments: Mapping[str, Any], caller: Caller) -> Mapping[str, Any]:
        if not holds.end():
            raise UserError("nothing is held")
        keep(holds_text(()))
        return shown()

    return {"hold": hold, "hold-release": release, "hold-show": lambda _, caller: shown()}


def alarm_commands(report: Callable[[AlarmRecord], None], clock: Clock) -> dict[str, Handler]:
    """Acknowledge an alarm. `report` records it."""

    def acknowledge(arguments: Mapping[str, Any], caller: Caller) -> Mapping[str, Any]:
        code, subject, note = (text(arguments, name) for name in ("alarm", "subject", "note"))
        if code not in BY_CODE:
            raise UserError(f"alarm: there is no {code!r}; docs/alarms.md lists all")
        now, who = clock.now(), caller.user
        report(ACKNOWLEDGED.at(now, who=who, alarm=code, subject=subject, note=note))
        return {"alarm": code, "subject": subject}

    return {"alarm-acknowledge": acknowledge}


def without_driving(handlers: Mapping[str, Handler]) -> dict[str, Handler]:
    """The commands of a read-only daemon: what would have to be driven is refused."""

    def refused(_: Mapping[str, Any], caller: Caller) -> Mapping[str, Any]:
        raise UserError("the daemon is read-only: it writes to no device, so nothing would hold it")

    return {name: refused if name in DRIVING else handler for name, handler in handlers.items()}


def number(arguments: Mapping[str, Any], name: str) -> float:
    """A finite number. Raises `UserError`, as those below do."""
    value = arguments.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise UserError(f"{name}: {value!r} is not a number")
    return float(value)


def length(arguments: Mapping[str, Any], name: str) -> timedelta:
    """A duration from seconds."""
    seconds = number(arguments, name)
    if not 0.0 < seconds <= LONGEST.total_seconds():
        raise UserError(f"{name}: {seconds:g} s; allowed: more than 0, up to a year")
    return timedelta(seconds=seconds)


def time(arguments: Mapping[str, Any], name: str) -> datetime:
    """An aware time that a record may hold, in UTC."""
    try:
        value = datetime.fromisoformat(text(arguments, name))
        if value.tzinfo is not None and EARLIEST <= value < LATEST - LONGEST:
            return value.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise UserError(f"{name}: not a time with an offset, such as 2026-07-15T18:00+08:00")


def text(arguments: Mapping[str, Any], name: str) -> str:
    """A short text."""
    value = arguments.get(name)
    if not isinstance(value, str) or len(value) > 1000:
        raise UserError(f"{name}: a text is missing, or too long")
    return value
