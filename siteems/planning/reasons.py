"""Why a planning run starts, and why it gives no plan: codes and English text.

A new trigger or reason is one entry in this file.
"""

from __future__ import annotations

from typing import Final

from siteems.messages.message import MessageType

# -- what asked for the run ------------------------------------------------------------------------

START: Final = MessageType("start", "start")
SCHEDULE: Final = MessageType("schedule", "schedule")
DR_EVENT_CHANGED: Final = MessageType("dr-event-changed", "DR event")
MAINS_RETURN: Final = MessageType("mains-return", "mains returned")
SOC_DEVIATION: Final = MessageType("soc-deviation", "deviation from plan")
CLOCK_CHANGE: Final = MessageType("clock-change", "clock set")
NO_PLAN_HOLDS: Final = MessageType("no-plan-holds", "no valid plan")

# -- why there is no plan --------------------------------------------------------------------------

SOC_UNKNOWN: Final = MessageType("soc-unknown", "no fresh state of charge to plan from")
INPUT_REFUSED: Final = MessageType("input-refused", "{detail}")
NOT_SOLVED: Final = MessageType("not-solved", "{detail}")

PLANNING_REASONS: Final = tuple(
    each for each in globals().values() if isinstance(each, MessageType)
)
"""All of the above."""
