"""A Modbus TCP connection, plain or with TLS, by the library pymodbus.

Retries and reconnects are left to the link.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from pymodbus.client import AsyncModbusTcpClient, AsyncModbusTlsClient
from pymodbus.exceptions import ModbusException
from pymodbus.framer import FramerType
from pymodbus.pdu import ModbusPDU

from drivers.address import Address
from drivers.modbus.protocol import READ_HOLDING, READ_INPUT, WRITE_ONE
from drivers.modbus.request import Answer, Disturbed, Request

# pymodbus dumps packets at ERROR; what matters arrives as an exception.
logging.getLogger("pymodbus").setLevel(logging.CRITICAL)

ID_END, LENGTH_AT, UNIT_AT, BYTES_AT = 2, 4, 6, 8
"""In a frame of Modbus TCP: the end of the transaction id, the length of what follows it, the unit
id, and the number of data bytes of an answer to a read.
"""


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


class TcpConnection:
    """One connection. Each gets a client of its own, so that nothing of a broken one can reach the
    next. `received` is called with each piece of data that arrives.
    """

    def __init__(
        self, address: Address, tls: ssl.SSLContext | None, received: Callable[[], None]
    ) -> None:
        self._asked = 0
        self._sent_id = b""
        """Transaction id of the last request."""
        self._frame: bytes | None = None
        """The first frame with this id that has come since."""
        self.answered_as: int | None = None
        """The unit id of an answer to the last request, if it was another one than asked for. Such
        an answer is not used.
        """

        def trace(sending: bool, data: bytes) -> bytes:
            if sending:
                self._sent_id, self._frame = data[:ID_END], None
            else:
                received()
                if self._frame is None:
                    self._frame = _frame_with(self._sent_id, data)
                if len(data) > UNIT_AT and data[UNIT_AT] != self._asked:
                    self.answered_as = data[UNIT_AT]
            return data

        self._client: AsyncModbusTcpClient | AsyncModbusTlsClient
        if address.protocol == "tls":
            if tls is None:
                raise ValueError("a tls link needs credentials")
            self._client = AsyncModbusTlsClient(
                address.host,
                port=address.port,
                sslctx=tls,
                retries=0,
                reconnect_delay=0,
                trace_packet=trace,
            )
        else:
            self._client = AsyncModbusTcpClient(
                address.host,
                port=address.port,
                framer=FramerType.SOCKET,
                retries=0,
                reconnect_delay=0,
                trace_packet=trace,
            )
        # The link has a time-out, and a second timer would make each request a tenth slower.
        self._client.ctx.comm_params.timeout_connect = None  # type: ignore[assignment]  # for ever

    async def open(self) -> bool:
        """Connect; whether it succeeded. May raise OSError."""
        return await self._client.connect()

    @property
    def connected(self) -> bool:
        """Whether nothing has shown yet that the connection is gone."""
        return self._client.connected

    def close(self) -> None:
        """Close the connection."""
        self._client.close()

    async def ask(self, request: Request, reply_s: float) -> Answer:
        """The answer to a request. Raises TimeoutError after `reply_s` seconds, and ConnectionError
        when the connection is gone.
        """
        self._asked, self.answered_as = request.unit, None
        try:
            async with asyncio.timeout(reply_s):
                answer = _answer(await self._sent(request))
        except ModbusException as exc:
            raise ConnectionError(str(exc)) from exc
        self._check_frame(request, answer)
        return answer

    def _check_frame(self, request: Request, answer: Answer) -> None:
        """Raises `Disturbed` for an answer that the library takes although it may be another's:
        without the transaction id of the request, or with another number of bytes than it states.
        """
        frame = self._frame
        if frame is None:
            raise Disturbed("answered with another transaction id", answered=True)
        if request.is_read and not answer.code:
            stated, has = frame[BYTES_AT], len(frame) - BYTES_AT - 1
            if stated != has or stated % 2:
                raise Disturbed(f"answered {has} bytes and stated {stated}", answered=True)

    def _sent(self, request: Request) -> Awaitable[ModbusPDU]:
        client, unit, address = self._client, request.unit, request.address
        if request.function == READ_INPUT:
            return client.read_input_registers(address, count=request.count, device_id=unit)
        if request.function == READ_HOLDING:
            return client.read_holding_registers(address, count=request.count, device_id=unit)
        if request.function == WRITE_ONE:
            return client.write_register(address, request.words[0], device_id=unit)
        return client.write_registers(address, list(request.words), device_id=unit)


def _frame_with(sent_id: bytes, data: bytes) -> bytes | None:
    """The first whole frame with a transaction id."""
    at = 0
    while len(data) - at >= BYTES_AT:
        end = at + UNIT_AT + int.from_bytes(data[at + LENGTH_AT : at + UNIT_AT], "big")
        if data[at : at + ID_END] == sent_id and end <= len(data):
            return data[at:end]
        at = max(end, at + UNIT_AT)
    return None


def _answer(reply: ModbusPDU) -> Answer:
    if reply.isError():
        return Answer(reply.function_code & 0x7F, code=reply.exception_code)
    return Answer(
        reply.function_code,
        registers=tuple(reply.registers),
        address=reply.address,
        count=reply.count,
    )
