"""Registers to values and back: types, word and byte order, scale, offset, codes, markers. Pure
functions.

    value = raw * scale + offset

Registers are unsigned 16-bit words in the order of their addresses. The Modbus application protocol
(V1.1b3, section 4.2) fixes the byte order within a word, big-endian; the order of the words of a
longer value is the maker's choice.
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
_DECIMALS: Final = 9
"""Values are rounded to this, so that binary scaling does not push one over a limit: 3 * 0.1 reads
0.3. It is far finer than the scale of any register.
"""


@dataclass(frozen=True, slots=True)
class Codec:
    """How one value is coded in registers.

    `nan` holds raw unsigned values that mean "not available". `byte_order` is that within each
    word. `codes` makes the value an enumeration: pairs of a raw unsigned value and its meaning,
    with neither scale nor offset; any other raw value is not available.
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
        """Number of registers that the value takes."""
        return struct.calcsize(_FORMATS[self.type]) // 2


def decode(codec: Codec, registers: Sequence[int]) -> float | None:
    """The value in `registers`; None when it is not available (a marker, a float NaN, an unknown
    code).

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
            raise ValueError(f"{codec.type} without a marker cannot be 'not available'")
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
        coded = ", ".join(f"{meaning:g}" for _, meaning in codec.codes)
        raise ValueError(f"{value:g} has no code; there are {coded}")
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
