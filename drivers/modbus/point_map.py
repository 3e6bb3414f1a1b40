"""One point of a device map: where it stands, how it is coded, what it may be, and all that a write
of it sends.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Final, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from drivers.modbus.codec import ByteOrder, Codec, RegisterType, WordOrder
from drivers.modbus.protocol import Space

Storage = Literal["volatile", "flash"]
Register = Annotated[int, Field(ge=0, le=0xFFFF)]
Finite = Annotated[float, Field(allow_inf_nan=False)]
Frame = tuple[int, tuple[int, ...]]
"""An address and the registers that are written from there on."""


def _listed(value: object) -> object:
    return [value] if isinstance(value, int) and not isinstance(value, bool) else value


class Closed(BaseModel):
    """Base of all parts of a map: frozen, and no key that we do not know."""

    model_config = ConfigDict(extra="forbid", frozen=True)


NONE: Final[Mapping[Register, Register]] = {}


class PointMap(Closed):
    """Where one point of the vocabulary stands, and what it may be. `min`, `max` are in the unit of
    its name.
    """

    space: Space
    address: Register
    type: RegisterType
    word_order: WordOrder = "big"
    byte_order: ByteOrder = "big"
    """Within each word; a few devices have it the wrong way round."""
    scale: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 1.0
    sign: Literal[1, -1] = 1
    """-1 where the device counts the other way: ours are + import and + charging."""
    offset: Finite = 0.0
    also: Annotated[tuple[Register, ...], BeforeValidator(_listed)] = ()
    """Further addresses of the same kind that are added up, such as the phases of a meter that
    tells no total.
    """
    step: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    """Smallest change worth a write, where that is more than the register can show; a writable
    float needs one.
    """
    codes: Mapping[Annotated[int, Field(ge=0)], Finite] = {}
    """What the raw values stand for, where they are words and not numbers: `{ 170 = 1, 187 = 2 }`.
    """
    nan: Annotated[tuple[Annotated[int, Field(ge=0)], ...], BeforeValidator(_listed)] = ()
    """Raw unsigned value or values that mean "not available"."""
    min: Finite
    max: Finite
    writable: bool = False
    storage: Storage | None = None
    """Where a written value is kept: `volatile` bears frequent writes, `flash` wears out."""

    order: Annotated[int, Field(ge=0, le=9)] = 0
    """Of several setpoints, those of lower order are written first, and the others only when they
    were taken.
    """
    before: Mapping[Register, Register] = NONE
    """What is written before it, by address, each in a frame of its own: how long the command
    holds, perhaps.
    """
    along: Mapping[Register, Register] = NONE
    """What is written beside it in the same frame, by address, such as the switch that makes the
    value count.
    """
    copies: Annotated[tuple[Register, ...], BeforeValidator(_listed)] = ()
    """Further addresses that the value is written to in the same frame."""
    after: Mapping[Register, Register] = NONE
    """What is written after it, as in `before`."""

    @property
    def codec(self) -> Codec:
        """How the value stands in registers."""
        scale = self.sign * self.scale
        codes = tuple(self.codes.items())
        return Codec(
            self.type, self.word_order, scale, self.offset, self.nan, self.byte_order, codes
        )

    @property
    def registers(self) -> int:
        """How many registers the value takes."""
        return self.codec.registers

    @property
    def end(self) -> int:
        """The first address after the value."""
        return self.address + self.registers

    @property
    def places(self) -> tuple[tuple[int, int], ...]:
        """Where it stands: first and one past the last address, of each part."""
        return tuple((at, at + self.registers) for at in (self.address, *self.also))

    @property
    def alone(self) -> bool:
        """Whether it is written with frames of its own, because more than its value is."""
        return bool(self.before or self.along or self.copies or self.after)

    @property
    def constants(self) -> Mapping[int, int]:
        """All that is written beside the value, by address."""
        return {**self.before, **self.along, **self.after}

    @property
    def copied(self) -> tuple[int, ...]:
        """All addresses of its copies."""
        return tuple(at for first in self.copies for at in range(first, first + self.registers))

    def content(self, words: Sequence[int]) -> Mapping[int, int]:
        """What the frame that carries the value writes, by address."""
        places = (self.address, *self.copies)
        return {
            **self.along,
            **{first + i: word for first in places for i, word in enumerate(words)},
        }

    def frames(self, words: Sequence[int]) -> tuple[Frame, ...]:
        """All frames of a write of the value, in their order."""
        content = self.content(words)
        frame = (min(content), tuple(content[at] for at in sorted(content)))
        before, after = (
            tuple((at, (word,)) for at, word in each.items()) for each in (self.before, self.after)
        )
        return (*before, frame, *after)

    @property
    def resolution(self) -> float:
        """Smallest change that the register can show; of a float, the map's `step`."""
        return self.step if self.type == "f32" and self.step else self.scale

    @property
    def tolerance(self) -> float:
        """How far a value may read from what was written: less than is worth a write is no trouble;
        a word is one.
        """
        return 0.0 if self.codes else max(self.step or 0.0, self.resolution)

    def nearest(self, value: float) -> float:
        """The nearest value that the point takes."""
        return min(max(value, self.min), self.max)
