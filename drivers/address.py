"""The URL of a link: its protocol, and a TCP host or a serial port with its settings."""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final, Literal
from urllib.parse import parse_qs, urlsplit

Protocol = Literal["tcp", "tls", "rtu+tcp", "rtu", "dlt645+tcp", "dlt645"]

FORMS: Final = {
    "tcp": "tcp://host:port",
    "tls": "tls://host:port",
    "rtu+tcp": "rtu+tcp://host:port",
    "rtu": "rtu:///dev/ttyS1?baud=9600&parity=N&stop=1",
    "dlt645+tcp": "dlt645+tcp://host:port",
    "dlt645": "dlt645:///dev/ttyS1?baud=2400&parity=E&stop=1",
}
"""Form of the URL of each protocol: Modbus TCP, Modbus TCP security, Modbus RTU behind a
transparent serial server and on a serial port, DL/T 645 likewise.
"""

SERIAL: Final = {"rtu": (9600, "N"), "dlt645": (2400, "E")}
"""Protocols on a serial port, with their usual baud rate and parity."""

HOST: Final = r"[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*\.?"
LONGEST_HOST: Final = 253
BAUD_RATES: Final = (300, 600, 1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200)


@dataclass(frozen=True, slots=True)
class Address:
    """The parts of a link's URL: `host` and `port` of a TCP link, the others of a serial one."""

    protocol: Protocol
    host: str = ""
    port: int = 0
    device: str = ""
    baud: int = 0
    parity: str = ""
    stop_bits: int = 1

    @property
    def is_serial(self) -> bool:
        """Whether the link is a serial port of this machine."""
        return bool(self.device)

    @property
    def is_rtu(self) -> bool:
        """Whether the link is an RTU line, serial or behind a serial server."""
        return self.protocol in ("rtu", "rtu+tcp")

    @property
    def is_dlt645(self) -> bool:
        """Whether the line has DL/T 645 meters, and not Modbus devices."""
        return self.protocol in ("dlt645", "dlt645+tcp")


def parse_address(url: str) -> Address:
    """The parts of a link's URL. Raises ValueError with a message that states what is allowed."""
    parts = urlsplit(url)
    protocol = parts.scheme
    if protocol not in FORMS:
        raise ValueError(f"link url {url!r} must look like {', '.join(FORMS.values())}")
    if protocol in SERIAL:
        return _serial(url, protocol, parts.netloc, parts.path, parts.query)
    try:
        port = parts.port or 0
    except ValueError:
        port = 0
    if (
        not _can_be_host(parts.hostname)
        or not port
        or parts.path
        or parts.query
        or "@" in parts.netloc
    ):
        raise ValueError(f"link url {url!r} must look like {FORMS[protocol]}, port 1 to 65535")
    return Address(protocol, host=parts.hostname or "", port=port)  # type: ignore[arg-type]  # a key of FORMS


def _can_be_host(name: str | None) -> bool:
    """Whether a text is an IP address, or may be the name of a host (RFC 1123)."""
    if not name:
        return False
    if ":" in name or re.fullmatch(r"[\d.]+", name):
        try:
            ip_address(name)
        except ValueError:
            return False
        return True
    return len(name) <= LONGEST_HOST and re.fullmatch(HOST, name, re.IGNORECASE) is not None


def _serial(url: str, protocol: str, host: str, device: str, query: str) -> Address:
    usual_baud, usual_parity = SERIAL[protocol]
    options = {name: values[-1] for name, values in parse_qs(query, keep_blank_values=True).items()}
    baud = options.pop("baud", str(usual_baud))
    parity = options.pop("parity", usual_parity)
    stop = options.pop("stop", "1")
    valid = (
        device.startswith("/")
        and not host
        and not options
        and baud.isdecimal()
        and int(baud) in BAUD_RATES
        and parity in ("N", "E", "O")
        and stop in ("1", "2")
    )
    if not valid:
        rates = ", ".join(map(str, BAUD_RATES))
        raise ValueError(
            f"link url {url!r} must look like {FORMS[protocol]}; "
            f"baud is one of {rates}, parity N, E or O, stop 1 or 2"
        )
    return Address(protocol, device=device, baud=int(baud), parity=parity, stop_bits=int(stop))  # type: ignore[arg-type]  # N, E or O
