"""The process image: everything measured, frozen for one control cycle.

Every part of a cycle sees the same values, each with its time and quality.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from typing import Final, NamedTuple

from drivers.points import Quality

MAINS_PRESENT_V = 150.0
"""Below this phase voltage a 220 V supply counts as failed; rectifiers derate from about 176 V."""
RESTING_KW: Final = 0.05
"""A measured power below this counts as zero. Sensors read a little beside zero at rest; 50 W is
1 A on the bus, less than anything that is controlled.
"""


class Measurement(NamedTuple):
    """The last good value of a field, when it was read, and the quality of the newest attempt."""

    value: float | None = None
    time: datetime | None = None
    quality: Quality = Quality.UNREACHABLE

    def fresh(self, oldest: datetime, now: datetime) -> float | None:
        """The value if its last good read lies between `oldest` and `now`, else None.

        The age counts from the last good read, not from the last change: a steady value stays
        fresh. A read from the future is unknown, because the clock was set back since and its true
        age is lost.
        """
        return self.value if self.time is not None and oldest <= self.time <= now else None


UNKNOWN = Measurement()

MEASURED: Final[Mapping[str, str]] = {
    "grid_kw": "+ import, - export",
    "energy_import_kwh": "counter of the grid meter",
    "mains_v": "phase to neutral",
    "bus_v": "of the -48 V bus, magnitude",
    "rectifier_dc_kw": "all rectifiers into the bus",
    "dc_load_kw": "telecom load",
    "ac_load_kw": "AC side without the rectifier: the meter less the rectifier's own input",
    "battery_kw": "+ charging, - discharging",
    "soc": "0..1 of actual capacity",
    "battery_c": "battery temperature",
    "pv_kw": "photovoltaics into the bus",
    "genset_kw": "AC side",
    "room_c": "shelter",
    "outdoor_c": "outdoors",
}
"""The fields of an image that each sample records, and what they mean; the unit is in the name."""

SELDOM_CHANGED: Final[Mapping[str, str]] = {
    "soh": "state of health of the battery, share of its rated capacity",
}
"""Further fields, which change over months and are not in every sample. A plan keeps the capacity
that it was made with.
"""

_FIELDS: Final = (*MEASURED, *SELDOM_CHANGED)


@dataclass(frozen=True)
class Image:
    """The process image at one time. A field without a device is unknown, never zero."""

    time: datetime
    max_age: timedelta
    measured: Mapping[str, Measurement]
    """By the names of `MEASURED` and `SELDOM_CHANGED`; a missing name is unknown. Their times
    are steady.
    """
    steady: datetime | None = None
    """The steady time of the image, from which ages count; None = the same as `time`, on a clock
    that is never set.
    """
    estimated: Mapping[str, float] = field(default_factory=dict)
    """Fields whose value follows from the others, because it is not measured, and the error in kW.
    """

    def value(self, name: str) -> float | None:
        """The fresh value of a field; None = unknown. KeyError for any other name."""
        return self.values[name]

    @property
    def mains_ok(self) -> bool | None:
        """Whether the mains are available; None = unknown."""
        volts = self.value("mains_v")
        return None if volts is None else volts >= MAINS_PRESENT_V

    @cached_property
    def values(self) -> Mapping[str, float | None]:
        """The fresh values of all fields; None = unknown."""
        now, measured = self.steady or self.time, self.measured
        oldest = now - self.max_age
        return {name: measured.get(name, UNKNOWN).fresh(oldest, now) for name in _FIELDS}
