"""A connection that cannot be opened says why."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from drivers.errors import LinkDown
from drivers.modbus.link import ModbusLink

pytestmark = pytest.mark.timeout(30)


async def message(url: str) -> str:
    link = ModbusLink(url, timeout_s=2.0)
    with pytest.raises(LinkDown) as caught:
        await link.read(1, "holding", 0, 1)
    await link.close()
    return str(caught.value)


@pytest.mark.parametrize("protocol", ["tcp", "rtu+tcp"])
async def test_a_refused_connection(protocol: str) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    found = await message(f"{protocol}://127.0.0.1:{port}")
    assert f"cannot connect: refused; nothing listens at port {port}" in found


async def test_an_unknown_host(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    assert "cannot connect: the host cabinet.invalid is unknown" in await message(
        "tcp://cabinet.invalid:502"
    )


async def test_a_serial_port_that_does_not_exist(tmp_path: Path) -> None:
    assert f"there is no port {tmp_path}/ttyS9" in await message(f"rtu://{tmp_path}/ttyS9")


async def test_a_serial_port_that_cannot_be_opened(tmp_path: Path) -> None:
    (tmp_path / "ttyS9").write_text("not a port", encoding="utf-8")
    assert "it may be in use, or not permitted" in await message(f"rtu://{tmp_path}/ttyS9")
