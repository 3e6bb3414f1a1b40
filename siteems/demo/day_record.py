"""Reading a day's record: meter counters and powers, as an auditor without access to the controller
would.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

import numpy as np

from siteems.history.records import Sample
from siteems.recordings.counter import counter_energy
from siteems.site.model import Site

LONGEST_GAP = timedelta(minutes=10)
"""A longer gap in the record is reported, and powers in it are unknown."""
HOUR = timedelta(hours=1)

CounterReading = tuple[datetime, float]
"""Time and import counter, kWh."""


@dataclass(frozen=True)
class CounterRepair:
    """A failure of the import counter between two sound readings, by the rules of
    `siteems.recordings.counter`.
    """

    kind: str
    start: datetime
    end: datetime
    kwh: float
    """The energy that is counted for it."""


def counter_readings(samples: Sequence[Sample]) -> list[CounterReading]:
    """The readings of the import counter as recorded, where it was read."""
    return [
        (sample.time, counter)
        for sample in samples
        if (counter := sample.values.get("energy_import_kwh")) is not None
    ]


def repaired_readings(
    samples: Sequence[Sample], site: Site
) -> tuple[list[CounterReading], tuple[CounterRepair, ...]]:
    """The readings of the import counter without its failures, and what was repaired.

    Raises `ValueError` where the counter failed and no power was measured.
    """
    readings = counter_readings(samples)
    if not readings:
        return [], ()
    times = [time for time, _ in readings]
    hours = np.array([(time - times[0]) / HOUR for time in times])
    counter = np.array([kwh for _, kwh in readings])
    power = {sample.time: sample.values.get("grid_kw") for sample in samples}
    power_kw = np.array([power[time] for time in times], dtype=np.float64)
    energy = counter_energy(hours, counter, site.grid.import_limit_kw, power_kw)
    repairs = tuple(
        CounterRepair(each.kind, times[each.first], times[each.last], each.kwh)
        for each in energy.repairs
    )
    for repair in repairs:
        if np.isnan(repair.kwh):
            raise ValueError(
                f"the counter of the grid meter failed ({repair.kind}) from {repair.start} to "
                f"{repair.end}, and its power was not measured"
            )
    counted = counter[0] + np.concatenate(([0.0], np.cumsum(energy.kwh)))
    return list(zip(times, counted.tolist() if repairs else counter.tolist(), strict=True)), repairs


def energy_kwh(samples: Sequence[Sample], name: str, part: Callable[[float], float]) -> float:
    """Energy of a part of a power series, kWh, each sample holding until the next."""
    total = 0.0
    for sample, following in pairwise(samples):
        value = sample.values.get(name)
        span = following.time - sample.time
        if value is not None and span <= LONGEST_GAP:
            total += part(value) * (span / HOUR)
    return total
