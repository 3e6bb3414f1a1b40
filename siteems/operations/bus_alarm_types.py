"""The alarms of the measured powers of the DC bus."""

from __future__ import annotations

from typing import Final

from siteems.messages.message import MessageType
from siteems.operations.alarm_type import NOTHING_TO_DO, AlarmType

RECTIFIER_POWER: Final = MessageType("rectifier-power", "power of the rectifiers")
PV_POWER: Final = MessageType("pv-power", "power of the PV")
BATTERY_POWER: Final = MessageType("battery-power", "power of the battery")
STUCK: Final = MessageType("power-stuck", "the {field} reads the same while the others change")
REVERSED: Final = MessageType("power-reversed", "the {field} seems to have the wrong sign")
ZERO: Final = MessageType("power-zero", "the {field} reads nothing, though it cannot be at rest")
UNCLEAR: Final = MessageType("power-unclear", "which of them is wrong cannot be seen")
BUS_TEXTS: Final = (RECTIFIER_POWER, PV_POWER, BATTERY_POWER, STUCK, REVERSED, ZERO, UNCLEAR)

BUS_UNBALANCED: Final = AlarmType(
    "bus-unbalanced",
    "rectifiers and PV give {excess_kw:+.2f} kW more than load and battery take: {suspect}",
    "warning",
    "For two minutes the four measured powers of the DC bus have contradicted each other by more "
    "than their sensors may. Control goes on with them as they are; a battery with the wrong sign "
    "has an alarm of its own.",
    "Compare the powers in `siteems status` with the displays of the devices. Check the shunt, the "
    "ratio and the link of the one that is named.",
)
BUS_BALANCED: Final = AlarmType(
    "bus-balanced",
    "the powers of the DC bus agree again",
    "info",
    "The four measured powers have agreed for two minutes.",
    NOTHING_TO_DO,
    clears=(BUS_UNBALANCED.code,),
)
POWER_ESTIMATED: Final = AlarmType(
    "power-estimated",
    "the {field} is not measured; it follows from the other powers of the bus, within "
    "{error_kw:.2f} kW",
    "warning",
    "For two minutes the telecom load or the power of the PV could not be read, or was not "
    "plausible. The other three powers of the DC bus are measured, so it is estimated from them, "
    "and control goes on.",
    "Check the device that measures it, and its link.",
)
POWER_MEASURED: Final = AlarmType(
    "power-measured",
    "the {field} is measured again",
    "info",
    "A power that was estimated has been measured for two minutes.",
    NOTHING_TO_DO,
    clears=(POWER_ESTIMATED.code,),
)

BUS_ALARMS: Final = tuple(each for each in globals().values() if isinstance(each, AlarmType))
"""All of the above."""
