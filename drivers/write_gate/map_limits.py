"""Whether the map of a device allows a value to be written at all."""

from __future__ import annotations

from drivers.modbus.device_map import DeviceMap
from drivers.modbus.point_map import Storage
from drivers.points import POINTS


def objection(device_map: DeviceMap, name: str, value: float, storage: Storage) -> str | None:
    """Why the map does not allow this value of a point; None when it does.

    `storage` is the kind of memory that the caller writes: setpoints are volatile, and what is
    commissioned is kept in flash. A value outside the limits is refused and not clipped, because
    the caller has to know what the device will do.
    """
    point = device_map.points.get(name)
    if point is None:
        return "the device has no such point"
    if point.storage is None:
        return "this point cannot be written"
    if point.storage != storage:
        return f"this point is {point.storage}, only {storage} ones are written here"
    if not point.min <= value <= point.max:
        return f"must be within {point.min:g}..{point.max:g} {POINTS[name][0]}"
    if (none := point.none_at(value)) is not None:
        nearest = f"{point.nearest(value):g} {POINTS[name][0]}"
        return f"{none:g} means no setpoint to this device; the nearest one is {nearest}"
    return None
