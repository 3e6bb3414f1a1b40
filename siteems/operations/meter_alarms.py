"""The alarms of the grid meter's counter: entries of the catalogue in `alarm_catalogue.py`."""

from __future__ import annotations

from typing import Final

from siteems.operations.alarm_type import NOTHING_TO_DO, AlarmType

COUNTER_IMPLAUSIBLE: Final = AlarmType(
    "counter-implausible",
    "the grid meter's import counter reads {reading_kwh:.2f} kWh, which cannot follow on what it "
    "read before",
    "warning",
    "The counter fell, or rose faster than the connection allows. While it lasts the measured "
    "power counts; `counter-repaired` says what was made of it.",
    "Nothing for a single one: it is repaired. If it happens again, check the meter, its supply "
    "and its link.",
)
COUNTER_STILL: Final = AlarmType(
    "counter-still",
    "the grid meter's import counter stands still at {reading_kwh:.2f} kWh while power is measured",
    "warning",
    "The counter did not move over several readings, though more energy was measured than it "
    "resolves. While it lasts the measured power counts.",
    "Check the meter and its current transformers.",
)
COUNTER_REPAIRED: Final = AlarmType(
    "counter-repaired",
    "the grid meter's import counter counts again ({kind}): {kwh:.2f} kWh for its failure",
    "info",
    "A failure of the counter is over, or was an overflow. docs/data.md has the rules: blip, "
    "overflow, restart, still.",
    NOTHING_TO_DO,
    clears=(COUNTER_IMPLAUSIBLE.code, COUNTER_STILL.code),
)
COUNTER_ENERGY_UNKNOWN: Final = AlarmType(
    "counter-energy-unknown",
    "the grid meter's import counter counts again ({kind}); the energy of its failure is unknown",
    "info",
    "A failure of the counter is over, and no power was measured while it lasted.",
    NOTHING_TO_DO,
    clears=(COUNTER_IMPLAUSIBLE.code, COUNTER_STILL.code),
)

METER_ALARMS: Final = (
    COUNTER_IMPLAUSIBLE,
    COUNTER_STILL,
    COUNTER_REPAIRED,
    COUNTER_ENERGY_UNKNOWN,
)
