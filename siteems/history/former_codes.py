"""Codes that earlier versions recorded under another name, translated when a record is read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

FORMER_ALARM_CODES: Final[Mapping[str, str]] = {
    "rung-plan": "fallback-plan",
    "rung-last-plan": "fallback-last-plan",
    "rung-rules": "fallback-rules",
    "not-followed": "battery-not-following",
    "device-not-driven": "device-not-acquired",
    "device-not-obeying": "device-not-following",
    "device-obeying": "device-following",
}

FORMER_PLAN_TRIGGERS: Final[Mapping[str, str]] = {
    "mains returned": "mains-return",
    "deviation from plan": "soc-deviation",
    "no plan holds": "no-plan-holds",
    "demand response": "dr-event-changed",
}
