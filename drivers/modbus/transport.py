"""How a Modbus connection is opened: TCP, TLS, RTU over TCP or a serial port, by the link's
address.

Time-outs, retries and reconnects are left to the link.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pymodbus.client import AsyncModbusSerialClient, AsyncModbusTcpClient, AsyncModbusTlsClient
from pymodbus.framer import FramerType

from drivers.address import Address
from drivers.serialport import parity_of

WRITE_ONE: Final = b"\x06"
"""Function code of a write of one register."""
Client = AsyncModbusTcpClient | AsyncModbusTlsClient | AsyncModbusSerialClient


@dataclass(frozen=True, slots=True)
class Credentials:
    """PEM files for TLS: the CA that signs the other side's certificate, and our own certificate
    with its key.
    """

    ca: Path
    certificate: Path | None = None
    key: Path | None = None

    def context(self) -> ssl.SSLContext:
        """The context of a client: the other side's certificate must be signed by `ca` and name the
        host of the link's URL.

        Raises OSError (ssl.SSLError is one) for a file that cannot be read or is not a PEM file.
        """
        context = ssl.create_default_context(cafile=str(self.ca))
        if self.certificate is not None:
            context.load_cert_chain(
                str(self.certificate), None if self.key is None else str(self.key)
            )
        return context

    def server_context(self) -> ssl.SSLContext:
        """The context of a server: clients must be signed by `ca`. Raises as `context`."""
        if self.certificate is None:
            raise OSError("a server needs a certificate and its key")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(str(self.certificate), None if self.key is None else str(self.key))
        context.load_verify_locations(cafile=str(self.ca))
        context.verify_mode = ssl.CERT_REQUIRED
        return context


def new_client(
    address: Address,
    tls: ssl.SSLContext | None,
    received: Callable[[], None],
    echoed: Callable[[], None],
) -> Client:
    """A client for one connection, not yet open. `received` is called whenever bytes arrive,
    `echoed` when they begin with the request itself.

    Each connection gets a client of its own, so that nothing of a broken one can reach the next.
    The client has no time-out: the link has one, and a second timer would make each request a tenth
    slower.
    """
    client = _client(address, tls, received)
    if address.protocol in ("rtu", "rtu+tcp"):
        _listen_for_echo(client, echoed)
    client.ctx.comm_params.timeout_connect = None  # type: ignore[assignment]  # None = wait for ever
    return client


def _client(
    address: Address,
    tls: ssl.SSLContext | None,
    received: Callable[[], None],
) -> Client:
    def trace(sending: bool, data: bytes) -> bytes:
        if not sending:
            received()
        return data

    if address.protocol == "rtu":
        return AsyncModbusSerialClient(
            address.device,
            baudrate=address.baud,
            parity=parity_of(address),
            stopbits=address.stop_bits,
            retries=0,
            reconnect_delay=0,
            trace_packet=trace,
        )
    if address.protocol == "tls":
        if tls is None:
            raise ValueError("a tls link needs credentials")
        return AsyncModbusTlsClient(
            address.host,
            port=address.port,
            sslctx=tls,
            retries=0,
            reconnect_delay=0,
            trace_packet=trace,
        )
    return AsyncModbusTcpClient(
        address.host,
        port=address.port,
        framer=FramerType.RTU if address.protocol == "rtu+tcp" else FramerType.SOCKET,
        retries=0,
        reconnect_delay=0,
        trace_packet=trace,
    )


def _listen_for_echo(client: Client, echoed: Callable[[], None]) -> None:
    """Call `echoed` when what arrives after a request begins with the request itself.

    The bytes are compared as they arrive, because the client discards those that are no frame. The
    confirmation of a single write is the same as its request, and shows no echo.
    """
    trace, take = client.ctx.trace_packet, client.ctx.datagram_received
    sent, heard = b"", b""

    def tracing(sending: bool, data: bytes) -> bytes:
        nonlocal sent, heard
        if sending:
            sent, heard = data, b""
        return trace(sending, data)

    def hearing(data: bytes, addr: tuple[str, int] | None) -> None:
        nonlocal heard
        if len(heard) < len(sent) and sent[1:2] != WRITE_ONE:
            heard += data
            if heard.startswith(sent):
                echoed()
        take(data, addr)

    client.ctx.trace_packet = tracing
    # pymodbus offers no other way to see all bytes before it searches them for a frame.
    client.ctx.datagram_received = hearing  # type: ignore[method-assign]


def drop_echo(client: Client, echoes: bool) -> None:
    """Whether the client drops what begins with its own request, from the next request on."""
    client.ctx.comm_params.handle_local_echo = echoes
    client.ctx.sent_buffer = b""


def discard_input(client: Client) -> None:
    """Discard what a serial port has received and was not read yet. A socket has no such buffer."""
    port = getattr(client.ctx.transport, "sync_serial", None)
    if port is not None:
        port.reset_input_buffer()
