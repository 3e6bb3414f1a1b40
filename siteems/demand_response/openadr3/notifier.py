"""Notification by MQTT: the VTN's broker says that an event changed, and the VEN polls at once.

What a message holds is not used: the poll that it causes reads the truth, with all its checks. So a
message that is lost, doubled, late or forged changes nothing but the time of a poll, and polling
goes on at its own interval whether the broker answers or not.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import structlog

from siteems.demand_response.openadr3.client import LOOPBACK, VtnClient, poll_pause_s
from siteems.demand_response.openadr3.wire import MqttBinding, Notifiers, Topics
from siteems.demand_response.vtn_error import VtnError

if TYPE_CHECKING:
    import aiomqtt

log = structlog.get_logger(__name__)

RETRY_S: Final = 5.0
"""Until the broker is tried again, twice as long after each failure in a row."""
NOT_OFFERED_S: Final = 3600.0
"""Until a VTN without MQTT is asked again."""
PORTS: Final = {"mqtt": 1883, "mqtts": 8883}
MOST_TOPICS: Final = 1000
ALL: Final = "ALL"
OPERATIONS: Final = ("CREATE", "UPDATE", "DELETE")


@dataclass(frozen=True)
class Broker:
    """Where to connect, and as whom."""

    host: str
    port: int
    tls: bool
    username: str | None = None
    """With the access token as password; None for an anonymous connection."""


class NoNotification(Exception):
    """The VTN offers no notification that can be used. The text says why."""


class Notifier:
    """Listens to the broker of one VTN, until its task is cancelled."""

    def __init__(
        self,
        client: VtnClient,
        client_id: str,
        ca: str | None,
        paths: Callable[[], Sequence[str]],
        wake: Callable[[], None],
        random: Random,
    ) -> None:
        """`paths` are the objects whose events concern the site, such as `/vens/7/events`. `wake`
        is called when an event has changed, and after each connection.
        """
        self._client, self._client_id, self._ca = client, client_id, ca
        self._paths, self._wake, self._random = paths, wake, random
        self._noted = ""

    async def run(self) -> None:
        """Connect, listen, and connect again."""
        failures = 0
        while True:
            try:
                broker, topics = await self._discover()
                failures = 0 if await self._listen(broker, topics) else failures + 1
            except NoNotification as error:
                self._note("openadr-not-notified", str(error))
                await asyncio.sleep(NOT_OFFERED_S)
                continue
            except VtnError as error:
                self._note("openadr-not-notified", str(error))
                failures += 1
            except Exception:
                log.exception("openadr-notifier-failed")  # polling goes on
                failures += 1
            await asyncio.sleep(poll_pause_s(RETRY_S, failures, None, self._random))

    async def _discover(self) -> tuple[Broker, tuple[str, ...]]:
        """The broker and the topics of all events that concern the site."""
        found = await self._client.get("/notifiers", Notifiers)
        if found.MQTT is None:
            raise NoNotification("the VTN offers no MQTT")
        broker = broker_of(found.MQTT, self._client_id)
        topics: list[str] = []
        for path in (*self._paths(), "/events"):
            if path == "/events" and topics:
                break  # those of the site's own programmes suffice
            try:
                names = (await self._client.get(f"/notifiers/mqtt/topics{path}", Topics)).topics
            except VtnError as error:
                if not error.is_refusal:
                    raise
                continue
            chosen = [names[ALL]] if ALL in names else [names[o] for o in OPERATIONS if o in names]
            topics += [name for name in chosen if name not in topics]
        if not topics:
            raise NoNotification("the VTN names no topic of events")
        return broker, tuple(topics[:MOST_TOPICS])

    async def _listen(self, broker: Broker, topics: Sequence[str]) -> bool:
        """Until the connection ends; whether there was one."""
        connected = False
        try:
            import aiomqtt
        except ImportError as error:
            raise NoNotification("it needs aiomqtt; install siteems[mqtt]") from error
        try:
            async with await self._connection(broker) as mqtt:
                for topic in topics:
                    await mqtt.subscribe(topic, qos=1)
                connected = True
                self._note("openadr-notified", f"{broker.host}:{broker.port}")
                self._wake()
                async for _ in mqtt.messages:
                    self._wake()
        except (aiomqtt.MqttError, OSError, ValueError) as error:
            self._note("openadr-not-notified", f"{broker.host}:{broker.port}: {error}")
        return connected

    async def _connection(self, broker: Broker) -> aiomqtt.Client:
        import aiomqtt

        password = None if broker.username is None else await self._client.token()
        tls = ssl.create_default_context(cafile=self._ca) if broker.tls else None
        return aiomqtt.Client(
            broker.host,
            broker.port,
            username=broker.username,
            password=password,
            tls_context=tls,
            timeout=10.0,
            keepalive=30,
            max_queued_incoming_messages=100,
        )

    def _note(self, what: str, detail: str) -> None:
        """Log what is new."""
        if (what + detail) != self._noted:
            self._noted = what + detail
            log.info(what, detail=detail)


def broker_of(binding: MqttBinding, client_id: str) -> Broker:
    """The first broker that can be used. Raises `NoNotification`.

    The access token goes to it, so that it must have TLS, or be on this machine.
    """
    method = binding.authentication.method
    if method == "CERTIFICATE":
        raise NoNotification("the broker wants a client certificate, which is not supported")
    for uri in binding.URIS:
        parts = urlsplit(uri)
        try:
            port = parts.port
        except ValueError:
            continue
        tls = parts.scheme == "mqtts"
        if not parts.hostname or not (
            tls or (parts.scheme == "mqtt" and parts.hostname in LOOPBACK)
        ):
            continue
        username = None
        if method == "OAUTH2_BEARER_TOKEN":
            username = (binding.authentication.username or "").replace("{clientID}", client_id)
        return Broker(parts.hostname, port or PORTS[parts.scheme], tls, username)
    raise NoNotification("the VTN names no broker with TLS (mqtts://)")
