"""From the readings of one control cycle to the process image."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from drivers.points import PHYSICAL, Point, Quality, Reading
from optimisation.problem.site_problem import RectifierCurve
from siteems.estimation.bus_balance import ESTIMATED, SIGN_IN_BALANCE, estimate
from siteems.estimation.plausibility import supplies_rectifiers, within
from siteems.estimation.point_fields import FIELD_OF_CURRENT, FIELD_OF_POINT
from siteems.estimation.process_image import UNKNOWN, Image, Measurement


@dataclass(frozen=True)
class ImageBuilder:
    """Builds the next image from the one before and the readings of a cycle.

    A field that was not read well keeps its last good value, with its time, and the new quality.
    """

    curve: RectifierCurve
    max_age: timedelta
    """A value older than this counts as unknown."""
    ranges: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    """Lowest and highest plausible value by field, from the site's ratings."""

    def first(self, time: datetime) -> Image:
        """An image before anything was read."""
        return Image(time, self.max_age, {})

    def next(
        self,
        previous: Image,
        readings: Iterable[Reading],
        time: datetime,
        steady: datetime | None = None,
    ) -> Image:
        """The image after these readings, whose times are steady where `steady` is given."""
        fresh: dict[str, Measurement] = {}
        # Later readings overwrite earlier ones, and the rectifiers come last: their controller runs
        # from the battery, so its mains voltage is still measured when a meter has lost its supply.
        for reading in sorted(readings, key=_is_rectifier):
            for name, point in self._fields(reading).items():
                if point.quality is Quality.GOOD or name not in fresh:
                    fresh[name] = Measurement(point.value, reading.time, point.quality)
        self._derive_ac_load(fresh)
        merged = {
            name: _merge(previous.measured.get(name, UNKNOWN), measured)
            for name, measured in fresh.items()
        }
        measured = {**previous.measured, **merged}
        errors = {}
        for name, (found, error_kw) in self._estimates(fresh).items():
            measured[name], errors[name] = found, error_kw
        return Image(time, self.max_age, measured, steady, errors)

    def _fields(self, reading: Reading) -> dict[str, Point]:
        """The image fields that one device fills, each within its plausible range."""
        points = reading.points
        found: dict[str, Point] = {}
        for name, point in points.items():
            target = FIELD_OF_POINT.get(name)
            if target is not None:
                # By physics first: whatever a reader lets through, NaN for one, is no state of
                # charge from which to discharge.
                found[target] = within(self.ranges.get(target), within(PHYSICAL.get(name), point))
        volts = found.get("bus_v") or points.get("battery_v")
        if volts is not None:
            for name, target in FIELD_OF_CURRENT.items():
                if name in points:
                    power = _power(points[name], volts)
                    found[target] = within(self.ranges.get(target), power)
        return found

    def _estimates(
        self, fresh: Mapping[str, Measurement]
    ) -> Mapping[str, tuple[Measurement, float]]:
        """Load or PV power that was not read well, by the balance of the bus, with its error. Its
        quality is that of the failed read. A site whose PV has no range has none.
        """
        known = {
            name: fresh[name].value
            for name in SIGN_IN_BALANCE
            if name in fresh and fresh[name].quality is Quality.GOOD
        }
        powers = {name: kw for name, kw in known.items() if kw is not None}
        times = [fresh[name].time for name in powers]
        found = {}
        for name in ESTIMATED:
            if name in powers or name not in self.ranges:
                continue
            made = estimate(powers, name, has_pv="pv_kw" in self.ranges)
            low_kw, high_kw = self.ranges[name]
            if made is not None and low_kw <= made.kw <= high_kw:
                oldest = min(time for time in times if time is not None)
                quality = fresh.get(name, UNKNOWN).quality
                found[name] = (Measurement(made.kw, oldest, quality), made.error_kw)
        return found

    def _derive_ac_load(self, fresh: dict[str, Measurement]) -> None:
        """The AC load is not metered: it is grid and genset less the rectifiers' input.

        A grid meter that contradicts the rectifiers is taken as implausible.
        """
        grid, rectifier = fresh.get("grid_kw", UNKNOWN), fresh.get("rectifier_dc_kw", UNKNOWN)
        genset_kw = fresh["genset_kw"].value if "genset_kw" in fresh else 0.0
        if grid.value is None or rectifier.value is None or genset_kw is None:
            return
        supply_kw = grid.value + genset_kw
        if not supplies_rectifiers(supply_kw, rectifier.value, self.curve):
            fresh["grid_kw"] = Measurement(None, grid.time, Quality.IMPLAUSIBLE)
            return
        ac_load_kw = max(0.0, supply_kw - self.curve.ac_kw_at(max(0.0, rectifier.value)))
        fresh["ac_load_kw"] = Measurement(ac_load_kw, grid.time, Quality.GOOD)


def _is_rectifier(reading: Reading) -> bool:
    return "rectifier_a" in reading.points or "rectifier_kw" in reading.points


def _power(amps: Point, volts: Point) -> Point:
    """Power in kW. Where current or voltage has no value, nor has the power, with its quality."""
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
