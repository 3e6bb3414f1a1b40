"""The one exception tree of the drivers: whatever goes wrong below ends as one of these, with one
clear sentence.
"""

from __future__ import annotations


class DriverError(Exception):
    """Base of everything that the drivers raise."""


class LinkError(DriverError):
    """The way to the device failed; it says nothing about the device.

    `sent` is True when the request may have reached the device all the same.
    """

    def __init__(self, message: str, *, sent: bool = False) -> None:
        super().__init__(message)
        self.sent = sent


class LinkDown(LinkError):
    """No connection, or the connection broke."""


class LinkTimeout(LinkError):
    """The unit did not answer in time, or is left alone for a while because it did not."""


class DeviceError(DriverError):
    """The device answered, but not with what was asked for."""


class DeviceRefused(DeviceError):
    """The device answered with a Modbus exception code."""

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.code = code


class BadReply(DeviceError):
    """A reply that does not fit the request: wrong length, function or address."""


class MapError(DriverError):
    """A device map is wrong or unknown; the message names file, key, value and what is allowed."""


class WriteRefused(DriverError):
    """The write gate did not let a value through; nothing was sent."""
