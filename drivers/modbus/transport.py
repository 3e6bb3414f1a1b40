"""How a Modbus connection is opened, by the address of its link. Time-outs, retries and reconnects
are the link's.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pymodbus.client import AsyncModbusSerialClient, AsyncModbusTcpClient, AsyncModbusTlsClient
from pymodbus.framer import FramerType

from drivers.address import Address
from drivers.serialport import parity_of

Client = AsyncModbusTcpClient | AsyncModbusTlsClient | AsyncModbusSerialClient


@dataclass(frozen=True, slots=True)
class Credentials:
    """PEM files for TLS: who may have signed the other side's certificate, and our own certificate
    with its key.
    """

    ca: Path
    certificate: Path | None = None
    key: Path | None = None

    def context(self) -> ssl.SSLContext:
        """What a connection needs: the other side must be signed by `ca` and be called as in the
        link's URL.

        Raises OSError (ssl.SSLError is one) for a file that cannot be read or is no PEM file.
        """
        context = ssl.create_default_context(cafile=str(self.ca))
        if self.certificate is not None:
            context.load_cert_chain(
                str(self.certificate), None if self.key is None else str(self.key)
            )
        return context

    def server_context(self) -> ssl.SSLContext:
        """What a server needs: whoever connects must be signed by `ca`. Raises as `context`."""
        if self.certificate is None:
            raise OSError("a server needs a certificate and its key")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(str(self.certificate), None if self.key is None else str(self.key))
        context.load_verify_locations(cafile=str(self.ca))
        context.verify_mode = ssl.CERT_REQUIRED
        return context


def new_client(
    address: Address, tls: ssl.SSLContext | None, received: Callable[[], None]
) -> Client:
    """A client for one connection, not yet open. `received` is called for whatever arrives.

    One client for each connection: nothing of a broken one can reach the next. It waits without
    end: all time-outs are the link's, and a second timer for each request would cost a tenth of its
    time.
    """
    client = _client(address, tls, received)
    client.ctx.comm_params.timeout_connect = None  # type: ignore[assignment]  # as asyncio.wait_for understands it
    return client


def _client(address: Address, tls: ssl.SSLContext | None, received: Callable[[], None]) -> Client:

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
            raise ValueError("a tls link needs its ca, and mostly a certificate and key of its own")
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


def discard_input(client: Client) -> None:
    """Throw away what a serial port has received and nobody has read yet; a socket has no such
    thing.
    """
    port = getattr(client.ctx.transport, "sync_serial", None)
    if port is not None:
        port.reset_input_buffer()
