"""Modbus frames as a server sees them, both framings: bytes to requests, and replies to bytes. Pure
functions.

TCP: transaction, 2 bytes | 0 0 | length, 2 bytes | unit | function and data
RTU: unit | function and data | CRC-16, low byte first

Sources: MODBUS Messaging on TCP/IP Implementation Guide V1.0b, section 3.1; MODBUS over Serial Line
Specification and Implementation Guide V1.02, section 2.5.1 (modbus.org).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

from drivers.modbus.rtu_frames import crc16

Framing = Literal["tcp", "rtu"]

HEAD: Final = 6
"""Bytes of a TCP frame before the unit."""
LONGEST: Final = 254
"""Most bytes of unit, function and data."""
_FIXED_LENGTHS: Final = {1: 8, 2: 8, 3: 8, 4: 8, 5: 8, 6: 8, 22: 10, 43: 7}
"""Length of the RTU requests of these functions, checksum included."""
_COUNT_AT: Final = {15: 6, 16: 6, 23: 10}
"""Index of the byte that counts the data bytes after it, in RTU requests of these functions."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request: unit, function and data, and on TCP the transaction number that its answer
    repeats.
    """

    unit: int
    function: int
    data: bytes
    transaction: int = 0


def take_requests(framing: Framing, received: bytearray) -> Iterator[Request]:
    """Take the complete requests out of `received`; the beginning of another one is left there."""
    return _take_tcp(received) if framing == "tcp" else _take_rtu(received)


def reply_frame(framing: Framing, request: Request, reply: bytes) -> bytes:
    """The bytes of a reply, which is function and data."""
    body = bytes((request.unit,)) + reply
    if framing == "tcp":
        return (
            request.transaction.to_bytes(2, "big") + b"\0\0" + len(body).to_bytes(2, "big") + body
        )
    return body + crc16(body)


def _take_tcp(received: bytearray) -> Iterator[Request]:
    while len(received) >= HEAD:
        length = int.from_bytes(received[4:HEAD], "big")
        if received[2:4] != b"\0\0" or not 2 <= length <= LONGEST:
            received.clear()  # not Modbus, and nothing marks where the next frame would begin
            return
        if len(received) < HEAD + length:
            return
        transaction = int.from_bytes(received[:2], "big")
        body = bytes(received[HEAD : HEAD + length])
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
    """Length of the request that begins here: 0 = none does, None = not yet known."""
    function = received[1]
    if function in _FIXED_LENGTHS:
        return _FIXED_LENGTHS[function]
    if function not in _COUNT_AT:
        return 0
    index = _COUNT_AT[function]
    if len(received) <= index:
        return None
    return index + 1 + received[index] + 2
