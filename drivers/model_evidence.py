"""What a reading shows of a device's model: values that only a device in operation has.

The registers of another device, or ones full of small numbers, may be plausible for many maps. A
voltage or a frequency in its usual range is evidence, and so is a floating-point number; a current,
a power or a state of charge is none, because any small number may be one.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from drivers.modbus.device_map import DeviceMap
from drivers.points import POINTS, Point

USUAL: Final[Mapping[str, tuple[float, float]]] = {
    "mains_v": (85.0, 300.0),
    "frequency_hz": (45.0, 66.0),
    "bus_v": (40.0, 60.0),
    "battery_v": (40.0, 60.0),
}
"""Ranges in operation: mains of 100 to 277 V, 50 and 60 Hz, a bus and batteries of 48 V."""
NEEDED: Final = 2
"""So many independent pieces of evidence make a model probable; a single 16-bit register of another
device is in one of these ranges every few hundred times.
"""


@dataclass(frozen=True)
class Candidate:
    """A model without identity registers, all of whose points read plausible values."""

    map_name: str
    evidence: tuple[tuple[str, float, str], ...]
    """Points in their usual range: name, value and unit."""
    weight: int
    """Pieces of evidence; a floating-point number counts as two, because it fills two registers."""

    @property
    def is_probable(self) -> bool:
        """Whether the evidence is enough to propose the model."""
        return self.weight >= NEEDED


def fits(points: Mapping[str, Point]) -> bool:
    """Whether all points have plausible values, and none is outside its usual range."""
    for name, point in points.items():
        low, high = USUAL.get(name, (-math.inf, math.inf))
        if point.value is None or not low <= point.value <= high:
            return False
    return True


def candidate(device_map: DeviceMap, points: Mapping[str, Point]) -> Candidate | None:
    """The model as a candidate for a device whose points all fit; None without evidence for it."""
    evidence = tuple(
        (name, value, POINTS[name][0])
        for name in USUAL
        if name in points and (value := points[name].value) is not None
    )
    weight = sum(2 if device_map.points[name].type == "f32" else 1 for name, _, _ in evidence)
    return Candidate(device_map.name, evidence, weight) if evidence else None
