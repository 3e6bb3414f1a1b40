"""Commands of more than one register: what is sent, in which order, and what a failure prevents."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest
from modbus_rig import Clock, Site, free_values

from drivers.trouble import trouble
from drivers.write_gate.gate import WriteGate
from drivers.write_gate.records import WriteRecord


class Driven:
    """A served device whose writes are recorded on their way to the link."""

    def __init__(self, name: str) -> None:
        self.site = Site(name, free_values(name), Clock())
        self.frames: list[tuple[int, tuple[int, ...]]] = []
        self.records: list[WriteRecord] = []
        self.gate = WriteGate(owner="test", now=self.site.clock, record=self.records.append)

    async def start(self) -> None:
        await self.site.start()
        write = self.site.link.write

        async def recorded(
            unit: int, address: int, registers: Sequence[int], *, urgent: bool = False
        ) -> None:
            self.frames.append((address, tuple(registers)))
            await write(unit, address, registers, urgent=urgent)

        self.site.link.write = recorded  # type: ignore[method-assign]  # a spy

    async def set(self, **values: float) -> None:
        await self.gate.set(self.site.device, values, reason="test")


@asynccontextmanager
async def driven_as(name: str) -> AsyncIterator[Driven]:
    driven = Driven(name)
    await driven.start()
    yield driven
    await driven.site.stop()


@pytest.fixture
async def huawei() -> AsyncIterator[Driven]:
    async with driven_as("huawei-sun2000") as driven:
        yield driven


@pytest.fixture
async def sungrow() -> AsyncIterator[Driven]:
    async with driven_as("sungrow-sh") as driven:
        yield driven


async def test_power_first_then_period_then_direction(huawei: Driven) -> None:
    await huawei.set(forced_mode=2.0, forced_kw=2.5)
    assert huawei.frames == [(47246, (0, 0, 2500, 0, 2500)), (47083, (5,)), (47100, (2,))]
    assert [(r.point, r.outcome) for r in huawei.records] == [
        ("forced_kw", "written"),
        ("forced_mode", "written"),
    ]
    assert huawei.site.source.writes == [("forced_kw", 2.5), ("forced_mode", 2.0)]


async def test_codes_instead_of_numbers_and_a_heartbeat_with_each(sungrow: Driven) -> None:
    await sungrow.set(forced_mode=1.0, forced_kw=2.0)
    assert sungrow.frames == [(13051, (2000,)), (13079, (60,)), (13049, (3, 0xAA))]
    sungrow.site.clock.forward(29)
    await sungrow.set(forced_mode=1.0, forced_kw=2.0)
    assert len(sungrow.frames) == 3
    sungrow.site.clock.forward(2)
    await sungrow.set(forced_mode=1.0, forced_kw=2.0)
    assert sungrow.frames[3:] == sungrow.frames[:3], (
        "refreshed within half of the device's own minute"
    )


async def test_a_direction_is_not_written_when_its_power_was_not_taken(sungrow: Driven) -> None:
    sungrow.site.source.refuses = {"forced_kw"}
    await sungrow.set(forced_mode=2.0, forced_kw=2.0)
    assert sungrow.frames == [(13051, (2000,))]
    assert [r.outcome for r in sungrow.records] == ["failed", "failed"]
    assert sungrow.records[-1].detail == trouble("first-not-taken", first="forced_kw")
    sungrow.site.source.refuses = set()
    await sungrow.set(forced_mode=2.0, forced_kw=2.0)
    assert sungrow.site.source.values["forced_mode"] == 2.0, "tried again in the next cycle"


async def test_a_release_is_written_whatever_fails_before(sungrow: Driven) -> None:
    sungrow.site.source.refuses = {"forced_kw"}
    await sungrow.gate.release(
        sungrow.site.device, {"forced_kw": 0.0, "forced_mode": 0.0}, reason="test"
    )
    assert ("forced_mode", 0.0) in sungrow.site.source.writes


async def test_only_the_words_of_the_map_are_accepted_beside_a_point(sungrow: Driven) -> None:
    written = sungrow.site.device_map.decode_write
    assert written(13079, [60]) == {}
    assert written(13049, [3, 0xBB]) == {"forced_mode": 2.0}
    with pytest.raises(ValueError, match="register 13049 accepts only 3"):
        written(13049, [0, 0xBB])
    with pytest.raises(ValueError, match="forced_mode must be within"):
        written(13050, [0x11])
    with pytest.raises(LookupError, match="nothing to write at 13060"):
        written(13060, [1])


async def test_the_heartbeat_goes_on_while_the_power_changes_all_the_time(sungrow: Driven) -> None:
    """It is written with the direction alone, which does not change."""
    for step in range(12):
        await sungrow.set(forced_mode=1.0, forced_kw=2.0 + 0.1 * step)
        sungrow.site.clock.forward(10)
    beats = [frame for frame in sungrow.frames if frame == (13079, (60,))]
    assert len(beats) == 4, "every 30 s"


async def test_a_value_is_held_only_when_it_was_read_back(sungrow: Driven) -> None:
    holds = sungrow.gate.holds
    assert not holds(sungrow.site.device, "forced_mode", 1.0)
    await sungrow.set(forced_mode=1.0, forced_kw=2.0)
    assert holds(sungrow.site.device, "forced_mode", 1.0)
    sungrow.site.source.refuses = {"forced_mode"}
    await sungrow.set(forced_mode=2.0, forced_kw=2.0)
    assert not holds(sungrow.site.device, "forced_mode", 2.0)


async def test_zero_is_written_even_after_a_value_close_to_it(huawei: Driven) -> None:
    """The caller decides which change is worth a write: at the reserve it asks for exactly 0."""
    await huawei.set(forced_mode=2.0, forced_kw=0.09)
    await huawei.set(forced_mode=2.0, forced_kw=0.0)
    assert huawei.site.source.values["forced_kw"] == 0.0
