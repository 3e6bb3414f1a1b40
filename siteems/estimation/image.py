"""The process image: one frozen picture of everything measured, each value with its time and
quality.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Final, NamedTuple

from drivers.points import Quality

MAINS_PRESENT_V = 150.0
"""Below this phase voltage a 220 V supply counts as failed; rectifiers derate from about 176 V."""


class Measurement(NamedTuple):
    """A value as last read well, when that was, and how the newest attempt went."""

    value: float | None = None
    time: datetime | None = None
    quality: Quality = Quality.UNREACHABLE

    def fresh(self, oldest: datetime, now: datetime) -> float | None:
        """The value, if its last good read was at `oldest` or later; age counts reads, not changes.

        A read from the future is unknown too: the clock was set back, and nobody knows how old it
        is.
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
"""What an image shows of a site: name and meaning; the unit is in the name."""


@dataclass(frozen=True)
class Image:
    """One picture of the site, by the names of `MEASURED`. An absent device leaves its fields
    unknown, never zero.
    """

    time: datetime
    max_age: timedelta
    measured: Mapping[str, Measurement]
    """What is not in it is unknown."""

    def value(self, name: str) -> float | None:
        """The fresh value of a field, or none: unknown is never zero."""
        return self.values[name]

    @property
    def mains_ok(self) -> bool | None:
        """Whether the mains are there; none = nobody knows."""
        volts = self.value("mains_v")
        return None if volts is None else volts >= MAINS_PRESENT_V

    @cached_property
    def values(self) -> Mapping[str, float | None]:
        """All fresh values by name."""
        oldest, now, measured = self.time - self.max_age, self.time, self.measured
        return {name: measured.get(name, UNKNOWN).fresh(oldest, now) for name in MEASURED}
