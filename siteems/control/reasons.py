"""Why the control cycle decided what it did: every reason with its code and English text.

A reason is made by calling its type with the values of its text: `TOO_COLD(battery_c=-3.0)`. It
stays a code with values until a person reads it. A new reason is one entry in this file.
"""

from __future__ import annotations

from typing import Final

from siteems.messages.message import MessageType

# -- what the intent follows -----------------------------------------------------------------------

NOT_CONTROLLED: Final = MessageType("not-controlled", "no control")
FOLLOW_PLAN: Final = MessageType("follow-plan", "current plan")
FOLLOW_LAST_PLAN: Final = MessageType("follow-last-plan", "plan issued {age_min:.0f} min ago")
CARRYING_LOAD: Final = MessageType(
    "carrying-load",
    "carrying the load: marginal value of stored energy {value:.2f}, import {import_cost:.2f}",
)
BUYING: Final = MessageType(
    "buying",
    "charging as planned: marginal value of stored energy {value:.2f}, import {import_cost:.2f}",
)
RESTING: Final = MessageType(
    "resting", "resting: marginal value of stored energy {value:.2f}, import {import_cost:.2f}"
)
RULES_CHARGE: Final = MessageType("rules-charge", "rules, {because}: cheap hours, charge")
RULES_DISCHARGE: Final = MessageType(
    "rules-discharge", "rules, {because}: expensive hours, carry the load"
)
RULES_SELF_CONSUMPTION: Final = MessageType(
    "rules-self-consumption", "store surplus PV, carry the load"
)
RULES_STANDBY: Final = MessageType(
    "rules-standby", "the battery is kept full for DR events and outages"
)
RULES_HOLD: Final = MessageType("rules-hold", "rules, {because}: hold")

SIGN_NOT_PROVED: Final = MessageType(
    "sign-not-proved", "the sign of the battery's power is not proved yet: hold"
)
SIGN_STEP: Final = MessageType(
    "sign-step", "a small step that proves the sign of the battery's power"
)

# -- which sign is wrong (`which`) -----------------------------------------------------------------

MEASUREMENT_SIGN: Final = MessageType("measurement-sign", "the measured power has the wrong sign")
COMMAND_SIGN: Final = MessageType("command-sign", "the setpoint acts with the wrong sign")
BOTH_SIGNS: Final = MessageType("both-signs", "setpoint and measured power have the wrong sign")
EITHER_SIGN: Final = MessageType(
    "either-sign", "setpoint or measured power has the wrong sign; no other flow shows which one"
)

# -- why the rules apply (`because`) ---------------------------------------------------------------

NO_PLAN_YET: Final = MessageType("no-plan-yet", "no plan yet")
PLAN_ENDED: Final = MessageType("plan-ended", "the last plan ended or is too old ({age_h:.1f} h)")
PLAN_MISSED: Final = MessageType(
    "plan-missed",
    "the plan issued {age_min:.0f} min ago predicted a state of charge of {planned_soc:.0%}, "
    "measured is {soc:.0%}",
)

# -- bounds on battery power -----------------------------------------------------------------------

PV_SURPLUS: Final = MessageType("pv-surplus", "PV surplus")
DEVICE_LIMIT: Final = MessageType("device-limit", "device limit")
SOC_AT_MINIMUM: Final = MessageType(
    "soc-at-minimum", "state of charge {soc:.0%} at the battery's own minimum"
)
TEMPERATURE_UNKNOWN: Final = MessageType(
    "temperature-unknown", "battery temperature unknown: no charging"
)
TOO_COLD: Final = MessageType("too-cold", "battery at {battery_c:.0f} degC, too cold to charge")
TOO_HOT: Final = MessageType(
    "too-hot", "battery at {battery_c:.0f} degC, too hot to charge or discharge"
)
GRID_CONNECTION: Final = MessageType("grid-connection", "grid connection")
RESERVE_REBUILT: Final = MessageType(
    "reserve-rebuilt", "backup reserve is being rebuilt ({soc:.1%} of {reserve_soc:.1%})"
)
RESERVE_REACHED: Final = MessageType("reserve-reached", "backup reserve {reserve_soc:.1%} reached")
RESERVE_FREE: Final = MessageType("reserve-free", "above the backup reserve")
HELD: Final = MessageType("held", "held at {battery_kw:+.2f} kW by {owner} until {until}")
DR_CAP: Final = MessageType("dr-cap", "demand-response cap of {cap_kw:g} kW")
DR_BATTERY: Final = MessageType(
    "dr-battery", "DR event {event} asks for {battery_kw:+.2f} kW (+ charging)"
)
DR_CHARGE_STATE: Final = MessageType(
    "dr-charge-state", "DR event {event} asks for a state of charge of {soc:.0%}"
)

MONTH_PEAK: Final = MessageType("month-peak", "month's peak of {peak_kw:.2f} kW")

# -- releases --------------------------------------------------------------------------------------

RELEASE_MAINS_FAILED: Final = MessageType(
    "release-mains-failed",
    "mains failed: float voltage and full current, so that recharge starts when they return",
)
RELEASE_NOT_MEASURED: Final = MessageType(
    "release-not-measured", "no fresh measurement of {missing}"
)
RELEASE_LOW_BUS: Final = MessageType(
    "release-low-bus", "bus at {bus_v:.1f} V: the rectifiers must carry the load"
)
RELEASE_BATTERY_SIGN: Final = MessageType(
    "release-battery-sign", "a sign of the battery's power is wrong, so it is not driven"
)
RELEASE_ACQUIRED: Final = MessageType("release-acquired", "acquired: release first")
RELEASE_STOPPED: Final = MessageType("release-stopped", "daemon stopped")
COMMISSIONED: Final = MessageType(
    "commissioned", "commissioning: safe values and lease are stored in the device"
)

# -- measured quantities (`missing`) ---------------------------------------------------------------

MAINS_VOLTAGE: Final = MessageType("mains-voltage", "mains voltage")
STATE_OF_CHARGE: Final = MessageType("state-of-charge", "state of charge")
TELECOM_LOAD: Final = MessageType("telecom-load", "telecom load")

REASONS: Final = tuple(each for each in globals().values() if isinstance(each, MessageType))
"""All of the above."""
