"""Whether the map of a device allows a value to be written at all."""

from __future__ import annotations

from drivers.modbus.device_map import DeviceMap
from drivers.modbus.point_map import Storage
from drivers.points import POINTS
from drivers.trouble import Trouble, trouble


def objection(device_map: DeviceMap, name: str, value: float, storage: Storage) -> Trouble | None:
    """Why the map does not allow this value of a point; None when it does.

    `storage` is the kind of memory that the caller writes: setpoints are volatile, and what is
    commissioned is kept in flash. A value outside the limits is refused and not clipped, because
    the caller has to know what the device will do.
    """
    point = device_map.points.get(name)
    if point is None:
        return trouble("no-such-point")
    unit = POINTS[name][0]
    if point.storage is None:
        return trouble("not-writable")
    if point.storage != storage:
        return trouble("other-storage", storage=point.storage, wanted=storage)
    if not point.min <= value <= point.max:
        return trouble("outside-limits", low=point.min, high=point.max, unit=unit)
    if (none := point.none_at(value)) is not None:
        nearest = point.nearest(value)
        return trouble("means-no-setpoint", value=none, nearest=nearest, unit=unit)
    return None
