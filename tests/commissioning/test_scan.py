"""`siteems scan` on simulated sites and a SunSpec device: it prints links and devices as TOML."""

from __future__ import annotations

import asyncio
import shutil
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

import pytest
from gateway_rig import ADDRESS, cli, free_port, on_serial_lines, simulated_site
from modbus_rig import HeldValues, RawServer, Request, read_reply
from sunspec_rig import BATTERY, COMMON, CONTROLS, METER, NAMEPLATE, image, served

from drivers.catalogue import known_maps, load_map
from drivers.errors import LinkDown, LinkTimeout
from drivers.modbus.device_map import DeviceMap
from drivers.scan import scan_link
from drivers.simulated.dlt645 import MeterServer
from drivers.simulated.modbus import RegisterServer, SimulatedUnit
from siteems.commissioning.probe import probe
from siteems.commissioning.scan import find_devices, parse_units, save_maps, site_part
from siteems.config.seeds import seed_path
from siteems.errors import SiteFileError, UserError
from siteems.site.read_file import load_site


def test_it_finds_the_devices_of_a_site(tmp_path: Path) -> None:
    with simulated_site(tmp_path, speed=1) as running:
        url = running.links[0].split("=", 2)[2]
        done = cli("scan", url, "--units=1-5", "--timeout=0.3")
    assert done.returncode == 0
    found = tomllib.loads(done.stdout)
    assert found["links"] == {"found": {"url": url}}
    assert [(d["unit"], d["map"]) for d in found["devices"]] == [
        (1, "eastron-sdm630"),
        (2, "generic-smu-lead"),
        (3, "generic-mppt"),
    ]


def test_it_finds_the_devices_on_serial_lines(tmp_path: Path) -> None:
    with simulated_site(tmp_path, speed=1, changed=on_serial_lines) as running:
        urls = {link.split("=", 2)[1]: link.split("=", 2)[2] for link in running.links}
        done = cli("scan", urls["cabinet"], "--units=1-4", "--timeout=0.1")
        assert done.returncode == 0, done.stderr
        found = tomllib.loads(done.stdout)
        assert found["links"] == {"found": {"url": urls["cabinet"]}}
        assert [(d["unit"], d["map"]) for d in found["devices"]] == [
            (2, "generic-smu-lead"),
            (3, "generic-mppt"),
        ]
        done = cli("scan", urls["meter"])
        (meter,) = tomllib.loads(done.stdout)["devices"]
        assert (meter["address"], meter["map"]) == (ADDRESS, "dlt645-three-phase")
        tried = cli("devices", "try", "dlt645-three-phase", urls["meter"], f"--address={ADDRESS}")
        assert "active_power_kw" in tried.stdout


async def test_a_silent_meter_is_not_found(tmp_path: Path) -> None:
    port = await (server := MeterServer("127.0.0.1", 0, {})).start()
    try:
        done = await asyncio.to_thread(cli, "scan", f"dlt645+tcp://127.0.0.1:{port}")
    finally:
        await server.stop()
    assert done.returncode == 1
    assert "no device answers" in done.stderr


async def test_a_sunspec_device_becomes_a_map_file_that_a_site_uses(tmp_path: Path) -> None:
    async with served(image(COMMON, METER)) as (url, _):
        found = await asyncio.to_thread(find_devices, url, (1,), 0.3, lambda _: None)
    assert [device.where for device in found] == ["unit 1"]
    folder = tmp_path / "site"
    shutil.copytree(seed_path("hangzhou-macro"), folder)
    (path,) = save_maps(found, folder)
    assert path.name == "acme-hybrid-5-1.toml"
    with pytest.raises(UserError, match="exists already"):
        save_maps(found, folder)
    (proposed,) = tomllib.loads(site_part(url, found))["devices"]
    text = (folder / "site.toml").read_text(encoding="utf-8")
    (folder / "site.toml").write_text(
        text.replace('"eastron-sdm630"', f'"{proposed["map"]}"'), encoding="utf-8"
    )
    site = load_site(folder)
    assert load_map(site.devices[0].map).title == "Acme Hybrid 5"
    path.write_text("name = 3\n", encoding="utf-8")
    load_map.cache_clear()
    with pytest.raises(SiteFileError, match="the map does not load"):
        load_site(folder)
    path.unlink()
    load_map.cache_clear()
    with pytest.raises(SiteFileError, match="cannot be read as a device map"):
        load_site(folder)


async def test_a_device_without_a_role_is_listed_but_not_proposed(tmp_path: Path) -> None:
    async with served(image(COMMON, NAMEPLATE)) as (url, _):
        found = await asyncio.to_thread(find_devices, url, (1,), 0.3, lambda _: None)
    assert found[0].map is None
    assert "give no role" in found[0].notes[-1]
    assert "devices" not in tomllib.loads(site_part(url, found))
    assert save_maps(found, tmp_path) == ()


async def test_two_models_with_the_same_registers_are_both_named() -> None:
    class Quiet:
        def read_points(self) -> dict[str, float | None]:
            return dict.fromkeys(load_map("chint-dtsu666").points, 1.0) | {
                "mains_v": 230.0,
                "frequency_hz": 50.0,
            }

        def write_point(self, name: str, value: float) -> None:
            raise ValueError

        def restart(self) -> None:
            raise NotImplementedError

    server = RegisterServer("127.0.0.1", 0, {4: SimulatedUnit(load_map("chint-dtsu666"), Quiet())})
    port = await server.start()
    try:
        found = await asyncio.to_thread(
            find_devices, f"tcp://127.0.0.1:{port}", (3, 4), 0.3, lambda _: None
        )
    finally:
        await server.stop()
    assert [device.where for device in found] == ["unit 4"]
    assert any("chint-dtsu666" in note for note in found[0].notes)


async def test_a_battery_inverter_is_found_with_its_setpoint() -> None:
    async with served(image(COMMON, BATTERY, CONTROLS)) as (url, _):
        found = await asyncio.to_thread(find_devices, url, (1,), 0.3, lambda _: None)
    assert found[0].roles == ("battery",)
    assert found[0].map_text is not None
    assert "battery_setpoint_kw" in found[0].map_text


def test_an_unusable_link_or_option_is_exit_code_2() -> None:
    assert cli("scan", f"tcp://127.0.0.1:{free_port()}").returncode == 2
    assert "allowed are 1 to 247" in cli("scan", "tcp://127.0.0.1:1", "--units=0-300").stderr
    assert "credentials" in cli("scan", "tls://127.0.0.1:1").stderr


def test_units() -> None:
    assert parse_units("1-3, 7,2") == (1, 2, 3, 7)
    assert parse_units("0-2,255") == (0, 1, 2, 255)
    for wrong in ("", "3-1", "248", "a", "0-255", "256", "1-99999999999"):
        with pytest.raises(UserError, match="1 to 247, and on Modbus TCP 0 and 255"):
            parse_units(wrong)


@pytest.mark.parametrize("unit", [0, 255])
def test_a_line_has_no_device_itself(unit: int) -> None:
    with pytest.raises(UserError, match=f"has no unit {unit}; allowed are 1 to 247"):
        find_devices("rtu:///dev/none", (1, unit), 0.1, lambda _: None)
    with pytest.raises(UserError, match=f"has no unit {unit}; allowed are 1 to 247"):
        probe("eastron-sdm630", "rtu+tcp://127.0.0.1:1", unit, None, 0.1)


async def test_a_device_that_answers_as_another_unit_is_reported() -> None:
    """Many converters answer every request as unit 0."""

    async def as_unit_0(request: Request) -> bytes:
        tid, _, function, address, count = request
        return read_reply((tid, 0, function, address, count), [0] * count)

    async with RawServer(as_unit_0) as link:
        with pytest.raises(LinkTimeout, match=r"within 0\.2 s, but it was answered as unit 0"):
            await link.read(3, "holding", 7, 1)
        (found,) = await scan_link(link, (5,), [], lambda _: None)
        assert found.problem == "answered as unit 0: ask it as unit 0"
        assert await link.read(0, "holding", 7, 1, urgent=True) == (0,)
        url = link.url
        result = await asyncio.to_thread(probe, "generic-genset", url, 4, None, 0.2)
        assert "it was answered as unit 0" in result["faults"][0]
        result = await asyncio.to_thread(probe, "generic-genset", url, 0, None, 0.2)
        assert result["faults"] == []


async def test_units_0_and_255_are_the_device_itself_on_tcp() -> None:
    async def answer(request: Request) -> bytes:
        return read_reply(request, [request[1]] * request[4])

    async with RawServer(answer) as link:
        for unit in (0, 255):
            assert await link.read(unit, "holding", 7, 2) == (unit, unit)


async def test_a_unit_that_breaks_the_connection_does_not_end_the_scan() -> None:
    async def hang_up_for_2(request: Request) -> bytes | None:
        if request[1] == 2:
            server.hang_up()
            return None
        return read_reply(request, [0] * request[4])

    class Server(RawServer):
        def hang_up(self) -> None:
            for writer in self.writers:
                writer.close()

        async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            self.writers.append(writer)
            await super()._serve(reader, writer)

        writers: ClassVar[list[asyncio.StreamWriter]] = []

    server = Server(hang_up_for_2)
    async with server as link:
        found = await scan_link(link, (1, 2, 3), [], lambda _: None)
    assert [each.unit for each in found] == [1, 2, 3]
    assert "connection lost" in found[1].problem
    assert found[0].problem == found[2].problem == ""


@pytest.mark.parametrize(("down", "asked"), [((2,), (1, 2, 3, 4, 5)), ((2, 3, 4, 5), (1, 2, 3, 4))])
async def test_a_gateway_that_takes_no_connection_for_a_while_does_not_end_the_scan(
    down: tuple[int, ...], asked: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Gateway:
        async def read(
            self, unit: int, space: str, address: int, count: int, *, urgent: bool = False
        ) -> tuple[int, ...]:
            if unit in down:
                raise LinkDown("cannot connect: refused")
            return (0,) * count

    monkeypatch.setattr("drivers.scan.AFTER_LOSS_S", 0.0)
    polled: list[int] = []
    found = await scan_link(Gateway(), (1, 2, 3, 4, 5), [], polled.append)  # type: ignore[arg-type]
    assert tuple(polled) == asked
    assert tuple(each.unit for each in found) == asked
    assert [each.unit for each in found if each.problem] == [*set(down) & set(asked)]
    assert ("were not asked" in found[-1].problem) == (len(down) > 3)


MODBUS_MAPS = [each for each in map(load_map, known_maps()) if isinstance(each, DeviceMap)]


def same(content: int) -> Callable[[int], int]:
    return lambda _: content


@pytest.mark.parametrize(
    ("content", "most"),
    [
        (lambda at: 1 + at % 9, 0),  # small numbers: they were nine models
        (lambda at: at * 7 % 40, 0),
        (same(1), 0),
        (same(2300), 0),
        (same(0x4366), 1),  # 230.26 as a float, also where a frequency is expected
    ],
)
async def test_registers_of_another_device_are_no_model(
    content: Callable[[int], int], most: int
) -> None:
    async def answer(request: Request) -> bytes | None:
        first, count = request[3], request[4]
        return read_reply(request, [content(at) for at in range(first, first + count)])

    async with RawServer(answer) as link:
        (found,) = await scan_link(link, (1,), MODBUS_MAPS, lambda _: None)
    assert found.maps == ()
    assert len(found.candidates) <= most
    assert all(each.evidence for each in found.candidates)


async def test_one_voltage_is_not_enough_to_propose_a_model() -> None:
    values = {"mains_v": 231.4, "active_power_kw": 3.1, "energy_import_kwh": 7.0}
    source = HeldValues(values | {"energy_export_kwh": 0.0})
    server = RegisterServer("127.0.0.1", 0, {1: SimulatedUnit(load_map("acrel-adw300"), source)})
    url = f"tcp://127.0.0.1:{await server.start()}"
    try:
        (found,) = await asyncio.to_thread(find_devices, url, (1,), 0.3, lambda _: None)
    finally:
        await server.stop()
    assert found.title == "not sure which model"
    assert found.map is None
    assert found.notes == (
        "candidate acrel-adw300, Acrel ADW300 three-phase meter: it would read mains_v 231.4 V",
    )
    assert "devices" not in tomllib.loads(site_part(url, [found]))


@pytest.mark.parametrize(("polled", "devices"), [(range(1, 9), 1), (range(1, 3), 2)])
async def test_a_device_that_answers_every_unit_id_is_one_device(
    polled: range, devices: int
) -> None:
    async def any_unit(request: Request) -> bytes | None:
        return read_reply(request, [0] * request[4])

    async with RawServer(any_unit) as link:
        found = await asyncio.to_thread(find_devices, link.url, polled, 0.3, lambda _: None)
    assert len(found) == devices, "a few units may be as many devices"
    assert ("it answers each unit id" in "".join(found[0].notes)) == (devices == 1)


def test_an_address_that_is_none_is_one_sentence() -> None:
    for address in ("123", "12345678901x", "١٢٣٤٥٦٧٨٩٠١٢"):
        done = cli(
            "devices", "try", "dlt645-three-phase", "dlt645+tcp://127.0.0.1:9",
            f"--address={address}",
        )  # fmt: skip
        assert done.returncode == 2
        assert "allowed are the 12 digits" in done.stderr
        assert "Traceback" not in done.stderr
