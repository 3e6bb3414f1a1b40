"""Our link with servers of other makers, and our simulator with a reader of another maker."""

import asyncio
import shutil
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from modbus_rig import LOOPBACK, Clock, Site, free_values
from pyModbusTCP.server import DataBank, ModbusServer

from drivers.errors import DeviceRefused
from drivers.modbus.link import ModbusLink

HAS_LIBMODBUS = Path("/usr/include/modbus/modbus.h").exists() and shutil.which("gcc") is not None

SERVER = r"""
/* Holding register i holds 3 i, input register i holds 5 i; serves one client after the other. */
#include <modbus/modbus.h>
#include <stdio.h>

int main(void) {
    uint8_t query[MODBUS_TCP_MAX_ADU_LENGTH];
    modbus_t *ctx = modbus_new_tcp("127.0.0.1", PORT);
    modbus_mapping_t *map = modbus_mapping_new(0, 0, 200, 200);
    for (int i = 0; i < 200; i++) {
        map->tab_registers[i] = 3 * i;
        map->tab_input_registers[i] = 5 * i;
    }
    int listening = modbus_tcp_listen(ctx, 1);
    puts(listening < 0 ? "busy" : "ready");
    fflush(stdout);
    while (listening >= 0 && modbus_tcp_accept(ctx, &listening) >= 0) {
        int length;
        while ((length = modbus_receive(ctx, query)) >= 0)
            if (length > 0) modbus_reply(ctx, query, length, map);
    }
    return 0;
}
"""


def free_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


@asynccontextmanager
async def py_modbus_tcp(folder: Path) -> AsyncIterator[str]:
    bank, port = DataBank(h_regs_size=200, i_regs_size=200), free_port()
    bank.set_holding_registers(0, [3 * i for i in range(200)])
    bank.set_input_registers(0, [5 * i for i in range(200)])
    server = ModbusServer(LOOPBACK, port, no_block=True, data_bank=bank)
    server.start()
    try:
        yield f"tcp://{LOOPBACK}:{port}"
    finally:
        server.stop()


@asynccontextmanager
async def libmodbus(folder: Path) -> AsyncIterator[str]:
    if not HAS_LIBMODBUS:
        pytest.skip("needs gcc and libmodbus-dev")
    port = free_port()
    (folder / "server.c").write_text(SERVER)
    command = [
        "gcc",
        f"-DPORT={port}",
        str(folder / "server.c"),
        "-lmodbus",
        "-o",
        str(folder / "server"),
    ]
    await asyncio.to_thread(subprocess.run, command, check=True)
    server = await asyncio.create_subprocess_exec(
        str(folder / "server"), stdout=asyncio.subprocess.PIPE
    )
    try:
        assert server.stdout is not None
        assert await asyncio.wait_for(server.stdout.readline(), 5) == b"ready\n"
        yield f"tcp://{LOOPBACK}:{port}"
    finally:
        server.kill()
        await server.wait()


@pytest.mark.parametrize("server", [py_modbus_tcp, libmodbus])
async def test_our_link_with_a_foreign_server(server, tmp_path: Path) -> None:
    async with server(tmp_path) as url:
        link = ModbusLink(url)
        try:
            assert await link.read(1, "holding", 7, 100) == tuple(3 * i for i in range(7, 107))
            assert await link.read(1, "input", 75, 125) == tuple(5 * i for i in range(75, 200))
            await link.write(1, 10, [4711])
            await link.write(1, 11, [1, 2, 3])
            assert await link.read(1, "holding", 10, 4) == (4711, 1, 2, 3)
            with pytest.raises(DeviceRefused) as caught:
                await link.read(1, "holding", 65000, 10)
            assert caught.value.code == 2
            assert await link.read(1, "holding", 0, 1) == (0,)
        finally:
            await link.close()


@pytest.mark.skipif(shutil.which("mbpoll") is None, reason="needs mbpoll")
async def test_mbpoll_reads_our_simulator() -> None:
    values = free_values("eastron-sdm630") | {"active_power_kw": 4.25, "mains_v": 229.5}
    site = Site("eastron-sdm630", values, Clock())
    await site.start()
    try:
        for name, scale in (("active_power_kw", 1000.0), ("mains_v", 1.0)):
            point = site.device_map.points[name]
            where = f"-r {point.address} -c 1 -p {site.port} {LOOPBACK}"
            command = f"mbpoll -1 -0 -q -m tcp -a 1 -t 3:float -B {where}"
            run = await asyncio.create_subprocess_exec(
                *command.split(), stdout=asyncio.subprocess.PIPE
            )
            text = (await asyncio.wait_for(run.communicate(), 10))[0].decode()
            assert run.returncode == 0, text
            shown = text.split(f"[{point.address}]:")[1].split()[0]
            assert float(shown) == pytest.approx(values[name] * scale)
    finally:
        await site.stop()
