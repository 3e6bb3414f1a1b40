"""Modbus frames as a server sees them: requests out of bytes, and replies to bytes. Pure functions,
both framings.

TCP: transaction, 2 bytes | 0 0 | length, 2 bytes | unit | function and data
RTU: unit | function and data | CRC-16, low byte first
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

Framing = Literal["tcp", "rtu"]

HEAD: Final = 6
LONGEST: Final = 254
"""Bytes of unit, function and data."""
_FIXED: Final = {1: 8, 2: 8, 3: 8, 4: 8, 5: 8, 6: 8, 22: 10, 43: 7}
"""RTU requests of these functions have this length, checksum included."""
_COUNTED: Final = {15: 6, 16: 6, 23: 10}
"""Those of these say at this place how many bytes follow."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request: the unit that is asked, function and data, and on TCP the number that its answer
    bears.
    """

    unit: int
    function: int
    data: bytes
    transaction: int = 0


def take_requests(framing: Framing, received: bytearray) -> Iterator[Request]:
    """The whole requests at hand, removed from `received`; what may become one is left there."""
    return _take_tcp(received) if framing == "tcp" else _take_rtu(received)


def reply_frame(framing: Framing, request: Request, reply: bytes) -> bytes:
    """The bytes of a reply, which is function and data."""
    body = bytes((request.unit,)) + reply
    if framing == "tcp":
        return (
            request.transaction.to_bytes(2, "big") + b"\0\0" + len(body).to_bytes(2, "big") + body
        )
    return body + crc16(body)


def crc16(data: bytes | bytearray) -> bytes:
    """The checksum of an RTU frame, as it is sent."""
    crc = 0xFFFF
    for byte in data:
        crc = crc >> 8 ^ _CRC[(crc ^ byte) & 0xFF]
    return crc.to_bytes(2, "little")


def _take_tcp(received: bytearray) -> Iterator[Request]:
    while len(received) >= HEAD:
        length = int.from_bytes(received[4:HEAD], "big")
        if received[2:4] != b"\0\0" or not 2 <= length <= LONGEST:
            received.clear()  # no Modbus, and a stream has no place where it begins again
            return
        if len(received) < HEAD + length:
            return
        transaction, body = (
            int.from_bytes(received[:2], "big"),
            bytes(received[HEAD : HEAD + length]),
        )
        del received[: HEAD + length]
        yield Request(body[0], body[1], body[2:], transaction)


def _take_rtu(received: bytearray) -> Iterator[Request]:
    while len(received) >= 2:
        length = _rtu_length(received)
        if length is None or len(received) < length:
            return
        if length == 0 or crc16(received[: length - 2]) != received[length - 2 : length]:
            del received[0]
            continue
        frame = bytes(received[: length - 2])
        del received[:length]
        yield Request(frame[0], frame[1], frame[2:])


def _rtu_length(received: bytearray) -> int | None:
    """How long the request is that begins here: 0 = none does, None = it cannot be told yet."""
    function = received[1]
    if function in _FIXED:
        return _FIXED[function]
    if function not in _COUNTED:
        return 0
    place = _COUNTED[function]
    return place + 1 + received[place] + 2 if len(received) > place else None


def _crc_table() -> Iterator[int]:
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ (0xA001 if value & 1 else 0)
        yield value


_CRC: Final = tuple(_crc_table())
