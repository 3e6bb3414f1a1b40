"""Where a link leads, written as a URL: protocol, and TCP host or serial port with its settings."""

from __future__ import annotations

from dataclasses import dataclass
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
"""Modbus TCP, Modbus TCP security, Modbus RTU behind a transparent serial server and on a serial
port; DL/T 645 too.
"""

SERIAL: Final = {"rtu": (9600, "N"), "dlt645": (2400, "E")}
"""Protocols on a serial port, with the usual speed and parity."""

BAUD_RATES: Final = (300, 600, 1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200)


@dataclass(frozen=True, slots=True)
class Address:
    """The parts of a link's URL; `host` and `port` of a TCP link, the others of a serial one."""

    protocol: Protocol
    host: str = ""
    port: int = 0
    device: str = ""
    baud: int = 0
    parity: str = ""
    stop_bits: int = 1

    @property
    def is_serial(self) -> bool:
        """Whether a serial port of this machine is meant."""
        return bool(self.device)

    @property
    def is_dlt645(self) -> bool:
        """Whether DL/T 645 meters are on the line, and not Modbus devices."""
        return self.protocol in ("dlt645", "dlt645+tcp")


def parse_address(url: str) -> Address:
    """The parts of a link's URL. Raises ValueError with a sentence that says what is allowed."""
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
    if not parts.hostname or not port or parts.path or parts.query or "@" in parts.netloc:
        raise ValueError(f"link url {url!r} must look like {FORMS[protocol]}, port 1 to 65535")
    return Address(protocol, host=parts.hostname, port=port)  # type: ignore[arg-type]  # a key of FORMS


def _serial(url: str, protocol: str, host: str, device: str, query: str) -> Address:
    baud, parity = SERIAL[protocol]
    words = {name: values[-1] for name, values in parse_qs(query, keep_blank_values=True).items()}
    speed, even, stop = (
        words.pop("baud", str(baud)),
        words.pop("parity", parity),
        words.pop("stop", "1"),
    )
    sound = (
        speed.isdecimal()
        and int(speed) in BAUD_RATES
        and even in ("N", "E", "O")
        and stop in ("1", "2")
    )
    if host or not device.startswith("/") or words or not sound:
        rates = ", ".join(map(str, BAUD_RATES))
        allowed = f"must look like {FORMS[protocol]}; baud is one of {rates}, parity N, E or O, stop 1 or 2"
        raise ValueError(f"link url {url!r} {allowed}")
    return Address(protocol, device=device, baud=int(speed), parity=even, stop_bits=int(stop))  # type: ignore[arg-type]  # N, E or O
