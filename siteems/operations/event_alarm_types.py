"""The alarms of DR events and of the server that sends them."""

from __future__ import annotations

from typing import Final

from siteems.operations.alarm_type import NOTHING_TO_DO, AlarmType

EVENT_OVERRULED: Final = AlarmType(
    "dr-event-overruled",
    "DR event {event} asks for another power of the battery than event {by}, which comes first",
    "warning",
    "Two DR events in force each ask for a power or a state of charge of the one battery. The "
    "event with the higher priority is followed; of two with the same priority, the one that was "
    "placed first.",
    "If the other one should be followed, cancel this one or change the priorities.",
)
EVENT_REFUSED: Final = AlarmType(
    "dr-event-refused",
    "a DR event of the grid operator's server is refused: {detail}",
    "warning",
    "The server sent an event that asks for more than the site file allows, or that is not valid. "
    "It is not followed. Each is reported once.",
    "Read the detail. If the event is right, allow it in [demand_response] of the site file; "
    "otherwise speak to the grid operator.",
)
PARTLY_DELIVERED: Final = AlarmType(
    "dr-partly-delivered",
    "DR event {event} asks for {asked_kw:+.2f} kW of the battery, which gives {battery_kw:+.2f} kW "
    "({reason})",
    "warning",
    "For two minutes the battery has not had the power that an event asks for. Something that "
    "comes before events bounds it: the backup reserve, a device limit, the grid connection, a "
    "hold.",
    "Read the reason. The settlement pays for what is delivered.",
)
FULLY_DELIVERED: Final = AlarmType(
    "dr-fully-delivered",
    "the battery has the power again that the DR event asks for, or the event is over",
    "info",
    "What bounded the battery no longer does.",
    NOTHING_TO_DO,
    clears=(PARTLY_DELIVERED.code,),
)
EVENT_OPTED_OUT: Final = AlarmType(
    "dr-event-opted-out",
    "{who} has opted out of DR event {event}: {reason}",
    "warning",
    "The site does not follow this event, nor later revisions of it. The record of a programme has "
    "what it takes off for that.",
    "`siteems dr opt-in` follows the event again.",
)
EVENT_OPTED_IN: Final = AlarmType(
    "dr-event-opted-in",
    "{who} has opted in to DR event {event} again",
    "info",
    "The event is followed from the next control cycle on.",
    NOTHING_TO_DO,
    clears=(EVENT_OPTED_OUT.code,),
)
SERVER_LOST: Final = AlarmType(
    "dr-server-lost",
    "the grid operator's server has not answered for {minutes:.0f} min: {detail}",
    "warning",
    "No event can be received. Events that are known go on by their own times.",
    "Read the detail. Check the network, the certificate and the credentials of [openadr].",
)
SERVER_BACK: Final = AlarmType(
    "dr-server-back",
    "the grid operator's server answers again",
    "info",
    "All events of the server are known again.",
    NOTHING_TO_DO,
    clears=(SERVER_LOST.code,),
)

COMMAND_REFUSED: Final = AlarmType(
    "iec104-command-refused",
    "a command over IEC 104 is refused: {detail}",
    "warning",
    "A control room asked for more than the site file allows, or for something that the station "
    "does not have. It got a negative confirmation.",
    "Read the detail. If the command is right, allow it in [demand_response] or [iec104] of the "
    "site file; otherwise speak to the grid operator.",
)
STATION_NOT_LISTENING: Final = AlarmType(
    "iec104-not-listening",
    "no control room can connect over IEC 104: {detail}",
    "warning",
    "The address of [iec104] cannot be used, for instance because another program has it.",
    "Read the detail. Free the port, or state another one, and restart the daemon.",
)

EVENT_ALARMS: Final = tuple(each for each in globals().values() if isinstance(each, AlarmType))
"""All of the above."""
