"""A daemon's exchange with a VTN, by the version of OpenADR that the site file states."""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from random import Random
from typing import Protocol

from siteems.demand_response.event import DrEvent
from siteems.demand_response.event_log import EventLog
from siteems.demand_response.listing import Poll, Refuse
from siteems.demand_response.openadr3.client import VtnClient
from siteems.demand_response.openadr3.notifier import Notifier
from siteems.demand_response.openadr3.reporter import Reporter
from siteems.demand_response.openadr3.reports import Available
from siteems.demand_response.openadr3.secrets import read_secrets
from siteems.demand_response.openadr3.ven import Ven
from siteems.history.records import Sample
from siteems.site.demand_response import OpenAdr
from siteems.site.model import Site

BaselineOf = Callable[[datetime, datetime], float | None]


class Session(Protocol):
    """One VTN, from the first poll to the last."""

    async def poll(self, now: datetime) -> Poll:
        """Fetch and record what changed. Raises `VtnError`."""
        ...

    async def listen(self, wake: Callable[[], None]) -> None:
        """Call `wake` whenever the VTN notifies of a change; may return at once."""
        ...

    async def close(self) -> None:
        """End all connections."""
        ...


@dataclass(frozen=True)
class Telemetry:
    """What reports are made of: samples of a span, and the keys of the reports that were sent."""

    samples: Callable[[datetime, datetime], Sequence[Sample]]
    sent: Sequence[str]
    keep_sent: Callable[[Sequence[str]], None]
    available: Available = dict


class Session3:
    """With a VTN of OpenADR 3.1."""

    def __init__(
        self,
        site: Site,
        settings: OpenAdr,
        events: EventLog,
        refuse: Refuse,
        baseline: BaselineOf,
        known: Sequence[DrEvent],
        telemetry: Telemetry,
    ) -> None:
        """Raises `OSError` for an unusable `ca`."""
        assert settings.secrets is not None, "the site file was checked"
        secrets = read_secrets(Path(settings.secrets))
        self._client_id, self._ca = secrets.client_id, settings.ca
        self._client = VtnClient(settings.url, secrets, settings.ca)
        self._reporter = Reporter(
            self._client,
            settings.ven_name,
            telemetry.samples,
            telemetry.sent,
            telemetry.keep_sent,
            telemetry.available,
        )
        self._ven = Ven(
            settings,
            site.site.currency,
            self._client,
            events,
            refuse,
            baseline,
            known,
            self._reporter,
        )

    async def poll(self, now: datetime) -> Poll:
        """Events first, then the reports that are due."""
        poll = await self._ven.poll(now)
        await self._reporter.send(now)
        return poll

    async def listen(self, wake: Callable[[], None]) -> None:
        """To the broker of the VTN, where it has one."""
        notifier = Notifier(
            self._client, self._client_id, self._ca, lambda: self._ven.notified_of, wake, Random()
        )
        await notifier.run()

    async def close(self) -> None:
        """End all connections."""
        await self._client.close()


def session2(
    site: Site,
    settings: OpenAdr,
    events: EventLog,
    refuse: Refuse,
    baseline: BaselineOf,
    known: Sequence[DrEvent],
    opt_outs: Container[str],
    live: Callable[[], Mapping[str, float | None]],
) -> Session:
    """With a VTN of OpenADR 2.0b. Make it in the event loop that uses it. Raises `UserError` for
    certificates that cannot be used, or where the library is not installed.
    """
    # Here, because the library takes memory and is not installed at most sites.
    from siteems.demand_response.openadr2.events import Participation
    from siteems.demand_response.openadr2.ven import Ven2

    participation = Participation(
        ven_name=settings.ven_name,
        currency=site.site.currency,
        programmes=frozenset(settings.programmes),
        simple_caps_kw=settings.simple_caps_kw,
        capacity_kwh=site.battery.capacity_kwh,
        targets=frozenset(settings.targets),
    )
    return Ven2(
        settings,
        participation,
        events,
        refuse,
        baseline,
        known,
        lambda event: event in opt_outs,
        live,
    )


def check_credentials(settings: OpenAdr) -> None:
    """Raises `UserError` for credentials that cannot be used, and a library that is missing."""
    if settings.secrets is not None:
        read_secrets(Path(settings.secrets))
    if settings.version == "2.0b":
        from siteems.demand_response.openadr2.ven import require_library

        require_library()
