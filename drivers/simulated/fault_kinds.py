"""The kinds of faults that simulated devices can be given, as data; docs/faults.md lists them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

FaultKind = Literal[
    "silent",
    "silent-block",
    "refused-block",
    "slow",
    "exception",
    "short-reply",
    "wrong-checksum",
    "garbled",
    "echo",
    "repeated-answer",
    "another-master",
    "hang-up",
    "restart",
    "reversion",
    "new-firmware",
    "stuck",
    "not-available",
    "jump",
    "sign-flip",
    "word-swap",
    "refused-write",
    "clamped-write",
    "coarse-write",
    "late-write",
    "ignored-write",
    "no-effect",
    "reversed-write",
]


@dataclass(frozen=True)
class FaultType:
    """What a kind of fault does, and what it needs to be stated."""

    meaning: str
    of_point: bool = False
    """Whether it is a fault of one point."""
    value: str = ""
    """What its `value` is; empty for a kind that has none."""
    once: bool = False
    """Whether it happens once, rather than lasting until it is cleared."""
    of_link: bool = False
    """Whether it is a fault of the whole link."""
    on_a_line: bool = False
    """Whether only a line has it, serial or behind a serial server, and Modbus TCP does not."""
    modbus_only: bool = False
    """Whether a DL/T 645 meter cannot have it: it is only read, and has no 16-bit words."""


FAULT_TYPES: Final[Mapping[FaultKind, FaultType]] = {
    "silent": FaultType("the unit does not answer"),
    "silent-block": FaultType(
        "requests for the registers of the point are not answered", of_point=True, modbus_only=True
    ),
    "refused-block": FaultType(
        "requests for the registers of the point are refused with an error code",
        of_point=True,
        value="code, 1 to 255",
        modbus_only=True,
    ),
    "slow": FaultType(
        "every answer is delayed; beyond the time-out it is a late reply", value="seconds"
    ),
    "exception": FaultType("every request is refused with an error code", value="code, 1 to 255"),
    "short-reply": FaultType("a read is answered with one register too few, by a meter one byte"),
    "wrong-checksum": FaultType(
        "every answer has a wrong checksum; Modbus TCP has none", on_a_line=True
    ),
    "garbled": FaultType("every answer arrives as noise"),
    "echo": FaultType("the line repeats each request to its sender", of_link=True, on_a_line=True),
    "repeated-answer": FaultType(
        "every answer comes a second time", value="seconds after the first", on_a_line=True
    ),
    "another-master": FaultType(
        "another master on the line asks the unit for other registers",
        value="seconds between its requests",
        on_a_line=True,
        modbus_only=True,
    ),
    "hang-up": FaultType(
        "all connections of the link are closed; a serial port is unplugged and plugged in again",
        of_link=True,
        once=True,
    ),
    "restart": FaultType(
        "the unit restarts: a driven one returns to its own safe values, a meter is silent for 2 s",
        once=True,
    ),
    "reversion": FaultType(
        "the reversion timer of the unit expires although the lease was refreshed in time",
        once=True,
        modbus_only=True,
    ),
    "new-firmware": FaultType(
        "the nameplate of the unit reads as another version", value="number", modbus_only=True
    ),
    "stuck": FaultType("the point keeps the value that it has now", of_point=True),
    "not-available": FaultType("the point reads as its not-available marker", of_point=True),
    "jump": FaultType("the point reads as another value", of_point=True, value="the point's unit"),
    "sign-flip": FaultType("the point reads with the opposite sign", of_point=True),
    "word-swap": FaultType(
        "the point, of two registers, reads with its words exchanged",
        of_point=True,
        modbus_only=True,
    ),
    "refused-write": FaultType("writes of the point are refused", of_point=True, modbus_only=True),
    "clamped-write": FaultType(
        "writes of the point above a limit are taken as the limit",
        of_point=True,
        value="the point's unit",
        modbus_only=True,
    ),
    "coarse-write": FaultType(
        "writes of the point are taken rounded down to whole steps",
        of_point=True,
        value="the point's unit",
        modbus_only=True,
    ),
    "late-write": FaultType(
        "writes of the point are taken, but it reads back as before for a while",
        of_point=True,
        value="seconds",
        modbus_only=True,
    ),
    "ignored-write": FaultType(
        "writes of the point are confirmed and discarded", of_point=True, modbus_only=True
    ),
    "no-effect": FaultType(
        "writes of the point are confirmed and read back as written, but nothing follows",
        of_point=True,
        modbus_only=True,
    ),
    "reversed-write": FaultType(
        "writes of the point read back as written, but act with the opposite sign or direction",
        of_point=True,
        modbus_only=True,
    ),
}


def cannot_happen(kind: FaultKind, *, on_a_line: bool, to_a_meter: bool) -> str | None:
    """Why a kind of fault is impossible there; None where it is possible.

    `on_a_line` is True for RTU and DL/T 645 frames, on a serial port or behind a serial server;
    `to_a_meter` for a DL/T 645 meter.
    """
    if to_a_meter and FAULT_TYPES[kind].modbus_only:
        return "a DL/T 645 meter is read only, and has no words"
    if FAULT_TYPES[kind].on_a_line and not on_a_line:
        if kind == "wrong-checksum":
            return "frames of Modbus TCP have no checksum"
        return "Modbus TCP has no line on which others are heard"
    return None
