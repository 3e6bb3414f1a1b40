"""Each fault of docs/faults.md, injected into a served site while the controller runs: over Modbus
TCP and a serial RTU line.

In every case the cycles stay short, nothing implausible reaches the image, and the site is driven
again afterwards.
"""

from __future__ import annotations

import math
import os
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from fault_rig import (
    EXPENSIVE_HOURS,
    LATE_S,
    TO_THE_VALLEY,
    Case,
    Rig,
    rig_on,
    survive,
    wired,
)

from drivers.points import Quality
from drivers.simulated.fault_kinds import FaultKind
from drivers.simulated.faults import Fault
from siteems.config.seeds import seed_path
from siteems.control.decision import Drive
from siteems.control.reasons import RELEASE_ACQUIRED, RELEASE_STOPPED
from siteems.planning.reasons import SCHEDULE
from siteems.simulation.control_port import ControlPort, ask
from siteems.simulation.scenario import demo_scenario
from siteems.site.model import Site

rig = rig_on("tcp", "rtu")


METER, SMU, MPPT = "grid-meter", "smu", "mppt"
LIMIT = "rectifier_limit_a"
MISSING, IMPLAUSIBLE = Quality.MISSING, Quality.IMPLAUSIBLE
BUS = ("soc", "bus_v", "battery_kw")
CASES = {
    "silent": Case(SMU, Fault("silent"), BUS, released=True, alarm="released"),
    "silent block": Case(SMU, Fault("silent-block", point="soc"), BUS, released=True),
    "silent block at the end": Case(SMU, Fault("silent-block", point="comm_timeout_s")),
    "refused block": Case(SMU, Fault("refused-block", point="soc", value=2), BUS, released=True),
    "silent meter": Case(METER, Fault("silent"), ("grid_kw",)),
    "slow": Case(MPPT, Fault("slow", value=0.1)),
    "late": Case(METER, Fault("slow", value=LATE_S), ("grid_kw",)),
    "exception": Case(METER, Fault("exception", value=4), ("grid_kw",)),
    "short reply": Case(METER, Fault("short-reply"), ("grid_kw",)),
    "garbled": Case(SMU, Fault("garbled"), BUS, released=True, alarm="released"),
    "stuck": Case(METER, Fault("stuck", point="active_power_kw")),
    "not available": Case(
        SMU, Fault("not-available", point="soc"), ("soc",), MISSING, released=True, alarm="released"
    ),
    "jump": Case(
        SMU,
        Fault("jump", point="bus_v", value=90.0),
        ("bus_v",),
        IMPLAUSIBLE,
        released=True,
        alarm="released",
    ),
    "sign flip": Case(
        METER, Fault("sign-flip", point="active_power_kw"), ("grid_kw",), IMPLAUSIBLE
    ),
    "word swap": Case(
        METER, Fault("word-swap", point="active_power_kw"), ("grid_kw",), IMPLAUSIBLE
    ),
    "refused write": Case(
        SMU,
        Fault("refused-write", point=LIMIT),
        alarm="device-not-following",
        outcome="failed",
        cycles=170,
    ),
    "ignored write": Case(
        SMU,
        Fault("ignored-write", point=LIMIT),
        alarm="device-not-following",
        outcome="mismatch",
        cycles=170,
    ),
    "clamped write": Case(
        SMU,
        Fault("clamped-write", point=LIMIT, value=1.0),
        outcome="unconfirmed",
        cycles=EXPENSIVE_HOURS,
        wait=TO_THE_VALLEY,
    ),
    "late write": Case(
        SMU, Fault("late-write", point=LIMIT, value=2.0), outcome="written", cycles=EXPENSIVE_HOURS
    ),
    "coarse write": Case(
        SMU,
        Fault("coarse-write", point=LIMIT, value=5.0),
        outcome="written",
        cycles=EXPENSIVE_HOURS,
    ),
    "no effect": Case(
        SMU,
        Fault("no-effect", point=LIMIT),
        alarm="battery-not-following",
        outcome="written",
        cycles=250,
    ),
}


@pytest.mark.timeout(60)
@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
async def test_a_fault_is_survived(rig: Rig, case: Case) -> None:
    await survive(rig, case)


async def test_a_hang_up_costs_a_cycle(rig: Rig) -> None:
    await rig.inject(SMU, Fault("hang-up"))
    step = await rig.cycles(3)
    assert isinstance(step.decision, Drive)
    assert step.image.value("soc") is not None


@pytest.mark.parametrize("kind", ["restart", "reversion"])
async def test_a_device_that_falls_back_by_itself_is_released_first(
    rig: Rig, kind: FaultKind
) -> None:
    """It is detected in the next cycle, released and driven again. Without that, it would get its
    setpoints only at the next lease refresh, after half a minute.
    """
    before = await rig.cycles(EXPENSIVE_HOURS)
    assert before.decision.battery_kw < -1.0
    flowed_kw = rig.plant.flows.battery_kw
    await rig.inject(SMU, Fault(kind))
    at = rig.clock.now()
    await rig.cycles(3)
    assert "device-restarted" in rig.codes()
    written = [
        c for c in rig.history.commands(at, rig.clock.now()) if c.point == "rectifier_limit_a"
    ]
    assert written[0].reason == RELEASE_ACQUIRED()
    assert rig.plant.flows.battery_kw == pytest.approx(flowed_kw, abs=0.1)


async def test_an_unread_register_never_causes_a_write(rig: Rig) -> None:
    await rig.inject(SMU, Fault("silent"))
    await rig.cycles(4)
    at = rig.clock.now()
    await rig.cycles(10)
    assert [
        c
        for c in rig.history.commands(at, rig.clock.now())
        if c.device == "smu" and c.outcome == "written"
    ] == []


@pytest.mark.timeout(1200)
async def test_the_writes_of_a_day_stay_below_the_limits_of_the_devices(
    hangzhou: Site, tmp_path: Path
) -> None:
    """The demo day, planned, on real Modbus at the real lease: one hour of it, or all of it with
    SITEEMS_LONG=1.
    """
    hours = 24.0 if os.environ.get("SITEEMS_LONG") else 1.0
    scenario = demo_scenario(hangzhou, seed_path("hangzhou-macro"))
    start = scenario.start if hours == 24.0 else scenario.start + timedelta(hours=15.5)
    rig = Rig(wired(hangzhou, "tcp", tmp_path), tmp_path, start, scenario.at)
    await rig.served.start()
    try:
        await rig.devices.acquire()
        for _ in range(int(hours * 4)):
            await rig.controller.observe()
            await rig.controller.make_plan(SCHEDULE)
            await rig.cycles(180, cycle_s=5.0)
        allowed = {
            name: count["allowed"] for name, count in rig.devices.traffic()["writes_today"].items()
        }
        commands = rig.history.commands(start, rig.clock.now() + timedelta(seconds=1))
    finally:
        await rig.devices.close(RELEASE_STOPPED())
        await rig.solver.close()
        await rig.served.stop()
        rig.history.close()
    assert {command.outcome for command in commands} <= {"written", "refreshed"}
    counts = Counter(command.device for command in commands)
    print(f"writes in {hours:g} h: {dict(counts)}, allowed a day: {allowed}")
    assert counts["smu"] >= 2 * hours * 3600 / 60  # two setpoints, each refreshed within the lease
    for device, count in counts.items():
        assert count * 24 / hours < allowed[device]


async def test_faults_through_the_control_port(rig: Rig) -> None:
    port = ControlPort(rig.served, 0)
    number = await port.start()
    try:
        answer = await ask(
            number,
            {
                "do": "fault",
                "link": "cabinet",
                "kind": "jump",
                "unit": 2,
                "point": "soc",
                "value": 0.2,
            },
        )
        assert answer["faults"]["cabinet"][0]["point"] == "soc"
        assert (await rig.cycles(1)).image.value("soc") == pytest.approx(0.2)
        assert (await ask(number, {"do": "clear", "link": "cabinet"}))["faults"] == {"cabinet": []}
        assert (await rig.cycles(1)).image.value("soc") == pytest.approx(0.8, abs=0.01)
        for wrong, message in (
            ({"do": "fault", "link": "cabinet", "kind": "fire"}, "allowed are silent"),
            ({"do": "fault", "link": "cabinet", "kind": "silent", "unit": 9}, "no unit 9"),
            (
                {"do": "fault", "link": "cabinet", "kind": "jump", "unit": 2, "point": "soc"},
                "needs value",
            ),
            ({"do": "fault", "link": "roof", "kind": "silent", "unit": 1}, "no link 'roof'"),
            ({"do": "explode"}, "do is fault, clear or list"),
        ):
            answer = await ask(number, wrong)
            assert not answer["ok"]
            assert message in answer["error"]
    finally:
        await port.stop()


def test_a_fault_with_wrong_parameters_is_refused() -> None:
    wrong: list[Callable[[], Fault]] = [
        lambda: Fault("stuck", 1),
        lambda: Fault("slow", 1),
        lambda: Fault("silent", 1, "soc"),
        lambda: Fault("silent", 1, value=3.0),
        lambda: Fault("slow", 1, value=-1.0),
        lambda: Fault("slow", 1, value=math.nan),
        lambda: Fault("jump", 1, "soc", math.inf),
        lambda: Fault("exception", 1, value=300.0),
        lambda: Fault("exception", 1, value=1.5),
    ]
    for make in wrong:
        with pytest.raises(ValueError, match=r"needs|has no|must be"):
            make()
