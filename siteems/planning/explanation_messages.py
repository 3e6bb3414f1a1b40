"""The messages that explain a plan: why the battery does what it does, and which limits bind."""

from __future__ import annotations

from typing import Final

from siteems.messages.message import Catalogue, MessageType

CHARGES_FROM_GRID: Final = MessageType(
    "charges-from-grid",
    "charging now at {battery_kw:.2f} kW, import costs {price:.2f} ({period}): {more}; {use}",
)
CHARGES_FROM_PV: Final = MessageType(
    "charges-from-pv", "charging now at {battery_kw:.2f} kW from PV beyond the load: {more}; {use}"
)
DISCHARGES: Final = MessageType(
    "discharges",
    "discharging now at {battery_kw:.2f} kW, import costs {price:.2f} ({period}): {less}",
)
RESTS: Final = MessageType(
    "rests", "resting now, import costs {price:.2f} ({period}): {more}; {less}; {use}"
)

MORE: Final = MessageType("more-stored", "more in store saves {saving:.2f} per kWh")
FULL: Final = MessageType("store-full", "the battery can hold no more")
LESS: Final = MessageType("less-stored", "less in store costs {cost:.2f} per kWh")
EMPTY: Final = MessageType("store-empty", "the battery is empty")

USE: Final = MessageType("use", "the plan discharges at {time}, when import costs {price:.2f}")
NO_USE: Final = MessageType("no-use", "no stored energy is used in this plan")

AT_CONNECTION_LIMIT: Final = MessageType(
    "at-connection-limit", "import is at the limit of the grid connection"
)
AT_DR_CAP: Final = MessageType("at-dr-cap", "import is at the DR event's cap")
DR_CAP_EXCEEDED: Final = MessageType("dr-cap-exceeded", "the DR event's cap cannot be kept")
AT_RESERVE: Final = MessageType("at-reserve", "the battery is at its backup reserve")
RESERVE_SHORT: Final = MessageType("reserve-short", "the backup reserve is short")
BATTERY_FULL: Final = MessageType("battery-full", "the battery is full")
AT_CHARGE_LIMIT: Final = MessageType("at-charge-limit", "charging is limited by charge acceptance")
AT_DISCHARGE_LIMIT: Final = MessageType(
    "at-discharge-limit", "the battery is at its discharge power limit"
)
AT_MONTH_PEAK: Final = MessageType("at-month-peak", "import is at the month's peak")
AT_RECTIFIER_RATING: Final = MessageType(
    "at-rectifier-rating", "the rectifiers are at their rated power"
)
PV_CURTAILED: Final = MessageType("pv-curtailed", "PV is curtailed")
LOAD_UNSERVED: Final = MessageType("load-unserved", "telecom load is not served")

EXPLANATIONS: Final = Catalogue(
    (
        CHARGES_FROM_GRID,
        CHARGES_FROM_PV,
        DISCHARGES,
        RESTS,
        MORE,
        FULL,
        LESS,
        EMPTY,
        USE,
        NO_USE,
        AT_CONNECTION_LIMIT,
        AT_DR_CAP,
        DR_CAP_EXCEEDED,
        AT_RESERVE,
        RESERVE_SHORT,
        BATTERY_FULL,
        AT_CHARGE_LIMIT,
        AT_DISCHARGE_LIMIT,
        AT_MONTH_PEAK,
        AT_RECTIFIER_RATING,
        PV_CURTAILED,
        LOAD_UNSERVED,
    )
)
