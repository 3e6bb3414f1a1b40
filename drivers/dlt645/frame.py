"""DL/T 645-2007 frames to bytes and back. Pure functions; an invalid frame is never returned.

    FE FE FE FE | 68 | address, 6 bytes BCD | 68 | control | length | data | checksum | 16

Each data byte is sent plus 33H, and numbers with their lowest byte first. The checksum is the sum,
modulo 256, of all bytes from the first 68 to the end of the data.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

WAKE_UP: Final = b"\xfe" * 4
"""Sent before each frame to wake up the receivers of the line."""
START: Final = 0x68
END: Final = 0x16
OFFSET: Final = 0x33
"""Added to each data byte on the line."""
HEAD: Final = 10
"""Number of bytes before the data."""

READ: Final = 0x11
READ_MORE: Final = 0x12
READ_ADDRESS: Final = 0x13
"""Control codes of requests: data, follow-up data, address of the meter."""
REPLY: Final = 0x80
REFUSED: Final = 0x40
MORE: Final = 0x20
"""Flags in the control code of a reply."""

ANYONE: Final = "AAAAAAAAAAAA"
"""Wildcard address to which every meter answers; use it only with one meter on the line."""

ADDRESS_FORM: Final = re.compile(r"\d{12}|A{12}")


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame: the meter's address as printed on it (12 digits), the control code, and the data
    without the offset of the line.
    """

    address: str
    control: int
    data: bytes


def encode_frame(frame: Frame) -> bytes:
    """The bytes of a frame, with the wake-up bytes before it. Raises ValueError for a bad address
    or too much data.
    """
    if not ADDRESS_FORM.fullmatch(frame.address):
        raise ValueError(f"a meter's address has 12 digits, not {frame.address!r}")
    if len(frame.data) > 200:
        raise ValueError(f"a frame carries at most 200 bytes, not {len(frame.data)}")
    data = bytes((byte + OFFSET) & 0xFF for byte in frame.data)
    address = bytes.fromhex(frame.address)[::-1]
    body = bytes((START, *address, START, frame.control, len(data))) + data
    return WAKE_UP + body + bytes((sum(body) & 0xFF, END))


def take_frames(received: bytearray) -> Iterator[Frame]:
    """Take the valid frames out of `received`, with the noise before them. The beginning of a frame
    that may still be completed is left there.
    """
    while True:
        start = received.find(START)
        if start < 0:
            received.clear()
            return
        del received[:start]
        if len(received) < HEAD:
            return
        end = HEAD + received[9] + 2
        if received[7] != START:
            del received[0]
        elif len(received) < end:
            return
        elif received[end - 1] != END or received[end - 2] != sum(received[: end - 2]) & 0xFF:
            del received[0]
        else:
            yield Frame(
                address=bytes(received[1:7])[::-1].hex().upper(),
                control=received[8],
                data=bytes((byte - OFFSET) & 0xFF for byte in received[HEAD : end - 2]),
            )
            del received[:end]
