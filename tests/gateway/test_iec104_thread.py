"""The real daemon and the real simulator, commanded by a 104 master that is not ours."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

import pytest
from gateway_rig import RunningSite, free_port, simulated_site, wait_for

pytest.importorskip("hat.drivers", reason="needs hat-drivers")

from master104 import Master, c104, until

from siteems.demand_response.event_log import EventLog
from siteems.errors import UserError
from siteems.gateway.operator_threads import check_operators
from siteems.site.read_file import load_site

GRID, BATTERY, SOC, CAP_IN_FORCE, REDUCTION = 1001, 1002, 1003, 1010, 1011
CAP, RELEASE = 4001, 4102
SPEED = 20.0


def open_caps(running: RunningSite) -> list[float]:
    history = running.history()
    try:
        return [e.intervals[0].value for e in EventLog(history).open(running.clock.now())]
    finally:
        history.close()


def alarms(running: RunningSite) -> list[str]:
    history = running.history()
    found = history.alarms(running.scenario.start, running.clock.now())
    history.close()
    return [alarm.code for alarm in found]


def test_a_control_room_reads_commands_and_releases(tmp_path: Path) -> None:
    port = free_port()
    extra = f"\n[iec104]\nport = {port}\ncommand_min = 60\n"
    with simulated_site(tmp_path, speed=SPEED, begin_h=12.0, extra=extra) as running:
        daemon = running.start_daemon()
        running.clock.start()
        wait_for(lambda: daemon.events("iec104-connected") or _listens(port), "the station")
        asyncio.run(_command(running, port))
        assert "iec104-command-refused" in alarms(running)
        assert not daemon.events("cycle-failed")
        assert daemon.stop() == 0


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


async def _command(running: RunningSite, port: int) -> None:
    master = Master(port, measured=(GRID, BATTERY, SOC, CAP_IN_FORCE, REDUCTION))
    await master.start()

    async def read() -> dict[int, float | None]:
        await asyncio.to_thread(
            master.connection.interrogation, common_address=1, cause=c104.Cot.ACTIVATION
        )
        return {
            address: None if point.quality.is_any() else point.value
            for address, point in master.points.items()
        }

    values = await read()
    assert values[SOC] is not None
    assert 0.0 < values[SOC] <= 1.0
    assert values[CAP_IN_FORCE] is None, "no cap is in force"
    cap = master.setpoint(CAP)
    assert await master.send(cap, 1.5)
    await until(lambda: open_caps(running) == [1.5])
    async with asyncio.timeout(20.0):
        while (values := await read())[CAP_IN_FORCE] != 1.5 or (values[GRID] or 9.9) > 1.55:  # noqa: ASYNC110
            await asyncio.sleep(0.2)
    assert not await master.send(cap, 0.0), "below demand_response.lowest_limit_kw"
    release = master.remote.add_point(io_address=RELEASE, type=c104.Type.C_SC_NA_1)
    release.value = True
    assert await asyncio.to_thread(release.transmit, cause=c104.Cot.ACTIVATION)
    await until(lambda: open_caps(running) == [])
    await master.stop()


def test_a_port_that_is_taken_is_an_alarm(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        extra = f"\n[iec104]\nport = {taken.getsockname()[1]}\n"
        with simulated_site(tmp_path, speed=200.0, begin_h=12.0, extra=extra) as running:
            daemon = running.start_daemon()
            running.clock.start()
            wait_for(lambda: "iec104-not-listening" in alarms(running), "the alarm")
            assert daemon.stop() == 0


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        ('host = "0.0.0.0"', "peers: missing"),
        ('host = "here"', "'here' is no IP address"),
        ('peers = ["300.1.1.1"]', "is no IP address"),
        ("port = 0", "port = 0"),
        ('zone = "Mars/Olympus"', "is no time zone"),
        ("command_min = 0", "command_min = 0"),
        ('objects = "none.toml"', "no such file"),
    ],
)
def test_a_section_with_an_error(tmp_path: Path, lines: str, says: str) -> None:
    with pytest.raises(UserError, match=says):
        load_site(_site(tmp_path, lines))


def test_a_table_of_objects_of_ones_own(tmp_path: Path) -> None:
    file = _site(tmp_path, 'objects = "objects.toml"', table="measured = 7\n")
    with pytest.raises(UserError, match="measured"):
        check_operators(load_site(file))


def _site(folder: Path, lines: str, table: str = "") -> Path:
    from siteems.config.seeds import seed_path

    if table:
        (folder / "objects.toml").write_text(table, encoding="utf-8")
    seed = seed_path("hangzhou-macro")
    seed = seed / "site.toml" if seed.is_dir() else seed
    (folder / "day.csv").write_bytes((seed.parent / "day.csv").read_bytes())
    file = folder / "site.toml"
    file.write_text(f"{seed.read_text(encoding='utf-8')}\n[iec104]\n{lines}\n", encoding="utf-8")
    return file
