"""`siteems devices`: listed, shown, and a device read once over real Modbus."""

import asyncio
import json
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import resources
from pathlib import Path

import pytest

from drivers.catalogue import known_maps, load_map
from drivers.simulated.modbus import RegisterServer, SimulatedUnit
from siteems.commissioning.device_models import all_models, model_facts, model_text
from siteems.errors import UserError


class Values:
    def __init__(self, values: Mapping[str, float | None]) -> None:
        self.values = values

    def read_points(self) -> Mapping[str, float | None]:
        return self.values

    def restart(self) -> None:
        raise AssertionError("nothing may be restarted")

    def write_point(self, name: str, value: float) -> None:
        raise AssertionError("nothing may be written")


@contextmanager
def served(name: str, values: Mapping[str, float | None]) -> Iterator[str]:
    """A simulated device in a thread of its own, as `siteems` runs in another process."""
    loop, ready, port = asyncio.new_event_loop(), threading.Event(), 0
    server = RegisterServer("127.0.0.1", 0, {1: SimulatedUnit(load_map(name), Values(values))})

    async def start() -> None:
        nonlocal port
        port = await server.start()
        ready.set()

    def run() -> None:
        asyncio.set_event_loop(loop)
        loop.run_until_complete(start())
        loop.run_forever()

    thread = threading.Thread(target=run)
    thread.start()
    assert ready.wait(5)
    try:
        yield f"tcp://127.0.0.1:{port}"
    finally:
        asyncio.run_coroutine_threadsafe(server.stop(), loop).result(5)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def siteems(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "siteems", "devices", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_every_model_is_listed_and_can_be_shown() -> None:
    assert [found["name"] for found in all_models()] == list(known_maps())
    for name in known_maps():
        facts = model_facts(name)
        page = model_text(facts)
        json.dumps(facts)
        for point in facts["points"]:
            assert point in page
        assert facts["source"] in page


def test_a_lease_that_cannot_be_set_is_shown_as_fixed() -> None:
    assert "lease     300 s, fixed by the device" in model_text(model_facts("huawei-sun2000"))
    assert "lease     5 to 3600 s, set in comm_timeout_s" in model_text(
        model_facts("generic-smu-lead")
    )


def test_an_unknown_name_gets_similar_names() -> None:
    with pytest.raises(UserError, match=r"no such device model; similar are .*victron-gx"):
        model_facts("victron")


def test_a_real_device_is_read_once() -> None:
    values = {"battery_v": 52.3, "battery_a": -12.5, "soc": 0.81, "pv_kw": 1.5, "dc_load_kw": 3.4}
    values |= {"rectifier_kw": -4.2, "grid_setpoint_kw": 1.25, "safe_grid_setpoint_kw": 8.0}
    with served("victron-gx", values) as url:
        done = siteems("try", "victron-gx", url, "--json")
        shown = siteems("try", "victron-gx", url)
    found = json.loads(done.stdout)
    assert {name: point["value"] for name, point in found["points"].items()} == pytest.approx(
        values
    )
    assert (done.returncode, shown.returncode) == (0, 0)
    assert "-4.2 kW" in shown.stdout


def test_a_device_that_is_not_there_exits_with_1() -> None:
    done = siteems("try", "victron-gx", "tcp://127.0.0.1:9", "--timeout", "0.2")
    assert done.returncode == 1
    assert "unreachable" in done.stdout
    assert "cannot connect" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("try", "victron-gx", "10.0.0.1"), "must look like"),
        (("try", "victron-gx", "dlt645+tcp://127.0.0.1:9"), "is not a link"),
        (("try", "dlt645-three-phase", "dlt645+tcp://127.0.0.1:9"), "needs its 12-digit address"),
        (("show", "nothing"), "no such device model"),
    ],
)
def test_errors_are_one_line_and_exit_code_2(arguments: tuple[str, ...], message: str) -> None:
    done = siteems(*arguments)
    assert done.returncode == 2
    assert message in done.stderr
    assert done.stderr.count("\n") == 1


def test_all_that_a_map_states_of_a_point_is_shown() -> None:
    sungrow, victron = (model_text(model_facts(n)) for n in ("sungrow-sh", "victron-gx"))
    for detail in (
        "codes 204 = 0, 170 = 1, 187 = 2",
        "not available: 0xffffffff",
        "word order little",
        "written before it: 13079 = 60",
        "written along it: 13049 = 3",
    ):
        assert detail in sungrow
    assert "no setpoint, never written: 0" in victron
    for name in known_maps():
        assert model_text(model_facts(name)).count("\n") >= len(load_map(name).points)


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("huawei-esm48100", "sign by the state in 10: 0 = +1, 1 = -1, 2 = +0, 3 = +0"),
        ("victron-multi", "0 is a value where 29 holds 240"),
        ("victron-multi", "0 is a value where 3 holds something other than 0"),
        ("sungrow-sh", "nameplate input 4989 to 4998"),
        ("victron-gx", "0 is a value where 826 holds something other than 0"),
    ],
)
def test_the_registers_that_decide_how_a_point_is_read_are_shown(name: str, line: str) -> None:
    assert line in model_text(model_facts(name))


def test_a_point_with_a_sign_and_no_scale_is_shown(tmp_path: Path) -> None:
    text = (resources.files("drivers") / "maps" / "victron-multi.toml").read_text(encoding="utf-8")
    path = tmp_path / "mine.toml"
    point = 'type = "i16", scale = 0.01, min = -300'
    assert point in text
    text = text.replace(point, 'type = "i16", sign = -1, min = -300')
    path.write_text(text.replace('"victron-multi"', '"mine"'), encoding="utf-8")
    assert "i16 x -1" in model_text(model_facts(str(path)))
