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
    "device-not-claimed": "device-not-acquired",
    "device-not-obeying": "device-not-following",
    "device-obeying": "device-following",
}
