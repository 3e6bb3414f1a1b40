"""What all libraries that open a serial port have in common: errors, and parity of
pseudo-terminals.
"""

from __future__ import annotations

import os
import termios
from pathlib import Path
from typing import Final

from drivers.address import Address

PORT_ERRORS: Final = (OSError, termios.error)
"""What opening a port raises. `termios.error`, of the settings of a terminal, is not an OSError."""

_PSEUDO: Final = range(136, 144)
"""Major device numbers of pseudo-terminals (Linux, Documentation/admin-guide/devices.txt)."""


def parity_of(address: Address) -> str:
    """The parity to open a port with: that of its URL, but none for a pseudo-terminal.

    A pseudo-terminal has no parity. Linux refuses to set one when nothing else changes with it,
    which is so from the second opening on.
    """
    try:
        number = Path(address.device).stat().st_rdev
    except OSError:
        return address.parity  # opening it will report what is wrong
    return "N" if os.major(number) in _PSEUDO else address.parity
