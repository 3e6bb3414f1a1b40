"""Where simulated devices are served: who hears what, and what a path may cost nobody."""

import asyncio
import os
from pathlib import Path

import pytest

from drivers.simulated.endpoints import Hear, PtyEndpoint, Say, TcpEndpoint

HERE = "127.0.0.1"


def echo(say: Say) -> Hear:
    return say


@pytest.mark.parametrize(("shared", "heard"), [(True, b"hello"), (False, b"")])
async def test_who_hears_an_answer(shared: bool, heard: bytes) -> None:
    place = TcpEndpoint(HERE, 0, shared=shared)
    port = await place.open(echo)
    (asking, ask), (other, bystand) = [await asyncio.open_connection(HERE, port) for _ in range(2)]
    try:
        ask.write(b"hello")
        assert await asyncio.wait_for(asking.readexactly(5), 5) == b"hello"
        await asyncio.sleep(0.05)
        assert bytes(other._buffer) == heard  # type: ignore[attr-defined]
    finally:
        ask.close()
        bystand.close()
        await place.close()


async def test_a_port_stays_the_same_when_it_is_opened_again() -> None:
    place = TcpEndpoint(HERE, 0)
    port = await place.open(echo)
    await place.close()
    assert await place.open(echo) == port
    await place.close()


async def test_a_terminal_stands_at_its_path_while_it_is_open(tmp_path: Path) -> None:
    path = tmp_path / "ttyS1"
    path.symlink_to(tmp_path / "gone")  # what a simulator that was killed leaves
    place = PtyEndpoint(path)
    for _ in range(2):
        assert await place.open(echo) == 0
        port = os.open(path, os.O_RDWR | os.O_NOCTTY)
        os.write(port, b"hello")
        await asyncio.sleep(0.05)
        assert os.read(port, 99) == b"hello"
        os.close(port)
        await place.close()
        assert not path.is_symlink()
    await place.close()


async def test_what_is_at_the_path_is_never_replaced(tmp_path: Path) -> None:
    path = tmp_path / "ttyS1"
    first, second = PtyEndpoint(path), PtyEndpoint(path)
    await first.open(echo)
    with pytest.raises(OSError, match="is there already, and is not replaced"):
        await second.open(echo)
    await second.close()
    assert path.exists()
    await first.close()
    with pytest.raises(OSError, match="cannot put a serial port at"):
        await PtyEndpoint(tmp_path / "none" / "ttyS1").open(echo)


async def test_a_line_that_nobody_reads_does_not_hold_up_who_speaks(tmp_path: Path) -> None:
    spoken: list[Say] = []

    def meet(say: Say) -> Hear:
        spoken.append(say)
        return say

    place = PtyEndpoint(tmp_path / "ttyS1")
    await place.open(meet)
    for _ in range(100):
        spoken[0](bytes(1000))
    await place.close()
    spoken[0](b"too late")
