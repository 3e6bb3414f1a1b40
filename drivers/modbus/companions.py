"""Registers that decide how another one is read: its sign, its power of ten, whether its 0 is a
measurement.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Final, Literal

from pydantic import BeforeValidator, Field

from drivers.map_schema import MapPart

Register = Annotated[int, Field(ge=0, le=0xFFFF)]
MOST_EXPONENT: Final = 10
"""Scale factors are powers of ten from -10 to 10, as in SunSpec."""
AT_REST_SHARE: Final = 0.01
"""A value up to this share of the largest one is taken as 0 where the state is "at rest": sensors
read a little beside zero. More contradicts the state.
"""


def listed(value: object) -> object:
    """A single number as a list of one."""
    return [value] if isinstance(value, int) and not isinstance(value, bool) else value


Registers = Annotated[tuple[Register, ...], BeforeValidator(listed)]


class SignBy(MapPart):
    """The state register that has the direction of a value whose own register has only its size."""

    address: Register
    signs: Annotated[Mapping[Register, Literal[1, -1, 0]], Field(min_length=1)]
    """By state: +1 or -1, or 0 at rest. In any other state the value is not available."""

    def applied(self, size: float, state: int, largest: float) -> float | None:
        """The value of this size; None where the state gives it no direction, or contradicts it."""
        sign = self.signs.get(state)
        if sign == 0:
            return 0.0 if abs(size) <= AT_REST_SHARE * largest else None
        return None if sign is None else sign * abs(size)


class ScaleFactor(MapPart):
    """The register that holds the exponent of ten of a value, as a signed number. The device may
    change it at any time.
    """

    address: Register
    usual: Annotated[int, Field(ge=-MOST_EXPONENT, le=MOST_EXPONENT)]
    """The exponent that is part of the point's `scale`."""

    def shift(self, word: int) -> int | None:
        """By how many powers of ten the scale differs from the usual one; None where the register
        holds no scale factor.
        """
        exponent = word - 0x10000 if word >= 0x8000 else word
        return exponent - self.usual if abs(exponent) <= MOST_EXPONENT else None


class ZeroIf(MapPart):
    """When a 0 is a measurement: when the register holds one of these words, or another than those.
    Some gateways answer 0 also for what they do not know.
    """

    address: Register
    holds: Registers = ()
    other_than: Registers = ()

    def met(self, word: int) -> bool:
        """Whether the register holds what makes a 0 a measurement."""
        return word in self.holds if self.holds else word not in self.other_than
