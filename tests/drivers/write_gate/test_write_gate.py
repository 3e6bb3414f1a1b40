"""The write gate against a simulated device over a real link, under a hand-set clock."""

import math

import pytest
from modbus_rig import LOOPBACK, Clock, RawServer, Request, Site, free_values

from drivers.catalogue import load_map
from drivers.errors import WriteRefused
from drivers.modbus.device import Device
from drivers.modbus.link import ModbusLink
from drivers.trouble import trouble
from drivers.write_gate.gate import WriteGate
from drivers.write_gate.records import WriteRecord

pytestmark = pytest.mark.timeout(20)

SAFE = {"safe_rectifier_limit_a": 200.0, "safe_charge_limit_a": 40.0}
REST = {"rectifier_limit_a": 200.0, "charge_limit_a": 40.0, "float_v": 53.5}


class Bench:
    """A gate with what it recorded."""

    def __init__(self, site: Site, *, owner: str = "daemon", read_only: bool = False) -> None:
        self.site, self.device = site, site.device
        self.records: list[WriteRecord] = []
        self.gate = WriteGate(
            owner=owner, now=site.clock, record=self.records.append, read_only=read_only
        )

    async def set(self, reason: str = "plan", **values: float) -> list[tuple[str, float, str]]:
        return [
            (r.point, r.value, r.outcome)
            for r in await self.gate.set(self.device, values, reason=reason)
        ]

    @property
    def written(self) -> list[tuple[str, float]]:
        return self.site.source.writes


@pytest.fixture
def bench(smu: Site) -> Bench:
    return Bench(smu)


def with_budget(device: Device, writes_per_day: int) -> None:
    link = device.device_map.link.model_copy(update={"writes_per_day": writes_per_day})
    device.device_map = device.device_map.model_copy(update={"link": link})


async def test_commission_writes_only_what_differs(bench: Bench) -> None:
    first = await bench.gate.commission(bench.device, SAFE, 60.0, reason="commissioning")
    assert {(r.point, r.value, r.outcome, r.reason) for r in first} == {
        ("safe_rectifier_limit_a", 200.0, "written", "commissioning"),
        ("safe_charge_limit_a", 40.0, "written", "commissioning"),
        ("comm_timeout_s", 60.0, "written", "commissioning"),
    }
    assert await bench.gate.commission(bench.device, SAFE, 60.0, reason="commissioning") == ()
    again = await bench.gate.commission(
        bench.device, SAFE | {"safe_charge_limit_a": 41.0}, None, reason="commissioning"
    )
    assert [(r.point, r.value) for r in again] == [("safe_charge_limit_a", 41.0)]
    assert len(bench.written) == 4
    assert list(first + again) == bench.records
    assert bench.gate.writes_today(bench.device) == 4


async def test_an_unread_register_never_causes_a_write(smu: Site) -> None:
    writes: list[Request] = []

    async def write_only(request: Request) -> bytes | None:
        if request[2] in (6, 16):
            writes.append(request)
        return None

    async with RawServer(write_only) as link:
        device = Device("blind", load_map("generic-smu-lead"), link, 1, smu.clock)
        gate = WriteGate(owner="daemon", now=smu.clock, record=lambda _: None)
        records = await gate.commission(device, SAFE, 60.0, reason="commissioning")
    assert [r.outcome for r in records] == ["failed"] * 3
    assert records[0].detail == trouble("not-compared")
    assert writes == []


@pytest.mark.parametrize(
    ("safe", "lease_s", "message"),
    [
        (
            {"safe_charge_limit_a": 2001.0},
            60.0,
            "safe_charge_limit_a = 2001: outside-limits: low 0.0, high 2000.0",
        ),
        (
            {"charge_limit_a": 20.0},
            60.0,
            "other-storage: storage volatile, wanted flash",
        ),
        ({}, 4.0, "lease-outside: lease_s 4.0, low 5.0, high 3600.0"),
    ],
)
async def test_commission_refuses(
    bench: Bench, safe: dict[str, float], lease_s: float, message: str
) -> None:
    with pytest.raises(WriteRefused, match=message):
        await bench.gate.commission(bench.device, safe, lease_s, reason="commissioning")
    assert bench.written == []


async def test_a_device_without_a_lease_has_none_to_set(clock: Clock) -> None:
    device = Device("pv", load_map("generic-mppt"), ModbusLink(f"tcp://{LOOPBACK}:1"), 1, clock)
    gate = WriteGate(owner="daemon", now=clock, record=lambda _: None)
    with pytest.raises(WriteRefused, match="pv: no-lease: model generic-mppt, lease_s 60"):
        await gate.commission(device, {}, 60.0, reason="commissioning")


async def test_written_once_and_not_again_while_unchanged(bench: Bench) -> None:
    await bench.gate.commission(bench.device, SAFE, 60.0, reason="commissioning")
    bench.written.clear()
    assert await bench.set(rectifier_limit_a=80.0, charge_limit_a=0.0) == [
        ("rectifier_limit_a", 80.0, "written"),
        ("charge_limit_a", 0.0, "written"),
    ]
    for _ in range(29):
        bench.site.clock.forward(1)
        assert await bench.set(rectifier_limit_a=80.04, charge_limit_a=0.0) == []
    assert len(bench.written) == 2
    bench.site.clock.forward(1)
    assert await bench.set(rectifier_limit_a=80.0, charge_limit_a=0.0) == [
        ("rectifier_limit_a", 80.0, "refreshed"),
        ("charge_limit_a", 0.0, "refreshed"),
    ]
    assert await bench.set(rectifier_limit_a=80.1, charge_limit_a=0.0) == [
        ("rectifier_limit_a", 80.1, "written")
    ]


async def test_the_shortest_lease_counts_when_not_commissioned(bench: Bench) -> None:
    await bench.set(float_v=54.0)
    bench.site.clock.forward(2)
    assert await bench.set(float_v=54.0) == []
    bench.site.clock.forward(0.5)
    assert await bench.set(float_v=54.0) == [("float_v", 54.0, "refreshed")]


async def test_a_clock_that_goes_back_refreshes(bench: Bench) -> None:
    await bench.set(float_v=54.0)
    bench.site.clock.forward(-3600)
    assert await bench.set(float_v=54.0) == [("float_v", 54.0, "refreshed")]


async def test_records_have_owner_value_and_reason(bench: Bench) -> None:
    await bench.set("demand response", float_v=54.0)
    assert bench.records == [
        WriteRecord(
            bench.site.clock(),
            "unit-1",
            "float_v",
            54.0,
            "daemon",
            "demand response",
            "written",
            None,
        )
    ]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (
            {"float_v": 58.01},
            r"unit-1: float_v = 58.01: outside-limits: low 42.0, high 58.0, unit V",
        ),
        (
            {"charge_limit_a": -0.1},
            r"charge_limit_a = -0.1: outside-limits: low 0.0, high 2000.0, unit A",
        ),
        ({"charge_limit_a": math.nan}, "outside-limits"),
        ({"rectifier_limit_a": 10.0, "charge_limit_a": math.inf}, "outside-limits"),
        ({"soc": 0.5}, "soc = 0.5: not-writable"),
        ({"pv_limit_kw": 1.0}, "no-such-point"),
        ({"safe_charge_limit_a": 1.0}, "other-storage: storage flash, wanted volatile"),
    ],
)
async def test_a_value_that_is_not_allowed_is_refused_recorded_and_not_sent(
    bench: Bench, values: dict[str, float], message: str
) -> None:
    with pytest.raises(WriteRefused, match=message):
        await bench.gate.set(bench.device, values, reason="plan")
    assert [r.outcome for r in bench.records] == ["refused"]
    assert bench.written == []
    assert bench.gate.writes_today(bench.device) == 0


async def test_a_device_has_only_one_owner(bench: Bench) -> None:
    other = Bench(bench.site, owner="operator")
    await bench.set(float_v=54.0)
    with pytest.raises(WriteRefused, match="held-by: holder daemon, owner operator"):
        await other.set(float_v=50.0)
    await bench.gate.release(bench.device, REST, reason="stop")
    assert await other.set(float_v=50.0) == [("float_v", 50.0, "written")]


async def test_read_only_writes_nothing_at_all(smu: Site) -> None:
    bench = Bench(smu, read_only=True)
    assert {
        r.outcome
        for r in await bench.gate.commission(bench.device, SAFE, 60.0, reason="commissioning")
    } == {"refused"}
    assert await bench.set(float_v=54.0) == [("float_v", 54.0, "refused")]
    assert await bench.set(float_v=54.0) == [], "recorded once, not every cycle"
    assert await bench.set(float_v=54.5) == [("float_v", 54.5, "refused")]
    assert {r.outcome for r in await bench.gate.release(bench.device, REST, reason="stop")} == {
        "refused"
    }
    assert all(r.detail == trouble("gate-read-only") for r in bench.records)
    assert bench.written == []


async def test_daily_budget(bench: Bench) -> None:
    with_budget(bench.device, 3)
    for volts in (50.0, 51.0, 52.0):
        assert await bench.set(float_v=volts) == [("float_v", volts, "written")]
    assert await bench.set(float_v=53.0) == [("float_v", 53.0, "refused")]
    assert bench.records[-1].detail == trouble("budget-used", budget=3)
    assert await bench.set(float_v=53.0) == []
    assert bench.gate.writes_today(bench.device) == 3
    released = await bench.gate.release(bench.device, {"float_v": 53.5}, reason="stop")
    assert [(r.value, r.outcome) for r in released] == [(53.5, "written")]
    bench.site.clock.forward(86400)
    assert bench.gate.writes_today(bench.device) == 0
    assert await bench.set(float_v=53.0) == [("float_v", 53.0, "written")]


async def test_a_read_back_mismatch_is_recorded_and_tried_again(bench: Bench) -> None:
    bench.site.source.clamps["rectifier_limit_a"] = 60.0
    unconfirmed = ("rectifier_limit_a", 80.0, "unconfirmed")
    assert await bench.set(rectifier_limit_a=80.0) == [unconfirmed]
    assert await bench.set(rectifier_limit_a=80.0) == [], "it is read again, but not written"
    for pause_s in (0, 2):
        bench.site.clock.forward(3)
        mismatch = ("rectifier_limit_a", 80.0, "mismatch")
        if pause_s == 0:
            assert await bench.set(rectifier_limit_a=80.0) == [mismatch, unconfirmed]
        else:
            assert await bench.set(rectifier_limit_a=80.0) == [mismatch], "the second one waits"
    assert bench.records[0].detail == trouble("reads-as", value=60.0)
    bench.site.clock.forward(2)
    bench.site.source.clamps.clear()
    assert await bench.set(rectifier_limit_a=80.0) == [("rectifier_limit_a", 80.0, "written")]
    assert await bench.set(rectifier_limit_a=80.0) == []


async def test_a_refusing_device(bench: Bench) -> None:
    bench.site.source.refuses = {"float_v"}
    assert await bench.set(float_v=54.0) == [("float_v", 54.0, "failed")]
    detail = bench.records[0].detail
    assert detail is not None
    assert (detail.code, detail.values["exception"]) == ("device-refused", 3)
    bench.site.source.refuses.clear()
    assert await bench.set(float_v=54.0) == [("float_v", 54.0, "written")]


async def test_one_refused_frame_does_not_stop_the_other(smu: Site) -> None:
    bench = Bench(smu)
    smu.source.refuses = {"float_v"}
    assert await bench.set(rectifier_limit_a=70.0, float_v=54.0) == [
        ("rectifier_limit_a", 70.0, "written"),
        ("float_v", 54.0, "failed"),
    ]


async def test_link_down_does_not_use_up_the_budget(bench: Bench) -> None:
    with_budget(bench.device, 2)
    await bench.site.link.close()
    await bench.site.server.stop()
    for _ in range(5):
        bench.site.clock.forward(30)
        assert [outcome for *_, outcome in await bench.set(float_v=54.0)] == ["failed"]
    assert bench.gate.writes_today(bench.device) == 0


async def test_release_writes_always(bench: Bench) -> None:
    await bench.gate.set(bench.device, REST, reason="plan")
    bench.written.clear()
    released = await bench.gate.release(bench.device, REST, reason="stop")
    assert {(r.point, r.value) for r in released} == set(REST.items())
    assert set(bench.written) == set(REST.items())


async def test_release_tries_again_and_skips_what_is_not_allowed(bench: Bench) -> None:
    class Once(set[str]):
        """Refuses the first time only."""

        def __contains__(self, name: object) -> bool:
            refused = super().__contains__(name)
            self.discard(str(name))
            return refused

    bench.site.source.refuses = Once({"float_v"})
    released = await bench.gate.release(
        bench.device, REST | {"charge_limit_a": 1e6}, reason="crash restart"
    )
    assert {r.point: r.outcome for r in released} == {
        "rectifier_limit_a": "written",
        "charge_limit_a": "refused",
        "float_v": "written",
    }
    assert [r.outcome for r in bench.records if r.point == "float_v"] == ["failed", "written"]


async def test_release_of_a_dead_device_ends(clock: Clock) -> None:
    async def silent(_: Request) -> bytes | None:
        return None

    server = RawServer(silent)
    async with server as link:
        device = Device("dead", load_map("generic-smart-lithium"), link, 1, clock)
        gate = WriteGate(owner="daemon", now=clock, record=lambda _: None)
        released = await gate.release(device, {"battery_setpoint_kw": 0.0}, reason="stop")
    assert [r.outcome for r in released] == ["failed"]
    assert len(server.requests) == 3, "tried three times although the link would rest the unit"


async def test_signed_power_setpoint(clock: Clock) -> None:
    site = Site("generic-smart-lithium", free_values("generic-smart-lithium"), clock)
    await site.start()
    try:
        bench = Bench(site)
        assert await bench.set(battery_setpoint_kw=-3.2104) == [
            ("battery_setpoint_kw", -3.2104, "written")
        ]
        assert bench.written == [("battery_setpoint_kw", -3.21)]
    finally:
        await site.stop()
