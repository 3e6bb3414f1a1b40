"""The VEN against a VTN on a real socket: the life of an event, restarts of either side, and a
model of the timeline.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from siteems.demand_response.event import DrEvent
from siteems.demand_response.event_log import EventLog
from siteems.demand_response.listing import Poll
from siteems.demand_response.openadr3.client import VtnClient
from siteems.demand_response.openadr3.secrets import Secrets
from siteems.demand_response.openadr3.times import time_text
from siteems.demand_response.openadr3.ven import Ven
from siteems.demand_response.vtn_error import VtnError
from siteems.history.store import History
from siteems.simulation.vtn import Fault, SimulatedVtn
from siteems.site.demand_response import OpenAdr

NOW = datetime.now(UTC).replace(microsecond=0)
HOUR = timedelta(hours=1)


class Rig:
    """A VTN, a record, and a VEN that can be started anew."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        self.vtn = SimulatedVtn()
        self.vtn.__enter__()
        self.programme = self.vtn.add_programme("summer")
        self.history = History(folder / "history.sqlite3")
        self.log = EventLog(self.history)
        self.refusals: dict[str, str] = {}
        self._settings = settings
        self.clients: list[VtnClient] = []
        self.now = NOW
        self.baseline_kw: float | None = 4.0
        self.start()

    def start(self) -> None:
        """As after a restart of the site."""
        settings = OpenAdr(url=self.vtn.url, ven_name="site-1", secrets="x", **self._settings)
        client = VtnClient(self.vtn.url, Secrets("ven", "secret"))
        self.clients.append(client)
        known = self.log.events_of(self.history.newest_event_rows(NOW - 24 * HOUR))
        self.ven = Ven(settings, "CNY", client, self.log, self._refuse, self._baseline, known)

    async def close(self) -> None:
        for client in self.clients:
            await client.close()
        self.vtn.__exit__()
        self.history.close()

    def _baseline(self, start: datetime, end: datetime) -> float | None:
        return self.baseline_kw

    def _refuse(self, event: DrEvent, others: Iterable[DrEvent], now: datetime) -> str | None:
        return self.refusals.get(event.kind)

    def add(self, value: float = 1.5, start: datetime = NOW + HOUR, **more: Any) -> str:
        return self.vtn.add_event(self.programme, **body(value, start), **more)

    async def poll(self, now: datetime | None = None) -> Poll:
        return await self.ven.poll(now or self.now)

    def caps(self, now: datetime | None = None) -> dict[str, float]:
        """Values of the open events by id of the VTN."""
        return {e.id.split(":")[1]: e.intervals[0].value for e in self.log.open(now or self.now)}


def body(value: float, start: datetime = NOW + HOUR, kind: str = "IMPORT_CAPACITY_LIMIT") -> Any:
    payload = {"type": kind, "values": [value]}
    return {
        "intervalPeriod": {"start": time_text(start), "duration": "PT1H"},
        "intervals": [{"id": 0, "payloads": [payload]}],
    }


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[Rig]:
    rig = Rig(tmp_path)
    yield rig
    await rig.close()


class TestLife:
    async def test_created_modified_deleted(self, rig: Rig) -> None:
        event = rig.add(1.5)
        assert len((await rig.poll()).added) == 1
        assert rig.caps() == {event: 1.5}
        assert (await rig.poll()).added == ()
        rig.vtn.modify_event(event, **body(2.5))
        await rig.poll()
        assert rig.caps() == {event: 2.5}
        rig.vtn.delete_event(event)
        [cancelled] = (await rig.poll()).added
        assert cancelled.cancelled
        assert rig.caps() == {}
        assert (await rig.poll()).added == ()

    async def test_a_deleted_event_comes_back_only_when_it_is_modified_later(
        self, rig: Rig
    ) -> None:
        event = rig.add()
        await rig.poll()
        stored = rig.vtn.objects["events"].pop(event)
        await rig.poll()
        rig.vtn.objects["events"][event] = stored
        assert (await rig.poll()).added == (), "the same revision"
        assert rig.caps() == {}
        rig.vtn.modify_event(event, **body(2.0))
        await rig.poll()
        assert rig.caps() == {event: 2.0}

    async def test_a_reduction_stays_when_its_baseline_is_no_longer_known(self, rig: Rig) -> None:
        """As after a record that was set aside; until the operator modifies it."""
        reduction = "DISPATCH_SETPOINT_RELATIVE"
        event = rig.vtn.add_event(rig.programme, **body(-1.0, kind=reduction))
        await rig.poll()
        assert rig.caps() == {event: 1.0}
        rig.baseline_kw = None
        assert await rig.poll() == Poll((), ())
        assert rig.caps() == {event: 1.0}
        rig.vtn.modify_event(event, **body(-2.0, kind=reduction))
        assert ["no baseline" in why for why in (await rig.poll()).refused] == [True]
        assert rig.caps() == {}, "it is no longer what the operator asks for"

    async def test_an_event_that_is_over_is_not_cancelled(self, rig: Rig) -> None:
        event = rig.add()
        await rig.poll()
        rig.vtn.delete_event(event)
        assert (await rig.poll(NOW + 3 * HOUR)).added == ()

    async def test_more_than_a_page(self, rig: Rig) -> None:
        for number in range(120):
            rig.add(float(number))
        await rig.poll()
        assert len(rig.history.open_event_rows(NOW, 1000)) == 120

    async def test_registration_once(self, rig: Rig) -> None:
        for _ in range(3):
            await rig.poll()
        assert [path for path, _ in rig.vtn.bodies] == ["/vens", "/resources"]
        rig.start()
        await rig.poll()
        assert len(rig.vtn.bodies) == 2, "both are there"

    async def test_a_vtn_that_refuses_to_register_it_still_sends_events(self, rig: Rig) -> None:
        rig.vtn.faults = [Fault(delay_s=0.0, count=2), Fault(status=403)]
        event = rig.add()
        await rig.poll()
        assert rig.caps() == {event: 1.5}


class TestTrouble:
    async def test_events_stay_while_the_vtn_cannot_be_reached(self, rig: Rig) -> None:
        event = rig.add()
        await rig.poll()
        for fault in (Fault(status=500), Fault(cut=True), Fault(raw=b"{}")):
            rig.vtn.faults = [fault]
            with pytest.raises(VtnError):
                await rig.poll()
            assert rig.caps() == {event: 1.5}

    async def test_a_failure_within_the_pages_cancels_nothing(self, rig: Rig) -> None:
        for number in range(60):
            rig.add(float(number))
        await rig.poll()
        # The listing of programmes, then the first page, then the failure.
        rig.vtn.faults = [Fault(count=2), Fault(status=500)]
        with pytest.raises(VtnError):
            await rig.poll()
        assert len(rig.caps()) == 60

    async def test_an_object_that_cannot_be_read_leaves_what_was_known(self, rig: Rig) -> None:
        event, other = rig.add(), rig.add(2.0)
        await rig.poll()
        rig.vtn.objects["events"][event]["intervals"] = "garbage"
        first, second = await rig.poll(), await rig.poll()
        assert rig.caps() == {event: 1.5, other: 2.0}
        assert len(first.refused) == 1
        assert "intervals" in first.refused[0]
        assert second.refused == (), "reported once"

    async def test_a_modification_that_is_refused_ends_the_event(self, rig: Rig) -> None:
        event = rig.add()
        await rig.poll()
        rig.vtn.modify_event(event, **body(-7.0))
        poll = await rig.poll()
        assert rig.caps() == {}
        assert len(poll.refused) == 1
        rig.vtn.modify_event(event, **body(2.0))
        await rig.poll()
        assert rig.caps() == {event: 2.0}

    async def test_what_the_site_refuses_is_reported_once_and_not_followed(self, rig: Rig) -> None:
        rig.refusals["import-cap"] = "not today"
        event = rig.add()
        first, second = await rig.poll(), await rig.poll()
        assert [text.partition(": ")[2] for text in first.refused] == ["not today"]
        assert second.refused == ()
        assert rig.caps() == {}
        rig.refusals.clear()
        await rig.poll()
        assert rig.caps() == {event: 1.5}

    async def test_a_restart_of_the_site_in_mid_event(self, rig: Rig) -> None:
        kept, gone = rig.add(1.0, NOW - HOUR / 2), rig.add(2.0, NOW - HOUR / 2)
        await rig.poll()
        rig.start()
        assert set(rig.caps()) == {kept, gone}
        rig.vtn.delete_event(gone)
        await rig.poll()
        assert rig.caps() == {kept: 1.0}

    async def test_a_restart_of_the_site_does_not_bring_a_cancelled_event_back(
        self, rig: Rig
    ) -> None:
        event = rig.add()
        await rig.poll()
        stored = rig.vtn.objects["events"].pop(event)
        await rig.poll()
        rig.vtn.objects["events"][event] = stored
        rig.start()
        assert (await rig.poll()).added == ()
        assert rig.caps() == {}

    async def test_a_vtn_that_has_forgotten_all_cancels_all(self, rig: Rig) -> None:
        rig.add(), rig.add()
        await rig.poll()
        rig.vtn.objects["events"].clear()
        rig.vtn.revoke_tokens()
        assert len((await rig.poll()).added) == 2
        assert rig.caps() == {}


async def test_only_the_programmes_of_the_site(tmp_path: Path) -> None:
    rig = Rig(tmp_path, programmes=("winter",))
    rig.add()
    winter = rig.vtn.add_programme("winter")
    event = rig.vtn.add_event(winter, **body(3.0))
    await rig.poll()
    assert rig.caps() == {event: 3.0}
    await rig.close()


# -- a model ---------------------------------------------------------------------------------------

steps = st.lists(
    st.one_of(
        st.tuples(st.just("create"), st.integers(0, 3), st.integers(0, 9)),
        st.tuples(st.just("modify"), st.integers(0, 3), st.integers(0, 9)),
        st.tuples(st.just("delete"), st.integers(0, 3)),
        st.tuples(st.just("return-old"), st.integers(0, 3)),
        st.tuples(st.just("poll")),
        st.tuples(st.just("fail")),
        st.tuples(st.just("restart-site")),
        st.tuples(st.just("restart-vtn")),
        st.tuples(st.just("manual-copy"), st.integers(0, 3)),
        st.tuples(st.just("set-clock"), st.integers(-90, 150)),
    ),
    max_size=25,
)


@settings(max_examples=25, suppress_health_check=list(HealthCheck), deadline=None)
@given(steps=steps)
def test_the_timeline_is_that_of_the_model(
    steps: list[tuple[Any, ...]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """After each poll the open events are exactly those that the VTN has."""
    asyncio.run(_follow(steps, tmp_path_factory.mktemp("rig")))


async def _follow(steps: list[tuple[Any, ...]], folder: Path) -> None:
    rig = Rig(folder)
    ids: dict[int, str] = {}
    deleted: dict[int, Any] = {}
    wanted: dict[str, float] = {}

    def right() -> dict[str, float]:
        """All events end at the same time; when it has passed, none is open."""
        return wanted if rig.now < NOW + 2 * HOUR else {}

    try:
        for step, *arguments in steps:
            match step, *arguments:
                case "create", slot, value if slot not in ids:
                    ids[slot] = rig.add(float(value))
                    wanted[ids[slot]] = float(value)
                case "modify", slot, value if ids.get(slot) in wanted:
                    rig.vtn.modify_event(ids[slot], **body(float(value)))
                    wanted[ids[slot]] = float(value)
                case "delete", slot if ids.get(slot) in wanted:
                    await rig.poll()  # a deletion that no poll has seen is as if it never was
                    deleted[slot] = rig.vtn.objects["events"].pop(ids[slot])
                    del wanted[ids[slot]]
                    await rig.poll()
                case "return-old", slot if slot in deleted and ids[slot] not in wanted:
                    # A copy from a cache: nothing new, so that it must not act.
                    rig.vtn.objects["events"][ids[slot]] = deleted[slot]
                    await rig.poll()
                    assert rig.caps() == right()
                    del rig.vtn.objects["events"][ids[slot]]
                case ("fail",):
                    rig.vtn.faults = [Fault(status=500, count=100)]
                    with pytest.raises(VtnError):
                        await rig.poll()
                    rig.vtn.faults = []
                case ("restart-site",):
                    rig.start()
                case ("restart-vtn",):
                    rig.vtn.revoke_tokens()
                case "set-clock", minutes:
                    rig.now = NOW + timedelta(minutes=minutes)
                case "manual-copy", _:
                    for event in rig.log.open(rig.now):
                        rig.log.add(event)  # the same revision twice
                case ("poll",):
                    await rig.poll()
                    assert rig.caps() == right()
        await rig.poll()
        assert rig.caps() == right()
        assert (await rig.poll()).added == (), "nothing twice"
    finally:
        await rig.close()
