"""The exceptions of the drivers: every failure below is raised as one of these, with one clear
sentence.
"""

from __future__ import annotations

from typing import ClassVar

from drivers.trouble import Trouble


class DriverError(Exception):
    """Base of everything that the drivers raise."""

    kind: ClassVar[str] = "driver-error"
    """What kind of failure it is, for programs."""

    @property
    def trouble(self) -> Trouble:
        """The failure as a code with values."""
        return Trouble(self.kind, {"error": str(self)})


class LinkError(DriverError):
    """The link to the device failed; nothing is known of the device.

    `sent` is True when the request may have reached the device nevertheless.
    """

    def __init__(self, message: str, *, sent: bool = False) -> None:
        super().__init__(message)
        self.sent = sent


class LinkDown(LinkError):
    """No connection, or the connection broke."""

    kind = "link-down"


class LinkTimeout(LinkError):
    """The unit did not answer in time, or is not asked again yet because it did not before.

    `answered_as` is the unit id with which the device answered in place of the one asked for.
    """

    def __init__(self, message: str, *, sent: bool = False, answered_as: int | None = None) -> None:
        super().__init__(message, sent=sent)
        self.answered_as = answered_as

    kind = "no-answer"


class DeviceError(DriverError):
    """The device answered, but not with the data or confirmation that was asked for."""


class DeviceRefused(DeviceError):
    """The device refused, with a Modbus exception code or a DL/T 645 error byte."""

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.code = code

    @property
    def trouble(self) -> Trouble:
        """The failure with the device's own code."""
        return Trouble("device-refused", {"error": str(self), "exception": self.code})


class BadReply(DeviceError):
    """A reply that does not fit the request: wrong length, function or address."""

    kind = "bad-reply"


class MapError(DriverError):
    """A device map is wrong or unknown; the message names file, key, value and what is allowed."""


class WriteRefused(DriverError):
    """The write gate did not allow a value; nothing was sent."""

    def __init__(self, message: str, why: Trouble) -> None:
        super().__init__(f"{message}: {why}")
        self._why = why

    @property
    def trouble(self) -> Trouble:
        """Why it was not allowed."""
        return self._why
