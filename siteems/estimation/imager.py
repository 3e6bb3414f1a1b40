"""From the readings of one control cycle to the process image."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from drivers.points import Point, Quality, Reading
from optimisation.problem.site_problem import RectifierCurve
from siteems.estimation.image import UNKNOWN, Image, Measurement

BALANCE_SHARE, BALANCE_KW = 0.25, 0.5
"""How much less than the rectifiers take a grid meter may read: no curve is exact, no two readings
are of one time.
"""


FIELD_OF_POINT = {
    "active_power_kw": "grid_kw",
    "energy_import_kwh": "energy_import_kwh",
    "mains_v": "mains_v",
    "bus_v": "bus_v",
    "soc": "soc",
    "battery_c": "battery_c",
    "rectifier_kw": "rectifier_dc_kw",
    "dc_load_kw": "dc_load_kw",
    "battery_kw": "battery_kw",
    "pv_kw": "pv_kw",
    "genset_kw": "genset_kw",
    "room_c": "room_c",
    "outdoor_c": "outdoor_c",
}


FIELD_OF_CURRENT = {
    "rectifier_a": "rectifier_dc_kw",
    "dc_load_a": "dc_load_kw",
    "battery_a": "battery_kw",
}


LOOKED_AT = frozenset((*FIELD_OF_POINT, *FIELD_OF_CURRENT, "battery_v"))
"""Points that an image is made from."""


@dataclass(frozen=True)
class Imager:
    """Turns the readings of one cycle into an image. Keeps the last good value of each field in the
    image before.

    `ranges` are what the site's ratings allow, by field: a value beyond is implausible, and so
    unknown.
    """

    curve: RectifierCurve
    max_age: timedelta
    ranges: Mapping[str, tuple[float, float]] = field(default_factory=dict)

    def first(self, time: datetime) -> Image:
        """An image before anything was read."""
        return Image(time, self.max_age, {})

    def next(self, previous: Image, readings: Iterable[Reading], time: datetime) -> Image:
        """The image after these readings."""
        fresh: dict[str, Measurement] = {}
        # The rectifier's own mains voltage wins: it lives on the battery, while a meter may die
        # with the mains.
        for reading in sorted(
            readings, key=lambda r: "rectifier_a" in r.points or "rectifier_kw" in r.points
        ):
            for name, found in self._fields(reading).items():
                measured = Measurement(found.value, reading.time, found.quality)
                if measured.quality is Quality.GOOD or name not in fresh:
                    fresh[name] = measured
        self._derive(fresh)
        merged = {
            name: _merge(previous.measured.get(name, UNKNOWN), measured)
            for name, measured in fresh.items()
        }
        return Image(time, self.max_age, {**previous.measured, **merged})

    def _fields(self, reading: Reading) -> dict[str, Point]:
        """The image fields that one device's reading fills, as far as the site's ratings let them
        be believed.
        """
        points = reading.points
        found = {
            field: self._believed(field, point)
            for name, point in points.items()
            if (field := FIELD_OF_POINT.get(name)) is not None
        }
        volts = found.get("bus_v") or points.get("battery_v")
        for name, target in FIELD_OF_CURRENT.items():
            if name in points and volts is not None:
                found[target] = self._believed(target, _power(points[name], volts))
        return found

    def _believed(self, field: str, point: Point) -> Point:
        allowed = self.ranges.get(field)
        if allowed is None or point.value is None or allowed[0] <= point.value <= allowed[1]:
            return point
        return Point(None, Quality.IMPLAUSIBLE)

    def _derive(self, fresh: dict[str, Measurement]) -> None:
        grid, rectifier = fresh.get("grid_kw", UNKNOWN), fresh.get("rectifier_dc_kw", UNKNOWN)
        genset_kw = fresh["genset_kw"].value if "genset_kw" in fresh else 0.0
        if grid.value is None or rectifier.value is None or genset_kw is None:
            return
        rectifier_ac_kw = self.curve.ac_kw_at(max(0.0, rectifier.value))
        if grid.value + genset_kw < (1.0 - BALANCE_SHARE) * rectifier_ac_kw - BALANCE_KW:
            # What the rectifiers give must come from somewhere: a meter wired or read the wrong way
            # round.
            fresh["grid_kw"] = Measurement(None, grid.time, Quality.IMPLAUSIBLE)
            return
        ac_load_kw = max(0.0, grid.value + genset_kw - rectifier_ac_kw)
        fresh["ac_load_kw"] = Measurement(ac_load_kw, grid.time, Quality.GOOD)


def _power(amps: Point, volts: Point) -> Point:
    """In kW; what one of the two lacks, the power lacks."""
    if amps.value is None:
        return amps
    if volts.value is None:
        return volts
    return Point(amps.value * volts.value / 1000.0, Quality.GOOD)


def _merge(previous: Measurement, fresh: Measurement) -> Measurement:
    """The new value where it is good, else the last good one with the new quality."""
    if fresh.quality is Quality.GOOD and fresh.value is not None:
        return fresh
    return Measurement(previous.value, previous.time, fresh.quality)
