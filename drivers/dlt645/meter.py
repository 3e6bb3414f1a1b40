"""One DL/T 645 meter on a line: reads its map's points with their quality. It is never written."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from drivers.dlt645.link import Dlt645Link
from drivers.dlt645.meter_map import MeterMap, MeterPoint
from drivers.dlt645.numbers import decode_number
from drivers.errors import DeviceRefused, DriverError, LinkError
from drivers.points import POINTS, TRANSFORMED_UNITS, Point, Quality, Reading, physical

_UNREACHABLE = Point(None, Quality.UNREACHABLE)


class Dlt645Meter:
    """A meter of the site: its model (`device_map`), its `link` and `address`, and a clock, UTC.

    `ratio` is that of its current (and voltage) transformers: power and energy are what the meter
    shows times this.
    """

    def __init__(
        self,
        name: str,
        device_map: MeterMap,
        link: Dlt645Link,
        address: str,
        now: Callable[[], datetime],
        *,
        ratio: float = 1.0,
    ) -> None:
        self.name = name
        self.device_map = device_map
        self._link, self._address, self._now, self._ratio = link, address, now, ratio

    async def read(self) -> Reading:
        """All points of the map, one request each. Failures are never raised; they show in the
        quality of the points.

        When the line fails or the meter is silent, the remaining points are not asked for, so that
        one reading waits for one time-out only.
        """
        time = self._now()
        points = dict.fromkeys(self.device_map.points, _UNREACHABLE)
        faults: list[str] = []
        for name, point in self.device_map.points.items():
            try:
                points[name] = self._point(
                    name, point, await self._link.read(self._address, point.item)
                )
            except DeviceRefused as exc:
                faults.append(str(exc))
                points[name] = Point(None, Quality.MISSING)  # it answers, and has no such data
            except LinkError as exc:
                faults.append(str(exc))
                break
            except DriverError as exc:
                faults.append(str(exc))
        return Reading(self.name, time, points, tuple(faults))

    def _point(self, name: str, point: MeterPoint, data: bytes) -> Point:
        try:
            shown = decode_number(point.form, data)
        except ValueError:
            return Point(None, Quality.IMPLAUSIBLE)
        if shown is None:
            return Point(None, Quality.MISSING)
        if not point.min <= shown <= point.max:
            return Point(None, Quality.IMPLAUSIBLE)
        value = shown * self._ratio if POINTS[name][0] in TRANSFORMED_UNITS else shown
        return physical(name, Point(value, Quality.GOOD))
