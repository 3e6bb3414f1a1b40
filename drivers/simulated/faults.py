"""The faults that are in force at simulated devices, and what they do to values and writes."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from drivers.points import FORCED_CHARGE, FORCED_DISCHARGE
from drivers.simulated.fault_kinds import FAULT_TYPES, FaultKind

SLOWEST_S: Final = 3600.0
CODES: Final = range(1, 256)

DeviceId = int | str
"""A Modbus unit, or the address of a DL/T 645 meter."""


@dataclass(frozen=True)
class Fault:
    """One fault of one Modbus unit, or of the meter with an `address`. Both are ignored by those of
    the whole link.

    Raises ValueError when point or value do not fit the kind.
    """

    kind: FaultKind
    unit: int = 0
    point: str | None = None
    value: float | None = None
    address: str | None = None

    @property
    def device(self) -> DeviceId:
        """Which device of the link has it; 0 = the link itself."""
        if FAULT_TYPES[self.kind].of_link:
            return 0
        return self.unit if self.address is None else self.address

    def __post_init__(self) -> None:
        kind, value = self.kind, self.value
        if kind not in FAULT_TYPES:
            raise ValueError(f"fault {kind!r}: allowed are {', '.join(FAULT_TYPES)}")
        needs_point, needs_value = FAULT_TYPES[kind].of_point, bool(FAULT_TYPES[kind].value)
        if needs_point != (self.point is not None):
            raise ValueError(f"fault {kind}: {'needs' if needs_point else 'has no'} point")
        if needs_value != (value is not None):
            raise ValueError(f"fault {kind}: {'needs' if needs_value else 'has no'} value")
        if value is None:
            return
        if not math.isfinite(value):
            raise ValueError(f"fault {kind}: value {value:g} must be a finite number")
        if kind in ("slow", "repeated-answer") and not 0 <= value <= SLOWEST_S:
            raise ValueError(f"fault {kind}: value {value:g} must be within 0..{SLOWEST_S:g} s")
        if kind in ("late-write", "coarse-write", "another-master") and value <= 0.0:
            raise ValueError(f"fault {kind}: value {value:g} must be above 0")
        if kind in ("exception", "refused-block") and value not in CODES:
            allowed = f"a code, {CODES[0]} to {CODES[-1]}"
            raise ValueError(f"fault {kind}: value {value:g} must be {allowed}")


class Faults:
    """The faults in force on one link."""

    def __init__(self) -> None:
        self._active: list[Fault] = []
        self._stuck: dict[tuple[DeviceId, str], float | None] = {}
        """The value that each stuck point keeps."""
        self._echoed: dict[tuple[DeviceId, str], float] = {}
        """The value that each point without effect reads back."""
        self._late: dict[tuple[DeviceId, str], list[tuple[float, float | None]]] = {}
        """Since when each late point has held which values, from the one that it shows now."""
        self.clock: Callable[[], float] = time.monotonic
        """Seconds of the clock by which writes are late."""

    @property
    def active(self) -> tuple[Fault, ...]:
        """All faults in force, the oldest first."""
        return tuple(self._active)

    def add(self, fault: Fault) -> None:
        """Put a fault in force; one of the same kind, device and point is replaced."""
        self.clear(fault.device, fault.kind, fault.point)
        self._active.append(fault)

    def clear(
        self,
        device: DeviceId | None = None,
        kind: FaultKind | None = None,
        point: str | None = None,
    ) -> None:
        """End the faults that match; without arguments, all."""
        self._active = [
            fault
            for fault in self._active
            if (device is not None and fault.device != device)
            or (kind is not None and fault.kind != kind)
            or (point is not None and fault.point != point)
        ]
        active = {(fault.kind, fault.device, fault.point) for fault in self._active}
        for key in [key for key in self._stuck if ("stuck", *key) not in active]:
            del self._stuck[key]
        for key in [key for key in self._late if ("late-write", *key) not in active]:
            del self._late[key]
        echoing = ("no-effect", "reversed-write")
        for key in [k for k in self._echoed if not any((kind, *k) in active for kind in echoing)]:
            del self._echoed[key]

    def find(self, device: DeviceId, kind: FaultKind, point: str | None = None) -> Fault | None:
        """The fault of this kind at a device (and point), if it is in force."""
        for fault in self._active:
            if (fault.device, fault.kind, fault.point) == (device, kind, point):
                return fault
        return None

    def taken(self, device: DeviceId, point: str, value: float) -> float | None:
        """What a device takes of a value that is written to it; None when it takes nothing.

        Raises ValueError when it refuses the value.
        """
        if self.find(device, "refused-write", point):
            raise ValueError(f"{point} is refused")
        if self.find(device, "no-effect", point):
            self._echoed[device, point] = value
            return None
        if self.find(device, "reversed-write", point):
            self._echoed[device, point] = value
            return reversed_value(point, value)
        if self.find(device, "ignored-write", point):
            return None
        coarse = self.find(device, "coarse-write", point)
        if coarse is not None and coarse.value:
            return round(math.floor(value / coarse.value + 1e-9) * coarse.value, 9)
        clamp = self.find(device, "clamped-write", point)
        return value if clamp is None or clamp.value is None else min(value, clamp.value)

    def distort(
        self, device: DeviceId, values: Mapping[str, float | None]
    ) -> dict[str, float | None]:
        """The values of a device as it reports them under its faults."""
        reported = dict(values)
        for fault in self._active:
            point = fault.point
            if fault.device != device or point is None:
                continue
            value = reported.get(point)
            if fault.kind == "stuck":
                reported[point] = self._stuck.setdefault((device, point), value)
            elif fault.kind in ("no-effect", "reversed-write"):
                reported[point] = self._echoed.get((device, point), value)
            elif fault.kind == "late-write":
                reported[point] = self._shown_late(device, point, value, fault.value or 0.0)
            elif fault.kind == "not-available":
                reported[point] = None
            elif fault.kind == "jump":
                reported[point] = fault.value
            elif fault.kind == "sign-flip" and value is not None:
                reported[point] = -value
        return reported

    def _shown_late(
        self, device: DeviceId, point: str, value: float | None, delay_s: float
    ) -> float | None:
        """The value that the point had so long ago."""
        now_s = self.clock()
        held = self._late.setdefault((device, point), [(now_s - delay_s, value)])
        if held[-1][1] != value:
            held.append((now_s, value))
        while len(held) > 1 and now_s - held[1][0] >= delay_s:
            del held[0]
        return held[0][1]


def reversed_value(point: str, value: float) -> float:
    """The value with the opposite sign, or the opposite direction of a forced mode."""
    if point != "forced_mode":
        return -value
    return {FORCED_CHARGE: FORCED_DISCHARGE, FORCED_DISCHARGE: FORCED_CHARGE}.get(value, value)


def fault_from(fields: Mapping[str, Any]) -> Fault:
    """A fault from the fields of a message or a file. Raises ValueError for invalid fields."""
    unknown = set(fields) - {"kind", "unit", "address", "point", "value"}
    if unknown or "kind" not in fields:
        raise ValueError("a fault has kind, unit or address, and perhaps point, value")
    value = fields.get("value")
    try:
        number = None if value is None else float(value)
        unit = int(fields.get("unit", 0))
    except (TypeError, ValueError):
        raise ValueError("unit and value of a fault are numbers") from None
    return Fault(fields["kind"], unit, fields.get("point"), number, fields.get("address"))
