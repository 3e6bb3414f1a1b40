"""The endpoints of simulated devices: TCP ports, shared lines, and terminals at a path."""

import asyncio
import os
from pathlib import Path

import pytest

from drivers.simulated.endpoints import PtyEndpoint, Receive, Send, TcpEndpoint

HERE = "127.0.0.1"


def echo(send: Send) -> Receive:
    return send


@pytest.mark.parametrize(("shared", "received"), [(True, b"hello"), (False, b"")])
async def test_who_receives_an_answer(shared: bool, received: bytes) -> None:
    endpoint = TcpEndpoint(HERE, 0, shared=shared)
    port = await endpoint.open(echo)
    (asking, ask), (other, bystander) = [
        await asyncio.open_connection(HERE, port) for _ in range(2)
    ]
    try:
        ask.write(b"hello")
        assert await asyncio.wait_for(asking.readexactly(5), 5) == b"hello"
        await asyncio.sleep(0.05)
        assert bytes(other._buffer) == received  # type: ignore[attr-defined]
    finally:
        ask.close()
        bystander.close()
        await endpoint.close()


async def test_a_port_stays_the_same_when_it_is_opened_again() -> None:
    endpoint = TcpEndpoint(HERE, 0)
    port = await endpoint.open(echo)
    await endpoint.close()
    assert await endpoint.open(echo) == port
    await endpoint.close()


async def test_a_terminal_is_at_its_path_while_it_is_open(tmp_path: Path) -> None:
    path = tmp_path / "ttyS1"
    path.symlink_to(tmp_path / "gone")  # what a simulator that was killed leaves
    endpoint = PtyEndpoint(path)
    for _ in range(2):
        assert await endpoint.open(echo) == 0
        port = os.open(path, os.O_RDWR | os.O_NOCTTY)
        os.write(port, b"hello")
        await asyncio.sleep(0.05)
        assert os.read(port, 99) == b"hello"
        os.close(port)
        await endpoint.close()
        assert not path.is_symlink()
    await endpoint.close()


async def test_what_exists_at_the_path_is_never_replaced(tmp_path: Path) -> None:
    path = tmp_path / "ttyS1"
    first, second = PtyEndpoint(path), PtyEndpoint(path)
    await first.open(echo)
    with pytest.raises(OSError, match="exists already, and is not replaced"):
        await second.open(echo)
    await second.close()
    assert path.exists()
    await first.close()
    with pytest.raises(OSError, match="cannot put a serial port at"):
        await PtyEndpoint(tmp_path / "none" / "ttyS1").open(echo)


async def test_a_line_without_a_reader_does_not_block_the_sender(tmp_path: Path) -> None:
    senders: list[Send] = []

    def accept(send: Send) -> Receive:
        senders.append(send)
        return send

    endpoint = PtyEndpoint(tmp_path / "ttyS1")
    await endpoint.open(accept)
    for _ in range(100):
        senders[0](bytes(1000))
    await endpoint.close()
    senders[0](b"too late")
