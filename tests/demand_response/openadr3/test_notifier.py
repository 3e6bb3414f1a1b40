"""Notification through a real broker: it causes polls, and nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from pathlib import Path
from random import Random

import pytest
from broker_rig import running_broker

from siteems.demand_response.openadr3 import notifier as notifier_module
from siteems.demand_response.openadr3.client import VtnClient
from siteems.demand_response.openadr3.notifier import (
    Broker,
    NoNotification,
    Notifier,
    broker_of,
)
from siteems.demand_response.openadr3.secrets import Secrets
from siteems.demand_response.openadr3.wire import MqttAuthentication, MqttBinding
from siteems.simulation.broker import LocalBroker
from siteems.simulation.vtn import SimulatedVtn

SECRETS = Secrets("ven", "secret")
WITHIN_S = 10.0


class TestBroker:
    @pytest.mark.parametrize(
        ("uris", "method", "username", "right"),
        [
            (("mqtts://b.example.org",), "ANONYMOUS", None, ("b.example.org", 8883, True, None)),
            (("mqtt://127.0.0.1:1884",), "ANONYMOUS", None, ("127.0.0.1", 1884, False, None)),
            (
                ("mqtt://b.example.org", "mqtts://b.example.org:99"),
                "OAUTH2_BEARER_TOKEN",
                "{clientID}",
                ("b.example.org", 99, True, "ven"),
            ),
        ],
    )
    def test_the_first_that_can_be_used(
        self,
        uris: tuple[str, ...],
        method: str,
        username: str | None,
        right: tuple[str, int, bool, str | None],
    ) -> None:
        shown = MqttAuthentication.model_validate({"method": method, "username": username})
        binding = MqttBinding(URIS=uris, authentication=shown)
        assert broker_of(binding, "ven") == Broker(*right)

    @pytest.mark.parametrize(
        "uri", ["mqtt://b.example.org", "http://b.example.org", "mqtts://", "mqtts://b:x", "", "7"]
    )
    def test_none_without_tls_elsewhere(self, uri: str) -> None:
        binding = MqttBinding(URIS=(uri,), authentication=MqttAuthentication(method="ANONYMOUS"))
        with pytest.raises(NoNotification, match="no broker with TLS"):
            broker_of(binding, "ven")

    def test_no_client_certificate(self) -> None:
        shown = MqttAuthentication(method="CERTIFICATE")
        with pytest.raises(NoNotification, match="client certificate"):
            broker_of(MqttBinding(URIS=("mqtts://b",), authentication=shown), "ven")


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[LocalBroker]:
    with running_broker(tmp_path) as broker:
        yield broker


@pytest.fixture
def vtn(broker: LocalBroker) -> Iterator[SimulatedVtn]:
    with SimulatedVtn() as vtn:
        vtn.broker, vtn.publish = broker.url, broker.publish
        yield vtn


class Listening:
    """A notifier in its task, and how often it has asked for a poll."""

    def __init__(self, vtn: SimulatedVtn, programme: str) -> None:
        self.count = 0
        self._changed = asyncio.Event()
        self._client = VtnClient(vtn.url, SECRETS)
        paths = (f"/programs/{programme}/events",)
        notifier = Notifier(self._client, "ven", None, lambda: paths, self._wake, Random(1))
        self._task = asyncio.create_task(notifier.run())

    def _wake(self) -> None:
        self.count += 1
        self._changed.set()

    async def until(self, count: int) -> None:
        async with asyncio.timeout(WITHIN_S):
            while self.count < count:
                self._changed.clear()
                await self._changed.wait()

    async def close(self) -> None:
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task
        await self._client.close()


@pytest.fixture
async def listening(
    vtn: SimulatedVtn, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[tuple[Listening, str]]:
    monkeypatch.setattr(notifier_module, "RETRY_S", 0.1)
    programme = vtn.add_programme("summer")
    listening = Listening(vtn, programme)
    yield listening, programme
    await listening.close()


async def test_each_change_of_an_event_causes_a_poll(
    vtn: SimulatedVtn, listening: tuple[Listening, str]
) -> None:
    notified, programme = listening
    await notified.until(1)  # connected
    event = await asyncio.to_thread(vtn.add_event, programme, eventName="cap")
    await notified.until(2)
    await asyncio.to_thread(vtn.modify_event, event, eventName="tighter")
    await notified.until(3)
    await asyncio.to_thread(vtn.delete_event, event)
    await notified.until(4)


async def test_other_programmes_and_topics_cause_none(
    vtn: SimulatedVtn, broker: LocalBroker, listening: tuple[Listening, str]
) -> None:
    notified, programme = listening
    await notified.until(1)
    other = vtn.add_programme("winter")
    await asyncio.to_thread(vtn.add_event, other)
    await asyncio.to_thread(broker.publish, "events/CREATE", "{}")
    await asyncio.to_thread(vtn.add_event, programme)
    await notified.until(2)
    assert notified.count == 2


async def test_a_broker_that_restarts_is_found_again(
    broker: LocalBroker, listening: tuple[Listening, str]
) -> None:
    notified, _ = listening
    await notified.until(1)
    await asyncio.to_thread(broker.stop)
    await asyncio.to_thread(broker.start)
    await notified.until(2)


async def test_nonsense_from_the_broker_causes_a_poll_and_nothing_else(
    vtn: SimulatedVtn, broker: LocalBroker, listening: tuple[Listening, str]
) -> None:
    notified, programme = listening
    await notified.until(1)
    for number, message in enumerate(("", "no json", "\x00" * 1000, "[" * 5000)):
        await asyncio.to_thread(broker.publish, f"programs/{programme}/events/CREATE", message)
        await notified.until(2 + number)
