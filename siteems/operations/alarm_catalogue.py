"""The catalogue of alarms: every code with its level, text, meaning and remedy.

`CAP_EXCEEDED.at(now, grid_kw=2.1, ...)` makes the record of an alarm; its code is a plain string
nowhere else. A new alarm is one entry below, or in `bus_alarm_types.py`, `daemon_alarms.py`,
`event_alarm_types.py`, `meter_alarms.py` or `record_alarm_types.py`. `docs/alarms.md` is made from
the entries by
`python -m siteems.operations.alarms_page docs/alarms.md`.
"""

from __future__ import annotations

from typing import Final

from siteems.operations.alarm_type import NOTHING_TO_DO, AlarmType
from siteems.operations.bus_alarm_types import BUS_ALARMS
from siteems.operations.daemon_alarms import DAEMON_ALARMS
from siteems.operations.event_alarm_types import EVENT_ALARMS
from siteems.operations.meter_alarms import METER_ALARMS
from siteems.operations.record_alarm_types import RECORD_ALARMS

# -- mains and measurements ------------------------------------------------------------------------

MAINS_FAILED: Final = AlarmType(
    "mains-failed",
    "the mains have failed; the battery carries the site",
    "warning",
    "The measured mains voltage is too low to supply the rectifiers. All economic setpoints are "
    "released.",
    "Check the supply. `siteems status` shows how long the battery lasts.",
)
MAINS_RETURNED: Final = AlarmType(
    "mains-returned",
    "the mains are back",
    "info",
    "The mains voltage is in range again after a failure.",
    NOTHING_TO_DO,
    clears=(MAINS_FAILED.code,),
)
RELEASED: Final = AlarmType(
    "released",
    "{reason}",
    "alarm",
    "The site is not controlled: a measurement that control needs is missing, or the bus voltage "
    "is too low. The devices hold their safe values.",
    "Read the reason. For a missing measurement check the device and its link; for a low bus "
    "voltage check rectifiers and battery.",
)
DRIVING: Final = AlarmType(
    "driving",
    "measurements are back; the site is driven again",
    "info",
    "Control has resumed after a release.",
    NOTHING_TO_DO,
    clears=(RELEASED.code,),
)
NOT_MEASURED: Final = AlarmType(
    "not-measured",
    "{reason}",
    "warning",
    "A read-only daemon lacks a measurement that control would need.",
    "Check the device and its link.",
)
MEASURED: Final = AlarmType(
    "measured",
    "measurements are back",
    "info",
    "A read-only daemon has all measurements again.",
    NOTHING_TO_DO,
    clears=(NOT_MEASURED.code,),
)

# -- plans and fallback levels ---------------------------------------------------------------------

FALLBACK_LAST_PLAN: Final = AlarmType(
    "fallback-last-plan",
    "{reason}",
    "warning",
    "For two minutes no fresh plan has been available. The last plan is followed while the "
    "measured state of charge stays close to it.",
    "Look for a `plan-...` alarm, which says why planning fails.",
)
FALLBACK_RULES: Final = AlarmType(
    "fallback-rules",
    "{reason}",
    "alarm",
    "For two minutes there has been no valid plan. The battery follows simple price "
    "rules: charge in cheap hours, carry the load in expensive ones.",
    "Look for a `plan-...` alarm, which says why planning fails.",
)
FALLBACK_PLAN: Final = AlarmType(
    "fallback-plan",
    "a fresh plan is valid again",
    "info",
    "Control follows a fresh plan again.",
    NOTHING_TO_DO,
    clears=(FALLBACK_LAST_PLAN.code, FALLBACK_RULES.code),
)
PLAN_ERROR: Final = AlarmType(
    "plan-error",
    "{reason}",
    "warning",
    "A planning run failed: an input is missing, no tariff is valid, or the solver failed.",
    "Read the reason. If it names the tariff, add a tariff that covers the date.",
)
PLAN_INFEASIBLE: Final = AlarmType(
    "plan-infeasible",
    "{reason}",
    "warning",
    "A planning run found no plan within the physical limits of the site.",
    "Check the ratings and limits in the site file against the measured load.",
)
PLAN_UNBOUNDED: Final = AlarmType(
    "plan-unbounded",
    "{reason}",
    "warning",
    "A planning run found a cost without a lower bound: a price in the tariff is wrong.",
    "Check the tariff with `siteems check`.",
)

PLANNED: Final = AlarmType(
    "planned",
    "a planning run succeeded again",
    "info",
    "A usable plan was made after planning runs that gave none.",
    NOTHING_TO_DO,
    clears=(PLAN_ERROR.code, PLAN_INFEASIBLE.code, PLAN_UNBOUNDED.code),
)

PLAN_ALARMS: Final = {
    "error": PLAN_ERROR,
    "infeasible": PLAN_INFEASIBLE,
    "unbounded": PLAN_UNBOUNDED,
}
"""By the status of a planning run that gave no usable plan."""

# -- control ---------------------------------------------------------------------------------------

CAP_EXCEEDED: Final = AlarmType(
    "cap-exceeded",
    "grid import is {grid_kw:.2f} kW, the DR event allows {cap_kw:g} kW: {reason}",
    "alarm",
    "For two minutes the grid import has been above the cap of a demand-response event. Raised "
    "once per cap. The backup reserve comes before the cap, and loads on the AC side cannot be "
    "reduced.",
    "Read the reason. Report the missed event to the grid operator.",
)
CAP_OVER: Final = AlarmType(
    "cap-over",
    "the DR event whose cap was exceeded is over",
    "info",
    "No import cap of a demand-response event is in force any more.",
    NOTHING_TO_DO,
    clears=(CAP_EXCEEDED.code,),
)
CAP_BELOW_AC_LOAD: Final = AlarmType(
    "cap-below-ac-load",
    "DR event {event} allows {cap_kw:g} kW, but the AC side alone draws {ac_load_kw:.2f} kW now",
    "warning",
    "A DR event was placed whose import limit is below the present load on the AC side. The "
    "battery cannot carry that load, so the limit will be exceeded unless the load falls.",
    "Agree on a higher limit, or lower the AC load for the time of the event.",
)
EVENTS_LEFT_OUT: Final = AlarmType(
    "dr-events-left-out",
    "{open} DR events are open; the {most} that begin first are followed",
    "warning",
    "More DR events are open than a site follows.",
    "Cancel those that are not meant (`siteems dr list`), and find out where so many come from.",
)
EVENTS_FOLLOWED: Final = AlarmType(
    "dr-events-followed",
    "all open DR events are followed",
    "info",
    "No DR event is left out any more.",
    NOTHING_TO_DO,
    clears=(EVENTS_LEFT_OUT.code,),
)
BATTERY_NOT_FOLLOWING: Final = AlarmType(
    "battery-not-following",
    "the battery is at {battery_kw:+.2f} kW, its setpoint is {target_kw:+.2f} kW: {reason}",
    "alarm",
    "For two minutes the battery has charged or discharged clearly more than its setpoint. It "
    "ends when the battery has followed for two minutes.",
    "Check that the rectifiers and the battery are in remote mode and that nothing else writes "
    "their setpoints.",
)
BATTERY_FOLLOWING: Final = AlarmType(
    "battery-following",
    "the battery follows its setpoint again",
    "info",
    "The battery no longer charges or discharges more than its setpoint.",
    NOTHING_TO_DO,
    clears=(BATTERY_NOT_FOLLOWING.code,),
)
BATTERY_SIGN: Final = AlarmType(
    "battery-sign",
    "{which}: of {target_kw:+.2f} kW the battery shows {battery_kw:+.2f} kW; it is not driven",
    "alarm",
    "The small step that proves the sign of the battery's power was followed by the opposite "
    "power, or the measured power is the mirror of what rectifiers and PV give to the battery. "
    "The devices are released until a firmware or the device map has changed, also over restarts.",
    "Compare the sign of the battery's power with its display while it charges (`siteems devices "
    "try`). If a new firmware has changed it, change `sign` in the device map. After a repair that "
    "changed neither, `siteems devices prove SITE` has the step made again.",
)
BATTERY_SIGN_DOUBTED: Final = AlarmType(
    "battery-sign-doubted",
    "{which}: of {target_kw:+.2f} kW the battery shows {battery_kw:+.2f} kW; it is not driven",
    "alarm",
    "For two minutes the battery's power in service was the opposite of its setpoint, or of what "
    "rectifiers and PV give to it. The devices are released; after ten minutes, later up to a day, "
    "a small step decides.",
    "As for `battery-sign`. Look for a second controller of the battery.",
)
BATTERY_SIGN_UNDECIDED: Final = AlarmType(
    "battery-sign-undecided",
    "{tries} small steps have not shown whether the battery follows with the right sign; "
    "it is held at 0 kW",
    "warning",
    "A battery is driven only when the sign of its power is proved. The steps are repeated, less "
    "and less often. Raised once.",
    "Check that the battery follows its setpoints at all: its remote mode, its own management, a "
    "full battery, a rectifier or load current that is not measured.",
)
BATTERY_SIGN_PROVED: Final = AlarmType(
    "battery-sign-proved",
    "the battery follows its setpoint with the right sign",
    "info",
    "A small step, or a minute in service, has proved the sign of the battery's power. This is "
    "recorded, and not repeated until the battery, its firmware or its device map changes.",
    NOTHING_TO_DO,
    clears=(BATTERY_SIGN.code, BATTERY_SIGN_DOUBTED.code, BATTERY_SIGN_UNDECIDED.code),
)

BATTERY_REPORTS_WEAKER: Final = AlarmType(
    "battery-reports-weaker",
    "the battery reports a state of health of {health:.0%}, the site file states {stated:.0%}",
    "warning",
    "The battery reports a lower state of health than the site file has. Plans and the backup "
    "reserve count on the lower one.",
    "Measure the battery. Then set `state_of_health` in the site file, or replace the battery "
    "where it can no longer keep the backup hours.",
)
BATTERY_MEASURED_WEAKER: Final = AlarmType(
    "battery-measured-weaker",
    "its discharges show a battery at {health:.0%} of its rated capacity, the site file states "
    "{stated:.0%}",
    "warning",
    "In several discharges the battery has delivered less energy than its state of charge has "
    "fallen by. Plans and the backup reserve count on the lower state of health, which rises again "
    "only with a discharge from full to below 40 %.",
    "Measure the battery, and check the sensor of its current. Then set `state_of_health` in the "
    "site file.",
)

# -- devices ---------------------------------------------------------------------------------------

DEVICE_NOT_ACQUIRED: Final = AlarmType(
    "device-not-acquired",
    "{device} cannot be acquired: {detail}",
    "alarm",
    "A device answers, but releasing an earlier run's setpoints or storing its safe values and "
    "time-out failed. It is not written until that succeeds; the attempts become less frequent.",
    "Check the device's remote mode, write permission and firmware.",
)
WRONG_DEVICE: Final = AlarmType(
    "wrong-device",
    "{device} is not a {title}: siteems does not write to it",
    "alarm",
    "The identity that a device reports is not the one that its device map states.",
    "Check address and model in the site file; `siteems scan` shows what is connected.",
)
DEVICE_ACQUIRED: Final = AlarmType(
    "device-acquired",
    "{device} is acquired",
    "info",
    "A device that could not be acquired, or was another one, has its safe values now and is "
    "driven.",
    NOTHING_TO_DO,
    clears=(DEVICE_NOT_ACQUIRED.code, WRONG_DEVICE.code),
)
DEVICE_READ_ONLY: Final = AlarmType(
    "read-only",
    "{device} is monitored only",
    "info",
    "The daemon runs with --read-only and writes to no device.",
    NOTHING_TO_DO,
    of_one_run=True,
)
SAFE_VALUE_CLAMPED: Final = AlarmType(
    "safe-value-clamped",
    "{device}: {detail}",
    "warning",
    "A device has limited the safe value that it was given: its own limits are stricter.",
    "Compare the device's own settings with the ratings in the site file.",
)
DEVICE_RESTARTED: Final = AlarmType(
    "device-restarted",
    "{device} no longer holds {points}: it restarted, or something else changed it",
    "warning",
    "A device holds other setpoints than those it accepted. It is acquired again.",
    "If it happens again, check the device's supply and look for a second controller.",
)
ANOTHER_CONTROLLER: Final = AlarmType(
    "another-controller",
    "{device} no longer holds {points}, again: another controller drives it, so it is left alone",
    "alarm",
    "Three times in ten minutes a device held other setpoints than those it accepted. It is not "
    "written, not even at the end, and tried again after ten minutes, then after up to an hour.",
    "Stop the other controller, such as a second `siteems run`, a cloud service or an app. If "
    "there is none, check the device's supply.",
)
NO_OTHER_CONTROLLER: Final = AlarmType(
    "no-other-controller",
    "{device} has kept its setpoints for ten minutes; no other controller drives it",
    "info",
    "A device that was left to another controller was acquired again and keeps its setpoints.",
    NOTHING_TO_DO,
    clears=(ANOTHER_CONTROLLER.code,),
)
ANOTHER_MASTER: Final = AlarmType(
    "another-master",
    "link {link}: another master speaks on this line",
    "warning",
    "Requests of another master, or answers to it, are heard on an RTU line, which can have only "
    "one master. A value that may not be the answer to a request of ours counts as unknown.",
    "Let the other master use another port of the devices, or give it a line of its own. "
    "docs/links.md says what is still promised.",
)
NO_OTHER_MASTER: Final = AlarmType(
    "no-other-master",
    "link {link}: no other master has spoken for ten minutes",
    "info",
    "Nothing of another master was heard on an RTU line for ten minutes.",
    NOTHING_TO_DO,
    clears=(ANOTHER_MASTER.code,),
)
DEVICE_NOT_FOLLOWING: Final = AlarmType(
    "device-not-following",
    "{device} does not take its setpoints: {detail}",
    "alarm",
    "For two minutes a device has refused a setpoint, failed to take it or held another value.",
    "Check the device's remote mode and limits.",
)
DEVICE_FOLLOWING: Final = AlarmType(
    "device-following",
    "{device} takes its setpoints again",
    "info",
    "A device takes all its setpoints again.",
    NOTHING_TO_DO,
    clears=(DEVICE_NOT_FOLLOWING.code,),
)

# -- the operator ----------------------------------------------------------------------------------

ACKNOWLEDGED: Final = AlarmType(
    "alarm-acknowledged",
    "{who} has seen {alarm} {subject}: {note}",
    "info",
    "Someone has acknowledged an alarm (`siteems alarms ack`).",
    NOTHING_TO_DO,
)

ALARMS: Final = (
    *(each for each in globals().values() if isinstance(each, AlarmType)),
    *BUS_ALARMS,
    *EVENT_ALARMS,
    *RECORD_ALARMS,
    *METER_ALARMS,
    *DAEMON_ALARMS,
)
"""All of the above, and those of the modules named there, in this order."""
OF_ONE_RUN: Final = frozenset(each.code for each in ALARMS if each.of_one_run)
"""Codes of those that the next start of the daemon makes obsolete."""
