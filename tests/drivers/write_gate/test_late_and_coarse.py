"""One read-back is not the truth: devices that show a write seconds later, and devices that keep it
at a coarser step than their register.
"""

from __future__ import annotations

import time

import pytest
from modbus_rig import Site

from drivers.simulated.faults import Fault
from drivers.trouble import trouble
from drivers.write_gate.gate import WriteGate
from drivers.write_gate.lease_refresh import refresh_after_s
from drivers.write_gate.records import WriteRecord

pytestmark = pytest.mark.timeout(30)
LIMIT = "rectifier_limit_a"


class Gate:
    """A gate, with what it recorded."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.records: list[WriteRecord] = []
        self.gate = WriteGate(owner="daemon", now=site.clock, record=self.records.append)
        site.server.faults.clock = lambda: site.clock().timestamp()

    def fault(self, kind: str, point: str, value: float) -> None:
        self.site.server.faults.add(Fault(kind, 1, point, value))  # type: ignore[arg-type]

    async def cycle(self, amps: float) -> str:
        """One control cycle; the last outcome, or "" if nothing was due."""
        records = await self.gate.set(self.site.device, {LIMIT: amps}, reason="plan")
        self.site.clock.forward(1)
        return records[-1].outcome if records else ""

    @property
    def written(self) -> list[float]:
        return [value for name, value in self.site.source.writes if name == LIMIT]


@pytest.fixture
async def gate(smu: Site) -> Gate:
    smu.source.values["comm_timeout_s"] = 60.0
    made = Gate(smu)
    await made.gate.commission(smu.device, {}, 60.0, reason="commissioning")
    assert await made.cycle(200.0) == "written"
    smu.source.writes.clear()
    return made


async def test_a_write_that_is_shown_two_seconds_later_is_written_once(gate: Gate) -> None:
    gate.fault("late-write", LIMIT, 2.0)
    await gate.site.device.read()
    outcomes = [await gate.cycle(83.2) for _ in range(20)]
    assert outcomes[:3] == ["unconfirmed", "", "written"]
    assert set(outcomes[3:]) == {""}
    assert gate.written == [83.2]
    assert gate.gate.holds(gate.site.device, LIMIT, 83.2)


async def test_a_late_device_with_a_setpoint_that_always_changes_is_not_in_trouble(
    gate: Gate,
) -> None:
    gate.fault("late-write", LIMIT, 2.0)
    await gate.site.device.read()
    outcomes = [await gate.cycle(80.0 + second % 2) for second in range(20)]
    assert set(outcomes) <= {"unconfirmed", "written", ""}


async def test_a_lease_that_is_shown_late_is_not_a_lease_of_nothing(smu: Site) -> None:
    """It was read as 0 and taken as the shortest one: refreshed every 3 s for good."""
    made = Gate(smu)
    smu.server.faults.clock = time.monotonic
    made.fault("late-write", "comm_timeout_s", 2.0)
    await smu.device.read()
    records = await made.gate.commission(smu.device, {}, 60.0, reason="commissioning")
    assert [record.outcome for record in records] == ["written"]
    await made.cycle(80.0)
    smu.source.writes.clear()
    for _ in range(28):
        assert await made.cycle(80.0) == ""
    assert refresh_after_s(smu.device_map.lease, 60.0) == 30.0


async def test_a_release_that_is_shown_late_is_a_release(smu: Site) -> None:
    made = Gate(smu)
    smu.server.faults.clock = time.monotonic
    made.fault("late-write", LIMIT, 2.0)
    await smu.device.read()
    records = await made.gate.release(smu.device, {LIMIT: 150.0}, reason="stop")
    assert [record.outcome for record in records] == ["written"]


async def test_a_device_that_keeps_another_value_is_found_after_three_seconds(gate: Gate) -> None:
    gate.fault("clamped-write", LIMIT, 20.0)
    del gate.records[:]
    for _ in range(4):
        await gate.cycle(80.0)
    outcomes = [record.outcome for record in gate.records]
    assert outcomes == ["unconfirmed", "mismatch", "unconfirmed"], "judged, and tried again"
    assert gate.records[1].detail == trouble("reads-as", value=20.0)
    assert gate.written == [20.0, 20.0]


@pytest.mark.parametrize("step", [1.0, 2.0, 5.0, 10.0])
async def test_a_device_that_keeps_whole_steps_is_driven_at_them(gate: Gate, step: float) -> None:
    gate.fault("coarse-write", LIMIT, step)
    for amps in (83.7, 47.3):
        for _ in range(6):
            await gate.cycle(amps)
    for amps in (83.7, 47.3, 99.9, 12.6, 64.4):
        outcomes = [await gate.cycle(amps) for _ in range(12)]
        assert outcomes[-1] == "", "nothing is due: it holds what it was sent"
        assert gate.site.source.values[LIMIT] == pytest.approx(amps // step * step)
        assert gate.gate.holds(gate.site.device, LIMIT, amps)


@pytest.mark.parametrize(("clamp", "amps"), [(0.0, 4.0), (60.0, 83.0), (60.0, 75.0)])
async def test_a_device_with_a_limit_of_its_own_has_no_step(
    gate: Gate, clamp: float, amps: float
) -> None:
    gate.fault("clamped-write", LIMIT, clamp)
    for _ in range(30):
        await gate.cycle(amps)
    assert [record.outcome for record in gate.records].count("mismatch") >= 3
    assert not gate.gate.holds(gate.site.device, LIMIT, amps)


async def test_a_limit_for_a_while_leaves_no_step(gate: Gate) -> None:
    """It looked like a step of 5 A, for good: 18.6 A became 15 A, and 4.7 A became 0."""
    assert await gate.cycle(52.3) == "written"
    gate.fault("clamped-write", LIMIT, 50.0)
    for amps in (52.4, 53.1, 52.4):
        for _ in range(6):
            await gate.cycle(amps)
    assert not gate.gate.holds(gate.site.device, LIMIT, 52.4)
    gate.site.server.faults.clear()
    for amps in (18.6, 13.1, 4.7):
        outcomes = [await gate.cycle(amps) for _ in range(12)]
        assert outcomes[-1] == ""
        assert gate.site.source.values[LIMIT] == pytest.approx(amps)


async def test_a_register_that_is_stuck_confirms_nothing(gate: Gate) -> None:
    assert await gate.cycle(60.0) == "written"
    gate.site.server.faults.add(Fault("ignored-write", 1, LIMIT))
    del gate.records[:]
    for amps in (63.4, 61.2, 60.4, 62.0):
        for _ in range(12):
            await gate.cycle(amps)
        assert not gate.gate.holds(gate.site.device, LIMIT, amps)
    assert not {record.outcome for record in gate.records} & {"written", "refreshed"}
