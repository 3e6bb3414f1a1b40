"""Numbers as DL/T 645-2007 meters send them: packed BCD, lowest byte first, sign in the highest
bit.
"""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Decimal645:
    """The format of one number: `size` bytes of two digits each, `decimals` digits after the point.

    A `signed` number keeps its sign in the highest bit, so its first digit is at most 7.
    """

    size: int
    decimals: int
    signed: bool = False

    @property
    def one(self) -> float:
        """The number 1 in steps of the last digit."""
        return 10.0**self.decimals

    @property
    def largest(self) -> float:
        """The largest number that fits."""
        digits = "9" * (2 * self.size - 1)
        return int(("7" if self.signed else "9") + digits) / self.one


def decode_number(form: Decimal645, data: bytes) -> float | None:
    """The number in `data`; None when a nibble is not a digit: meters fill what they do not measure
    with F or E.

    Raises ValueError when the number of bytes is wrong.
    """
    if len(data) != form.size:
        raise ValueError(f"the number takes {form.size} bytes, not {len(data)}")
    digits = bytearray(reversed(data))
    negative = form.signed and bool(digits[0] & 0x80)
    if form.signed:
        digits[0] &= 0x7F
    text = digits.hex()
    if not text.isdecimal():
        return None
    number = int(text) / form.one
    return -number if negative else number


def encode_number(form: Decimal645, value: float | None) -> bytes:
    """The bytes of a number; None gives the filler of a meter that does not measure it.

    Raises ValueError for a number that is not finite or does not fit.
    """
    if value is None:
        return b"\xff" * form.size
    if not math.isfinite(value) or abs(value) > form.largest or (value < 0 and not form.signed):
        raise ValueError(
            f"{value} does not fit {2 * form.size} digits, {form.decimals} of them after the point"
        )
    digits = bytearray.fromhex(str(round(abs(value) * form.one)).zfill(2 * form.size))
    if value < 0:
        digits[0] |= 0x80
    return bytes(reversed(digits))
