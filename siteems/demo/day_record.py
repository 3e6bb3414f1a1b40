"""Reading a day's record: meter counters and powers, as an auditor without access to the controller
would.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from itertools import pairwise

from siteems.history.records import Sample

LONGEST_GAP = timedelta(minutes=10)
"""A longer gap in the record is reported, and powers in it are unknown."""
HOUR = timedelta(hours=1)

CounterReading = tuple[datetime, float]
"""Time and import counter, kWh."""


def counter_readings(samples: Sequence[Sample]) -> list[CounterReading]:
    """The readings of the import counter, where it was read."""
    return [
        (sample.time, counter)
        for sample in samples
        if (counter := sample.values.get("energy_import_kwh")) is not None
    ]


def energy_kwh(samples: Sequence[Sample], name: str, part: Callable[[float], float]) -> float:
    """Energy of a part of a power series, kWh, each sample holding until the next."""
    total = 0.0
    for sample, following in pairwise(samples):
        value = sample.values.get(name)
        span = following.time - sample.time
        if value is not None and span <= LONGEST_GAP:
            total += part(value) * (span / HOUR)
    return total
