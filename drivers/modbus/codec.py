"""Registers to values and back: types, word and byte order, scale, offset, codes, markers. Pure
functions.

value = raw x scale + offset. Registers are unsigned 16-bit words in the order in which they stand
in the device.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

RegisterType = Literal["u16", "i16", "u32", "i32", "u64", "f32"]
WordOrder = Literal["big", "little"]
ByteOrder = Literal["big", "little"]

_FORMATS: Final[dict[RegisterType, str]] = {
    "u16": ">H",
    "i16": ">h",
    "u32": ">I",
    "i32": ">i",
    "u64": ">Q",
    "f32": ">f",
}
_F32_NAN: Final = 0x7FC00000
_DECIMALS: Final = (
    9  # takes away the dust of binary scaling: 3 x 0.1 is 0.3, and so inside a limit of 0.3
)


@dataclass(frozen=True, slots=True)
class Codec:
    """How one value stands in registers. `nan` holds raw unsigned values that mean "not available".

    `byte_order` is that within each word; Modbus itself says big. `codes` are pairs of a raw
    unsigned value and what it stands for: with them there is no other value, and neither scale nor
    offset.
    """

    type: RegisterType
    word_order: WordOrder = "big"
    scale: float = 1.0
    offset: float = 0.0
    nan: tuple[int, ...] = ()
    byte_order: ByteOrder = "big"
    codes: tuple[tuple[int, float], ...] = ()

    @property
    def registers(self) -> int:
        """How many registers the value takes."""
        return struct.calcsize(_FORMATS[self.type]) // 2


def decode(codec: Codec, registers: Sequence[int]) -> float | None:
    """The value in `registers`; None when the device says "not available" (a marker, a float NaN,
    an unknown code).

    An infinite float is returned as such. Raises ValueError when the number of registers is wrong.
    """
    if len(registers) != codec.registers:
        raise ValueError(f"{codec.type} takes {codec.registers} registers, not {len(registers)}")
    words = registers if codec.word_order == "big" else registers[::-1]
    packed = b"".join(word.to_bytes(2, codec.byte_order) for word in words)
    unsigned = int.from_bytes(packed, "big")
    if unsigned in codec.nan:
        return None
    if codec.codes:
        return dict(codec.codes).get(unsigned)
    raw: float = struct.unpack(_FORMATS[codec.type], packed)[0]
    if codec.type == "f32":
        return None if math.isnan(raw) else raw * codec.scale + codec.offset
    return round(raw * codec.scale + codec.offset, _DECIMALS)


def encode(codec: Codec, value: float | None) -> tuple[int, ...]:
    """The registers for `value`; None gives the first not-available marker (NaN for floats).

    Raises ValueError when the value is not finite, does not fit the type, or would read as "not
    available".
    """
    if value is None:
        if codec.nan:
            packed = codec.nan[0].to_bytes(2 * codec.registers, "big")
        elif codec.type == "f32":
            packed = _F32_NAN.to_bytes(4, "big")
        else:
            raise ValueError(
                f"{codec.type} without a marker cannot say that a value is not available"
            )
    else:
        packed = _pack(codec, value)
    words = struct.unpack(f"{'>' if codec.byte_order == 'big' else '<'}{codec.registers}H", packed)
    return words if codec.word_order == "big" else words[::-1]


def _pack(codec: Codec, value: float) -> bytes:
    if not math.isfinite(value):
        raise ValueError(f"{value} is not a finite number")
    if codec.codes:
        for unsigned, meaning in codec.codes:
            if meaning == round(value, _DECIMALS):
                return unsigned.to_bytes(2 * codec.registers, "big")
        raise ValueError(
            f"{value:g} has no code; there are {', '.join(f'{each:g}' for _, each in codec.codes)}"
        )
    raw = (value - codec.offset) / codec.scale
    try:
        packed = struct.pack(_FORMATS[codec.type], raw if codec.type == "f32" else round(raw))
    except (struct.error, OverflowError):
        raise ValueError(
            f"{value:g} does not fit {codec.type} with scale {codec.scale:g}"
        ) from None
    if int.from_bytes(packed, "big") in codec.nan:
        raise ValueError(f"{value:g} would read as 'not available'")
    return packed
