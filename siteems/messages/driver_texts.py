"""The English text of what goes wrong in the drivers, which know codes and values only."""

from __future__ import annotations

from typing import Final

from drivers.trouble import Trouble
from siteems.messages.message import Message, MessageType

# -- the write gate sent nothing -------------------------------------------------------------------

NO_SUCH_POINT: Final = MessageType("no-such-point", "the device has no such point")
NOT_WRITABLE: Final = MessageType("not-writable", "this point cannot be written")
OTHER_STORAGE: Final = MessageType(
    "other-storage", "this point is {storage}, only {wanted} ones are written here"
)
OUTSIDE_LIMITS: Final = MessageType("outside-limits", "must be within {low:g}..{high:g} {unit}")
MEANS_NO_SETPOINT: Final = MessageType(
    "means-no-setpoint",
    "{value:g} means no setpoint to this device; the nearest one is {nearest:g} {unit}",
)
READ_ONLY: Final = MessageType("gate-read-only", "nothing is written: read-only run")
BUDGET_USED: Final = MessageType("budget-used", "the budget of {budget} writes a day is used up")
HELD_BY: Final = MessageType("held-by", "is held by {holder}, not by {owner}")
NO_LEASE: Final = MessageType("no-lease", "{model} has no lease to set to {lease_s:g} s")
LEASE_OUTSIDE: Final = MessageType(
    "lease-outside", "a lease of {lease_s:g} s is outside {low:g}..{high:g} s"
)
FIRST_NOT_TAKEN: Final = MessageType(
    "first-not-taken", "not written, because {first}, which comes first, was not taken"
)

# -- what a device made of a write, or of a question -----------------------------------------------

IDENTITY_NOT_READ: Final = MessageType(
    "identity-not-read", "it answers, but its identity could not be read: no answer, or busy"
)
NOT_COMPARED: Final = MessageType("not-compared", "could not be read, so it was not written")
NOT_READ_BACK: Final = MessageType("not-read-back", "written, but it could not be read back")
READS_AS_QUALITY: Final = MessageType("reads-as-quality", "reads back as {quality}")
READS_AS: Final = MessageType("reads-as", "reads back as {value:g}")

WRITE_TROUBLE: Final = MessageType("write-trouble", "{point}: {outcome}, {detail}")
"""What happened to one point, with one of the above or below as its detail."""

# -- errors of links and devices -------------------------------------------------------------------

LINK_DOWN: Final = MessageType("link-down", "{error}")
NO_ANSWER: Final = MessageType("no-answer", "{error}")
DEVICE_REFUSED: Final = MessageType("device-refused", "{error}")
BAD_REPLY: Final = MessageType("bad-reply", "{error}")
DRIVER_ERROR: Final = MessageType("driver-error", "{error}")

DRIVER_TEXTS: Final = tuple(each for each in globals().values() if isinstance(each, MessageType))
"""All of the above."""


def message_of(trouble: Trouble) -> Message:
    """The trouble of a driver as a message."""
    return Message(trouble.code, trouble.values)
