"""The faults of docs/faults.md that only a serial line has, and those of a DL/T 645 meter over TCP
and on a serial port.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from fault_rig import EXPENSIVE_HOURS, METER, Case, Rig, driven, rig_on, survive, wired

from drivers.points import Quality
from drivers.simulated.fault_kinds import FAULT_TYPES
from drivers.simulated.faults import Fault
from siteems.control.decision import Drive
from siteems.simulation.control_port import ControlPort, ask
from siteems.site.model import Site

GRID = METER.name
SMU = "smu"
UNKNOWN = ("grid_kw",)
CASES = {
    "silent": Case(GRID, Fault("silent"), UNKNOWN),
    "slow": Case(GRID, Fault("slow", value=0.05)),
    # Later than the test lasts: a late answer is one to the same question, and would be taken.
    "late": Case(GRID, Fault("slow", value=30.0), UNKNOWN),
    "error answer": Case(GRID, Fault("exception", value=1), UNKNOWN, Quality.MISSING),
    "short reply": Case(GRID, Fault("short-reply"), UNKNOWN, Quality.IMPLAUSIBLE),
    "wrong checksum": Case(GRID, Fault("wrong-checksum"), UNKNOWN),
    "garbled": Case(GRID, Fault("garbled"), UNKNOWN),
    "restart": Case(GRID, Fault("restart"), UNKNOWN),
    "stuck": Case(GRID, Fault("stuck", point="active_power_kw")),
    "not available": Case(
        GRID, Fault("not-available", point="active_power_kw"), UNKNOWN, Quality.MISSING
    ),
    "jump": Case(
        GRID, Fault("jump", point="active_power_kw", value=1500.0), UNKNOWN, Quality.IMPLAUSIBLE
    ),
    # The rectifiers measure the mains voltage too, so it stays known.
    "jump of the mains": Case(GRID, Fault("jump", point="mains_v", value=600.0)),
    "sign flip": Case(
        GRID, Fault("sign-flip", point="active_power_kw"), UNKNOWN, Quality.IMPLAUSIBLE
    ),
}


rig = rig_on("dlt645+tcp", "dlt645")


@pytest.mark.timeout(60)
@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
async def test_a_fault_of_the_meter_is_survived(rig: Rig, case: Case) -> None:
    await survive(rig, case)


async def test_a_hang_up_of_the_meter_s_line_costs_a_cycle_or_two(rig: Rig) -> None:
    await rig.inject(GRID, Fault("hang-up"))
    step = await rig.cycles(2)
    assert isinstance(step.decision, Drive)
    await survive(rig, Case(GRID, Fault("hang-up")))


async def test_a_meter_takes_no_faults_of_writing(rig: Rig) -> None:
    port = ControlPort(rig.served, 0)
    number = await port.start()
    try:
        where = {"do": "fault", "link": METER.link, "address": METER.address}
        for kind, fault in FAULT_TYPES.items():
            if not fault.modbus_only:
                continue
            point = {"point": "mains_v"} if fault.of_point else {}
            value = {"value": 1.0} if fault.value else {}
            answer = await ask(number, where | {"kind": kind} | point | value)
            assert "is read only" in answer["error"]
        answer = await ask(number, where | {"kind": "silent", "address": "999999999999"})
        assert f"no meter 999999999999; there are {METER.address}" in answer["error"]
        answer = await ask(number, where | {"kind": "silent"})
        assert answer["faults"][METER.link][0]["address"] == METER.address
    finally:
        await port.stop()


@pytest.mark.parametrize("wires", ["rtu", "rtu+tcp"])
async def test_wrong_checksums_on_an_rtu_line_count_as_no_answer(
    wires: str, hangzhou: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with driven(wired(hangzhou, wires, tmp_path), tmp_path, monkeypatch) as rig:
        await survive(rig, Case(GRID, Fault("wrong-checksum"), UNKNOWN))


async def test_modbus_tcp_has_no_checksum(
    hangzhou: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with driven(wired(hangzhou, "tcp", tmp_path), tmp_path, monkeypatch) as rig:
        with pytest.raises(ValueError, match="have no checksum"):
            await rig.inject(GRID, Fault("wrong-checksum"))


@pytest.mark.parametrize("wires", ["rtu", "rtu+tcp"])
async def test_an_echo_and_repeated_answers_cost_nothing(
    wires: str, hangzhou: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with driven(wired(hangzhou, wires, tmp_path), tmp_path, monkeypatch) as rig:
        await rig.inject(SMU, Fault("repeated-answer", value=0.0))
        await survive(rig, Case(SMU, Fault("echo"), cycles=EXPENSIVE_HOURS))
        assert {"device-not-following", "another-master"}.isdisjoint(rig.codes())
        link = rig.devices.traffic()["links"]["cabinet"]
        assert link["echoes"] is not None
        assert link["repeated"] > 0
        assert link["foreign"] == 0


@pytest.mark.parametrize("wires", ["rtu", "rtu+tcp"])
async def test_another_master_is_reported_and_its_values_are_never_used(
    wires: str, hangzhou: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether the site is driven meanwhile is a matter of chance; no value is a wrong one."""
    async with driven(wired(hangzhou, wires, tmp_path), tmp_path, monkeypatch) as rig:
        at_rest = (await rig.cycles(1)).image
        await rig.inject(SMU, Fault("another-master", value=0.05))
        for _ in range(12):
            image = (await rig.cycles(1)).image
            for name in ("soc", "bus_v", "mains_v"):
                value = image.value(name)
                assert value is None or value == pytest.approx(at_rest.value(name), rel=0.05)
        assert "another-master" in rig.codes()
        rig.clear()
        for _ in range(11):
            step = await rig.cycles(1, cycle_s=61.0)
        assert "no-other-master" in rig.codes()
        assert step.image.value("soc") is not None
