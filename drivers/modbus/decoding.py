"""From the registers that were read to the value of a point, with its quality."""

from __future__ import annotations

from collections.abc import Mapping

from drivers.modbus.codec import decode
from drivers.modbus.point_map import PointMap
from drivers.points import Point, Quality

Words = Mapping[int, int]
"""Words by address, of one register space."""

_MISSING = Point(None, Quality.MISSING)
_IMPLAUSIBLE = Point(None, Quality.IMPLAUSIBLE)
_UNREACHABLE = Point(None, Quality.UNREACHABLE)


def changed(fixed: Words, words: Words) -> list[int]:
    """The addresses that do not hold the word that a map states."""
    return [at for at, word in fixed.items() if words.get(at, word) != word]


def point_in(words: Words, point: PointMap) -> Point:
    """The point, from the words of its space. Without one of its registers it is unreachable."""
    if not words.keys() >= point.companions:
        return _UNREACHABLE
    if changed(point.fixed, words):
        return _IMPLAUSIBLE
    value = _value(words, point)
    if value is None or (value == 0.0 and not _zero_is_a_value(words, point)):
        return _MISSING
    if not point.min <= value <= point.max:
        return _IMPLAUSIBLE
    return Point(value, Quality.GOOD)


def _value(words: Words, point: PointMap) -> float | None:
    """The value, the sum of its parts; None where one of them is not available."""
    powers: int | None = 0
    if point.scale_factor is not None:
        powers = point.scale_factor.shift(words[point.scale_factor.address])
    if powers is None:
        return None
    codec = point.codec_shifted(powers)
    total: float | None = None
    for first, after in point.register_ranges:
        part = decode(codec, [words[at] for at in range(first, after)])
        if part is None:
            return None
        total = part if total is None else total + part
    if total is None or point.sign_by is None:
        return total
    largest = max(abs(point.min), abs(point.max))
    return point.sign_by.applied(total, words[point.sign_by.address], largest)


def _zero_is_a_value(words: Words, point: PointMap) -> bool:
    return not point.zero_if or any(each.met(words[each.address]) for each in point.zero_if)
