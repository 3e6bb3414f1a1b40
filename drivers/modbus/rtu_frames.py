"""Modbus RTU frames as a listener on the line sees them: who asks, who answers. Pure functions.

    unit | function and data | CRC-16, low byte first

A frame has no mark at its beginning; it is recognised by a length that its function allows and a
sound checksum. Source: MODBUS over Serial Line Specification and Implementation Guide V1.02,
sections 2.5.1 and 6.2.2 (modbus.org).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from drivers.modbus.protocol import (
    EXCEPTION,
    MAX_READ,
    READ_HOLDING,
    READ_INPUT,
    WRITE_MORE,
    WRITE_ONE,
)
from drivers.modbus.request import Answer, Request

SHORTEST: Final = 4
"""Bytes of the shortest frame that can be."""
_READS: Final = (1, 2, READ_HOLDING, READ_INPUT)
_WRITES_ONE: Final = (5, WRITE_ONE)
_WRITES_MORE: Final = (15, WRITE_MORE)


def crc16(data: bytes | bytearray) -> bytes:
    """The checksum of an RTU frame, in the order of its bytes on the line."""
    crc = 0xFFFF
    for byte in data:
        crc = crc >> 8 ^ _CRC[(crc ^ byte) & 0xFF]
    return crc.to_bytes(2, "little")


def framed(unit: int, pdu: bytes) -> bytes:
    """The frame that carries function and data."""
    body = bytes((unit,)) + pdu
    return body + crc16(body)


def frame_of(request: Request) -> bytes:
    """The frame that carries a request."""
    return framed(request.unit, request.pdu)


@dataclass(frozen=True, slots=True)
class Heard:
    """The frames in what was heard, in their order, and how many bytes belong to none."""

    frames: tuple[bytes, ...]
    noise_bytes: int


def frames_in(data: bytes | bytearray, request: Request | None = None) -> Heard:
    """All frames in these bytes.

    The beginning of a frame may by chance be a sound shorter one, so what would be the echo of
    `request` or the answer to it is preferred.
    """
    frames: list[bytes] = []
    at = noise_bytes = 0
    own = b"" if request is None else frame_of(request)
    while at < len(data):
        if own and data[at : at + len(own)] == own:
            length = len(own)
        else:
            length = _answer_at(data, at, request) or _length_at(data, at)
        if length:
            frames.append(bytes(data[at : at + length]))
        else:
            noise_bytes += 1
        at += length or 1
    return Heard(tuple(frames), noise_bytes)


def answers(request: Request, frame: bytes) -> bool:
    """Whether a frame has the form of the answer to a request, or of a refusal."""
    if frame[0] != request.unit:
        return False
    if frame[1] == request.function | EXCEPTION:
        return True
    if request.is_read:
        return frame[:3] == _answer_head(request) and len(frame) == 5 + 2 * request.count
    return len(frame) == 8 and frame[:6] == frame_of(request)[:6]


def answers_otherwise(request: Request, frame: bytes) -> bool:
    """Whether a frame looks like the answer of the unit to the same function, but to another
    request of it: other registers, or another number of them.
    """
    is_answer = len(frame) == 8 if not request.is_read else len(frame) % 2 == 1
    return frame[:2] == bytes((request.unit, request.function)) and is_answer


def answer_of(frame: bytes) -> Answer:
    """The answer that a frame holds; see `answers` and `answers_otherwise`."""
    function = frame[1]
    if function & EXCEPTION:
        return Answer(function & ~EXCEPTION, code=frame[2])
    if function in _READS:
        words = struct.unpack_from(f">{(len(frame) - 5) // 2}H", frame, 3)
        return Answer(function, registers=words)
    address, count = struct.unpack_from(">HH", frame, 2)
    if function == WRITE_ONE:  # the value that it took stands there
        return Answer(function, registers=(count,), address=address, count=1)
    return Answer(function, address=address, count=count)


def request_of(frame: bytes) -> Request | None:
    """The request that a frame of another master holds; None if it is an answer, or may be one."""
    unit, function = frame[:2]
    asks = len(frame) == 8 if function in (READ_HOLDING, READ_INPUT) else len(frame) > 8
    if not asks or function not in (READ_HOLDING, READ_INPUT, WRITE_MORE):
        return None
    address, count = struct.unpack_from(">HH", frame, 2)
    if function != WRITE_MORE:
        return Request(unit, function, address, count) if 1 <= count <= MAX_READ else None
    words = struct.unpack_from(f">{(len(frame) - 9) // 2}H", frame, 7)
    return Request(unit, function, address, len(words), words)


def _answer_at(data: bytes | bytearray, at: int, request: Request | None) -> int:
    """Length of the answer to a read that begins at an index; 0 = none does."""
    if request is None or not request.is_read:
        return 0
    head, length = _answer_head(request), 5 + 2 * request.count
    return length if data[at : at + 3] == head and _is_sound(data, at, length) else 0


def _answer_head(request: Request) -> bytes:
    """How the answer to a read begins."""
    return bytes((request.unit, request.function, 2 * request.count))


def _length_at(data: bytes | bytearray, at: int) -> int:
    """Length of the frame that begins at an index; 0 = none does."""
    for length in _lengths(data[at : at + 7]):
        if _is_sound(data, at, length):
            return length
    return 0


def _is_sound(data: bytes | bytearray, at: int, length: int) -> bool:
    end = at + length
    return end <= len(data) and crc16(data[at : end - 2]) == data[end - 2 : end]


def _lengths(head: bytes | bytearray) -> Iterator[int]:
    """The lengths that a frame with this beginning may have."""
    if len(head) < SHORTEST:
        return
    function = head[1]
    if function & EXCEPTION:
        yield 5
    elif function in _READS:
        yield 8  # a request
        yield 5 + head[2]
    elif function in _WRITES_ONE:
        yield 8
    elif function in _WRITES_MORE:
        yield 8  # an answer
        if len(head) > 6:
            yield 9 + head[6]


def _crc_table() -> Iterator[int]:
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ (0xA001 if value & 1 else 0)
        yield value


_CRC: Final = tuple(_crc_table())
