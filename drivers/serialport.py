"""What opening a serial port has of its own, whichever library opens it."""

from __future__ import annotations

import os
import termios
from pathlib import Path
from typing import Final

from drivers.address import Address

PORT_ERRORS: Final = (OSError, termios.error)
"""What opening a port raises; the error of the terminal's settings is none of the operating
system's.
"""

_PSEUDO: Final = range(136, 144)
"""Major device numbers of pseudo-terminals (Linux, Documentation/admin-guide/devices.txt)."""


def parity_of(address: Address) -> str:
    """The parity to open a port with: that of its URL, but a pseudo-terminal has none, and may
    refuse another.

    Its settings are refused when nothing else of them changes, so from the second time on that it
    is opened.
    """
    try:
        number = Path(address.device).stat().st_rdev
    except OSError:
        return address.parity  # opening it will say what is wrong
    return "N" if os.major(number) in _PSEUDO else address.parity
