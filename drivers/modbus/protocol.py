"""What the Modbus application protocol fixes: register spaces, sizes of a request, exception codes.

Source: MODBUS Application Protocol Specification V1.1b3 (modbus.org), sections 6.3, 6.4, 6.12 and
7.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

Space = Literal["input", "holding"]
"""Input registers are only read (FC4); holding registers are read (FC3) and written (FC6, FC16)."""

READ_HOLDING: Final = 3
READ_INPUT: Final = 4
WRITE_ONE: Final = 6
WRITE_MORE: Final = 16
UNITS: Final = range(1, 248)
"""Unit ids of devices on a line (MODBUS over Serial Line V1.02, section 2.2)."""
ITSELF: Final = (0, 255)
"""On TCP, the unit ids that mean the device at the address itself, and none behind it (MODBUS
Messaging on TCP/IP V1.0b, section 4.4.2.1). On a line 0 means all devices, and none answers.
"""
UNITS_TEXT: Final = "1 to 247, and on Modbus TCP 0 and 255, the device itself"
EXCEPTION: Final = 0x80
"""Bit of the function code that marks an exception."""

MAX_READ: Final = 125
"""Registers in one read request."""
MAX_WRITE: Final = 123
"""Registers in one write request."""

GATEWAY_CODES: Final[Mapping[int, str]] = {
    10: "the gateway has no path to it",
    11: "the gateway got no answer from it",
}
"""Exception codes by which a gateway reports that the unit behind it does not answer."""

EXCEPTION_CODES: Final[Mapping[int, str]] = {
    1: "function not supported",
    2: "no such address",
    3: "value not accepted",
    4: "device failure",
    5: "acknowledged, not finished",
    6: "device busy",
    8: "memory parity error",
}

BUSY_CODES: Final = frozenset({4, 5, 6, 8})
"""Exception codes that say nothing of the request: the device cannot answer it now."""


def can_be_unit(unit: int, *, is_rtu: bool) -> bool:
    """Whether a device can have this unit id."""
    return unit in UNITS or (unit in ITSELF and not is_rtu)
