"""What simulated devices can be made to do wrong, on demand: the troubles of real sites."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, get_args

FaultKind = Literal[
    "silent",
    "slow",
    "exception",
    "short-reply",
    "wrong-checksum",
    "garbled",
    "hang-up",
    "restart",
    "reversion",
    "stuck",
    "not-available",
    "jump",
    "sign-flip",
    "word-swap",
    "refused-write",
    "clamped-write",
    "ignored-write",
    "no-effect",
]

MEANING: Final[Mapping[FaultKind, str]] = {
    "silent": "the unit does not answer",
    "slow": "every answer takes `value` seconds; beyond the time-out it comes late",
    "exception": "every request is answered with exception code `value`",
    "short-reply": "a read is answered with one register, or byte of a meter's number, too few",
    "wrong-checksum": "every answer has a wrong checksum; Modbus TCP has none",
    "garbled": "every answer arrives as noise",
    "hang-up": "the connections are closed, once; a serial port is pulled and plugged in again",
    "restart": "the unit starts anew, once: a driven one falls back to its own safe values and forgets what it was "
    "told, a meter is silent for a moment",
    "reversion": "the reversion timer of the unit runs out, once, though it was told in time: it falls back by itself",
    "stuck": "`point` keeps the value that it has now",
    "not-available": "`point` reads as its not-available marker",
    "jump": "`point` reads as `value`",
    "sign-flip": "`point` reads with the other sign",
    "word-swap": "`point` of two registers reads with its words exchanged",
    "refused-write": "writes of `point` are refused",
    "clamped-write": "writes of `point` above `value` are taken as `value`",
    "ignored-write": "writes of `point` are confirmed and not done",
    "no-effect": "writes of `point` are confirmed and read back as written, and nothing follows",
}
OF_A_POINT: Final = ("stuck", "not-available", "jump", "sign-flip", "word-swap", "refused-write", "clamped-write",
                     "ignored-write", "no-effect")  # fmt: skip
WITH_A_VALUE: Final = ("slow", "exception", "jump", "clamped-write")
ONCE: Final = ("hang-up", "restart", "reversion")
OF_WRITES: Final = (
    "reversion",
    "word-swap",
    "refused-write",
    "clamped-write",
    "ignored-write",
    "no-effect",
)
"""What does not happen to a meter that is only read, and knows no words."""

SLOWEST_S: Final = 3600.0
CODES: Final = range(1, 256)

Where = int | str
"""A Modbus unit, or the address of a DL/T 645 meter."""


@dataclass(frozen=True)
class Fault:
    """One thing that goes wrong at one unit, or at the meter of an `address`. Raises ValueError for
    nonsense.

    A `hang-up` is of the whole link, whatever is said here.
    """

    kind: FaultKind
    unit: int = 0
    point: str | None = None
    value: float | None = None
    address: str | None = None

    @property
    def where(self) -> Where:
        """Which device of the link is meant."""
        return self.unit if self.address is None else self.address

    def __post_init__(self) -> None:
        if self.kind not in MEANING:
            raise ValueError(f"fault {self.kind!r}: allowed are {', '.join(get_args(FaultKind))}")
        if (self.kind in OF_A_POINT) != (self.point is not None):
            raise ValueError(
                f"fault {self.kind}: {'needs' if self.kind in OF_A_POINT else 'has no'} point"
            )
        if (self.kind in WITH_A_VALUE) != (self.value is not None):
            raise ValueError(
                f"fault {self.kind}: {'needs' if self.kind in WITH_A_VALUE else 'has no'} value"
            )
        if self.value is not None and not math.isfinite(self.value):
            raise ValueError(f"fault {self.kind}: value {self.value:g} must be a finite number")
        if self.kind == "slow" and not 0 <= (self.value or 0.0) <= SLOWEST_S:
            raise ValueError(f"fault slow: value {self.value:g} must be within 0..{SLOWEST_S:g} s")
        if self.kind == "exception" and self.value not in CODES:
            raise ValueError(
                f"fault exception: value {self.value:g} must be a code, {CODES[0]} to {CODES[-1]}"
            )


def cannot_happen(kind: FaultKind, *, on_a_line: bool, to_a_meter: bool) -> str | None:
    """Why a kind of fault makes no sense there, in words; None where it does."""
    if to_a_meter and kind in OF_WRITES:
        return "a DL/T 645 meter is read only, and has no words"
    if kind == "wrong-checksum" and not on_a_line:
        return "frames of Modbus TCP have no checksum"
    return None


class Faults:
    """The faults that are in force on one server."""

    def __init__(self) -> None:
        self._active: list[Fault] = []
        self._stuck: dict[tuple[Where, str], float | None] = {}
        self._echoed: dict[tuple[Where, str], float] = {}

    @property
    def active(self) -> tuple[Fault, ...]:
        """All faults in force, the oldest first."""
        return tuple(self._active)

    def add(self, fault: Fault) -> None:
        """Put a fault in force; one of the same kind, device and point is replaced."""
        self.clear(fault.where, fault.kind, fault.point)
        self._active.append(fault)

    def clear(
        self, where: Where | None = None, kind: FaultKind | None = None, point: str | None = None
    ) -> None:
        """End the faults that match; without arguments, all."""
        self._active = [
            fault
            for fault in self._active
            if (where is not None and fault.where != where)
            or (kind is not None and fault.kind != kind)
            or (point is not None and fault.point != point)
        ]
        still = {(fault.kind, fault.where, fault.point) for fault in self._active}
        self._stuck = {key: value for key, value in self._stuck.items() if ("stuck", *key) in still}
        self._echoed = {
            key: value for key, value in self._echoed.items() if ("no-effect", *key) in still
        }

    def find(self, where: Where, kind: FaultKind, point: str | None = None) -> Fault | None:
        """The fault of this kind at a device (and point), if it is in force."""
        return next(
            (f for f in self._active if (f.where, f.kind, f.point) == (where, kind, point)), None
        )

    def taken(self, where: Where, point: str, value: float) -> float | None:
        """What a device makes of a value that is written to it; None = nothing. Raises ValueError
        to refuse it.
        """
        if self.find(where, "refused-write", point):
            raise ValueError(f"{point} is refused")
        if self.find(where, "no-effect", point):
            self._echoed[where, point] = value
            return None
        if self.find(where, "ignored-write", point):
            return None
        clamp = self.find(where, "clamped-write", point)
        return value if clamp is None or clamp.value is None else min(value, clamp.value)

    def distort(self, where: Where, values: Mapping[str, float | None]) -> dict[str, float | None]:
        """The values as the faults make the device tell them."""
        told = dict(values)
        for fault in self._active:
            if fault.where != where or fault.point is None:
                continue
            value = told.get(fault.point)
            if fault.kind == "stuck":
                told[fault.point] = self._stuck.setdefault((where, fault.point), value)
            elif fault.kind == "no-effect":
                told[fault.point] = self._echoed.get((where, fault.point), value)
            elif fault.kind == "not-available":
                told[fault.point] = None
            elif fault.kind == "jump":
                told[fault.point] = fault.value
            elif fault.kind == "sign-flip" and value is not None:
                told[fault.point] = -value
        return told


def fault_from(words: Mapping[str, Any]) -> Fault:
    """A fault from the keys of a message or a file. Raises ValueError with a sentence for what is
    none.
    """
    unknown = set(words) - {"kind", "unit", "address", "point", "value"}
    if unknown or "kind" not in words:
        raise ValueError("a fault has kind, unit or address, and perhaps point, value")
    value = words.get("value")
    try:
        number = None if value is None else float(value)
        unit = int(words.get("unit", 0))
    except (TypeError, ValueError):
        raise ValueError("unit and value of a fault are numbers") from None
    return Fault(words["kind"], unit, words.get("point"), number, words.get("address"))
