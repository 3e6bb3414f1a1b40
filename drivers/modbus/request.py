"""One Modbus request and its answer, whatever carries them."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from drivers.modbus.protocol import READ_HOLDING, READ_INPUT, WRITE_ONE


@dataclass(frozen=True, slots=True)
class Request:
    """A read of `count` registers from `address`, or a write of `words` there."""

    unit: int
    function: int
    address: int
    count: int
    words: tuple[int, ...] = ()

    @property
    def is_read(self) -> bool:
        """Whether it only reads."""
        return self.function in (READ_HOLDING, READ_INPUT)

    @property
    def pdu(self) -> bytes:
        """Function and data, as they are sent."""
        if self.is_read:
            return struct.pack(">BHH", self.function, self.address, self.count)
        if self.function == WRITE_ONE:
            return struct.pack(">BHH", self.function, self.address, self.words[0])
        head = struct.pack(">BHHB", self.function, self.address, self.count, 2 * self.count)
        return head + struct.pack(f">{self.count}H", *self.words)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a unit answered: `registers` to a read, `address` and `count` to a write, or an
    exception `code`. `function` is without the bit that marks an exception.
    """

    function: int
    code: int = 0
    registers: tuple[int, ...] = ()
    address: int = 0
    count: int = 0


class Disturbed(Exception):
    """The answer cannot be trusted: something else was heard along with it, or it may be that to
    another request.

    `answered` = whether an answer was heard that fits, so that no late one is to be expected.
    """

    def __init__(self, message: str, *, answered: bool) -> None:
        super().__init__(message)
        self.answered = answered
