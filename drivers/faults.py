"""What simulated devices can be made to do wrong, on demand: the troubles of real sites."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, get_args

FaultKind = Literal[
    "silent",
    "slow",
    "exception",
    "short-reply",
    "hang-up",
    "restart",
    "stuck",
    "not-available",
    "jump",
    "sign-flip",
    "word-swap",
    "refused-write",
    "clamped-write",
    "ignored-write",
]

MEANING: Final[Mapping[FaultKind, str]] = {
    "silent": "the unit does not answer",
    "slow": "every answer takes `value` seconds; beyond the time-out it comes late",
    "exception": "every request is answered with exception code `value`",
    "short-reply": "a read is answered with one register too few",
    "hang-up": "the connections are closed, once",
    "restart": "the unit starts anew, once: it falls back to its own safe values and forgets what it was told",
    "stuck": "`point` keeps the value that it has now",
    "not-available": "`point` reads as its not-available marker",
    "jump": "`point` reads as `value`",
    "sign-flip": "`point` reads with the other sign",
    "word-swap": "`point` of two registers reads with its words exchanged",
    "refused-write": "writes of `point` are refused",
    "clamped-write": "writes of `point` above `value` are taken as `value`",
    "ignored-write": "writes of `point` are confirmed and not done",
}
OF_A_POINT: Final = ("stuck", "not-available", "jump", "sign-flip", "word-swap", "refused-write", "clamped-write",
                     "ignored-write")  # fmt: skip
WITH_A_VALUE: Final = ("slow", "exception", "jump", "clamped-write")
ONCE: Final = ("hang-up", "restart")


@dataclass(frozen=True)
class Fault:
    """One thing that goes wrong at one unit (0 = the whole link, for `hang-up`). Raises ValueError for nonsense."""

    kind: FaultKind
    unit: int = 0
    point: str | None = None
    value: float | None = None

    def __post_init__(self) -> None:
        if self.kind not in MEANING:
            raise ValueError(f"fault {self.kind!r}: allowed are {', '.join(get_args(FaultKind))}")
        if (self.kind in OF_A_POINT) != (self.point is not None):
            raise ValueError(f"fault {self.kind}: {'needs' if self.kind in OF_A_POINT else 'has no'} point")
        if (self.kind in WITH_A_VALUE) != (self.value is not None):
            raise ValueError(f"fault {self.kind}: {'needs' if self.kind in WITH_A_VALUE else 'has no'} value")


class Faults:
    """The faults that are in force on one server."""

    def __init__(self) -> None:
        self._active: list[Fault] = []
        self._stuck: dict[tuple[int, str], float | None] = {}

    @property
    def active(self) -> tuple[Fault, ...]:
        """All faults in force, the oldest first."""
        return tuple(self._active)

    def add(self, fault: Fault) -> None:
        """Put a fault in force; one of the same kind, unit and point is replaced."""
        self.clear(fault.unit, fault.kind, fault.point)
        self._active.append(fault)

    def clear(self, unit: int | None = None, kind: FaultKind | None = None, point: str | None = None) -> None:
        """End the faults that match; without arguments, all."""
        self._active = [
            fault
            for fault in self._active
            if (unit is not None and fault.unit != unit)
            or (kind is not None and fault.kind != kind)
            or (point is not None and fault.point != point)
        ]
        still = {(fault.unit, fault.point) for fault in self._active if fault.kind == "stuck"}
        self._stuck = {key: value for key, value in self._stuck.items() if key in still}

    def find(self, unit: int, kind: FaultKind, point: str | None = None) -> Fault | None:
        """The fault of this kind at a unit (and point), if it is in force."""
        return next((f for f in self._active if (f.unit, f.kind, f.point) == (unit, kind, point)), None)

    def distort(self, unit: int, values: Mapping[str, float | None]) -> dict[str, float | None]:
        """The values as the faults make the unit tell them."""
        told = dict(values)
        for fault in self._active:
            if fault.unit != unit or fault.point is None:
                continue
            value = told.get(fault.point)
            if fault.kind == "stuck":
                told[fault.point] = self._stuck.setdefault((unit, fault.point), value)
            elif fault.kind == "not-available":
                told[fault.point] = None
            elif fault.kind == "jump":
                told[fault.point] = fault.value
            elif fault.kind == "sign-flip" and value is not None:
                told[fault.point] = -value
        return told


def fault_from(words: Mapping[str, Any]) -> Fault:
    """A fault from the keys of a message or a file. Raises ValueError with a sentence for what is none."""
    unknown = set(words) - {"kind", "unit", "point", "value"}
    if unknown or "kind" not in words:
        raise ValueError("a fault has kind, unit, and perhaps point, value")
    value = words.get("value")
    try:
        number = None if value is None else float(value)
        unit = int(words.get("unit", 0))
    except (TypeError, ValueError):
        raise ValueError("unit and value of a fault are numbers") from None
    return Fault(words["kind"], unit, words.get("point"), number)
