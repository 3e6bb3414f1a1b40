"""One point of a Modbus map: its registers, its coding, its limits, and all that a write sends."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Final, Literal

from pydantic import BeforeValidator, Field

from drivers.map_schema import Finite, MapPart
from drivers.modbus.codec import ByteOrder, Codec, RegisterType, WordOrder
from drivers.modbus.companions import Register, Registers, ScaleFactor, SignBy, ZeroIf, listed
from drivers.modbus.protocol import Space

Storage = Literal["volatile", "flash"]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Frame = tuple[int, tuple[int, ...]]
"""An address and the words that are written from there on."""

RawValues = Annotated[tuple[Annotated[int, Field(ge=0)], ...], BeforeValidator(listed)]

_ROUNDING: Final = 1.000001
"""A value one tolerance away from another counts as apart, although binary fractions are not exact.
"""
NOTHING: Final[Mapping[Register, Register]] = {}


class PointMap(MapPart):
    """How one point of the vocabulary (`drivers/points.py`) is found in registers.

    value = sign * scale * raw + offset, in the unit of the point's name, as are `min` and `max`.
    """

    space: Space
    address: Register
    """0-based, as it is sent."""
    type: RegisterType
    word_order: WordOrder = "big"
    byte_order: ByteOrder = "big"
    """Order of the bytes within each word; a few devices deviate from the standard's big-endian."""
    scale: Positive = 1.0
    sign: Literal[1, -1] = 1
    """-1 where the device counts the other way: ours are + import and + charging."""
    offset: Finite = 0.0
    sign_by: SignBy | None = None
    """Where another register has the direction; then the point's own register has the size."""
    scale_factor: ScaleFactor | None = None
    """Where another register has a power of ten of the scale, which may change."""
    zero_if: tuple[ZeroIf, ...] = ()
    """Where a 0 may also mean "not available": a 0 is a value if one of these conditions is met."""
    fixed: Mapping[Register, Register] = {}
    """Words that other registers must hold for the point to be plausible, such as the power of
    which it is a percentage.
    """
    also: Registers = ()
    """Further addresses of the same type that are added up, such as the phases of a meter that
    reports no total.
    """
    step: Positive | None = None
    """Smallest change worth a write, where that is more than the register can show. A writable
    float needs one.
    """
    codes: Mapping[Annotated[int, Field(ge=0)], Finite] = {}
    """Value of each raw code of an enumeration: `{ 170 = 1, 187 = 2 }`."""
    nan: RawValues = ()
    """Raw unsigned value or values that mean "not available"."""
    min: Finite
    max: Finite
    """What is plausible to read, and allowed to write."""
    means_none: tuple[Finite, ...] = ()
    """Values that are no setpoint to the device, in the point's unit: with them it follows its own
    rules, or another register. They are read, but never written.
    """
    writable: bool = False
    storage: Storage | None = None
    """Memory that keeps a written value: `volatile` bears frequent writes, `flash` wears out."""

    order: Annotated[int, Field(ge=0, le=9)] = 0
    """Of several setpoints, those of lower order are written first, and the others only when the
    device took them.
    """
    before: Mapping[Register, Register] = NOTHING
    """Words written before the value, by address, each in a frame of its own; for example the
    period for which the command holds.
    """
    along: Mapping[Register, Register] = NOTHING
    """Words written in the same frame, by address; for example the switch that enables the value.
    """
    copies: Registers = ()
    """Further addresses that the value is written to in the same frame."""
    after: Mapping[Register, Register] = NOTHING
    """Words written after the value, as in `before`."""

    def times(self, ratio: float) -> PointMap:
        """The same registers, with values this many times as large."""
        numbers = ("scale", "offset", "min", "max")
        update = {name: getattr(self, name) * ratio for name in numbers}
        return self.model_copy(update=update)

    @property
    def codec(self) -> Codec:
        """How the value is coded in its registers."""
        return self.codec_shifted(0)

    def codec_shifted(self, powers: int) -> Codec:
        """The same, with a scale factor that differs from the usual one by powers of ten."""
        return Codec(
            self.type,
            self.word_order,
            self.sign * (self.scale if powers == 0 else round(self.scale * 10.0**powers, 15)),
            self.offset,
            self.nan,
            self.byte_order,
            tuple(self.codes.items()),
        )

    @property
    def registers(self) -> int:
        """Number of registers that the value takes."""
        return self.codec.registers

    @property
    def end(self) -> int:
        """The first address after the value."""
        return self.address + self.registers

    @property
    def register_ranges(self) -> tuple[tuple[int, int], ...]:
        """First address, and the address after the last one, of each part that is added up."""
        return tuple((at, at + self.registers) for at in (self.address, *self.also))

    @property
    def companions(self) -> frozenset[int]:
        """The addresses of all registers that decide how it is read."""
        parts = (self.sign_by, self.scale_factor, *self.zero_if)
        return frozenset((*self.fixed, *(part.address for part in parts if part is not None)))

    @property
    def has_own_frames(self) -> bool:
        """Whether a write of it sends more than its value, and so shares no frame with others."""
        return bool(self.before or self.along or self.copies or self.after)

    @property
    def fixed_writes(self) -> Mapping[int, int]:
        """The words that each write of it sends beside the value, by address."""
        return {**self.before, **self.along, **self.after}

    @property
    def copy_registers(self) -> tuple[int, ...]:
        """All addresses of its copies."""
        return tuple(at for first in self.copies for at in range(first, first + self.registers))

    def frames(self, words: Sequence[int]) -> tuple[Frame, ...]:
        """All frames of a write of the value, in the order in which they are sent."""
        content = dict(self.along)
        for first in (self.address, *self.copies):
            content |= dict(enumerate(words, first))
        frame = (min(content), tuple(content[at] for at in sorted(content)))
        before = [(at, (word,)) for at, word in self.before.items()]
        after = [(at, (word,)) for at, word in self.after.items()]
        return (*before, frame, *after)

    @property
    def resolution(self) -> float:
        """Smallest change that the register can show; of a float, the map's `step`."""
        return self.step if self.type == "f32" and self.step else self.scale

    @property
    def tolerance(self) -> float:
        """How far a value may read from what was written and still count as taken.

        A change too small to be worth a write is none either when it is read. A code of an
        enumeration must match exactly.
        """
        return 0.0 if self.codes else max(self.step or 0.0, self.resolution)

    def nearest(self, value: float) -> float:
        """The nearest value that may be written: within the limits, and a `tolerance` away from
        each value that means "none". Between two that are equally near it is the higher one.
        """
        value = min(max(value, self.min), self.max)
        none = self.none_at(value)
        if none is None:
            return value
        below, above = none - self.tolerance, none + self.tolerance
        if below < self.min or (none <= value and above <= self.max):
            return above
        return below

    def none_at(self, value: float) -> float | None:
        """The value that means "none" that this one is, or is too near to; None if it is a
        setpoint.
        """
        for none in self.means_none:
            if abs(value - none) < self.tolerance / _ROUNDING:
                return none
        return None
