"""What a simulated unit holds in the registers that decide how others are read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from drivers.modbus.codec import encode
from drivers.modbus.companions import SignBy, ZeroIf
from drivers.modbus.device_map import DeviceMap
from drivers.modbus.point_map import PointMap
from drivers.modbus.protocol import Space

NOT_THIS: Final = 0xFFFF


def point_words(point: PointMap, value: float | None) -> tuple[int, ...]:
    """The registers of a point with this value; what is not available is 0 where the map has it
    so.
    """
    if value is None and point.zero_if and not point.nan:
        return (0,) * point.registers
    size = value is not None and point.sign_by is not None
    return encode(point.codec, abs(value) if size and value is not None else value)


def companion_words(
    device_map: DeviceMap, space: Space, values: Mapping[str, float | None]
) -> dict[int, int]:
    """The words beside all points of a space, by address, that go with these values. A register
    that belongs to a point is not among them.
    """
    points = {name: point for name, point in device_map.points.items() if point.space == space}
    words: dict[int, int] = {}
    conditions: dict[int, list[tuple[ZeroIf, float | None]]] = {}
    for name, point in points.items():
        words |= point.fixed
        if point.scale_factor is not None:
            words[point.scale_factor.address] = point.scale_factor.usual & 0xFFFF
        if point.sign_by is not None:
            words[point.sign_by.address] = _state(point.sign_by, values.get(name))
        for each in point.zero_if:
            conditions.setdefault(each.address, []).append((each, values.get(name)))
    for at, found in conditions.items():
        words[at] = _condition(found)
    own = {at for point in points.values() for r in point.register_ranges for at in range(*r)}
    return {at: word for at, word in words.items() if at not in own}


def _state(sign_by: SignBy, value: float | None) -> int:
    wanted = 0 if not value else (1 if value > 0 else -1)
    for sign in (wanted, 1):
        for state, meant in sign_by.signs.items():
            if meant == sign:
                return state
    raise ValueError("no state for either sign")


def _condition(found: Iterable[tuple[ZeroIf, float | None]]) -> int:
    """A word that makes a 0 a value where one of the points is 0, and does not where one of them is
    not available.
    """
    found = list(found)
    condition, values = found[0][0], [value for _, value in found]
    is_value = None not in values and (0.0 in values or not condition.holds)
    for word in (*condition.holds, *condition.other_than, 1, NOT_THIS):
        if condition.met(word) == is_value:
            return word
    return NOT_THIS
