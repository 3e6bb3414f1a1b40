"""The VEN: it registers, polls the VTN for events, and hands what changed to the site's event log.

A poll lists everything, so that a restart of either side needs no more than the next poll. While
the VTN cannot be reached, the events that are known go on by their own times.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Final, TypeVar

import structlog

from siteems.demand_response.event import DrEvent
from siteems.demand_response.listing import Added, EventRefused, Followed, Poll, Refuse
from siteems.demand_response.openadr3.client import Unreadable, VtnClient
from siteems.demand_response.openadr3.events import (
    SOURCE,
    BaselineOf,
    Participation,
    neutral_events,
    revision_of,
)
from siteems.demand_response.openadr3.reporter import Reporter
from siteems.demand_response.openadr3.wire import (
    PayloadDescriptor,
    ResourceRequest,
    VenRequest,
    WireEvent,
    WireProgram,
    WireResource,
    WireVen,
)
from siteems.demand_response.vtn_error import VtnError
from siteems.site.demand_response import OpenAdr

log = structlog.get_logger(__name__)

PAGE: Final = 50
"""Objects of a page: the most that the standard allows."""
MOST_PAGES: Final = 40
"""Of a listing. A VTN that shows 2,000 events to one site shows it those of others."""
T = TypeVar("T", WireEvent, WireProgram)


class Ven:
    """One VTN. Not for several tasks at once."""

    def __init__(
        self,
        settings: OpenAdr,
        currency: str,
        client: VtnClient,
        events: Added,
        refuse: Refuse,
        baseline: BaselineOf,
        known: Iterable[DrEvent] = (),
        reporter: Reporter | None = None,
    ) -> None:
        """`known` are the newest revisions that the record has, cancelled ones too."""
        self._reporter = reporter
        self._settings, self._currency, self._client = settings, currency, client
        self._baseline = baseline
        self._followed = Followed(events, refuse, (e for e in known if e.source == SOURCE))
        self._registered = False
        self._ven_id: str | None = None
        self._programme_ids: tuple[str, ...] = ()

    @property
    def notified_of(self) -> tuple[str, ...]:
        """The objects of the VTN whose events concern this site, as far as polls have shown them:
        those for the VEN itself, and those of its programmes.
        """
        own = () if self._ven_id is None else (f"/vens/{self._ven_id}/events",)
        return (*own, *(f"/programs/{id_}/events" for id_ in self._programme_ids))

    async def poll(self, now: datetime) -> Poll:
        """Ask the VTN for everything, and record what changed. Raises `VtnError`; then nothing has
        changed.
        """
        if not self._registered:
            await self._register()
        programmes, descriptors = await self._programmes()
        ven = Participation(
            ven_name=self._settings.ven_name,
            currency=self._currency,
            programmes=programmes,
            targets=frozenset(self._settings.targets),
            simple_caps_kw=self._settings.simple_caps_kw,
            descriptors=descriptors,
        )
        wire, unreadable = await self._all("/events", WireEvent)
        listed, refused = self._read(wire, ven)
        refused |= {f"{each.id or each.wrong}": each.wrong for each in unreadable}
        unclear = {each.id for each in unreadable}
        # An object that cannot be read says nothing about the event that it was before.
        known = self._followed.known.values()
        listed += [event for event in known if _wire_id(event) in unclear]
        poll = self._followed.take(listed, refused, now)
        self._ask_for_reports(wire)
        return poll

    def _ask_for_reports(self, wire: Iterable[WireEvent]) -> None:
        """Of the events that are followed; of one that became several, of the first."""
        if self._reporter is None:
            return
        asked = {each.id: each.reportDescriptors for each in wire if each.reportDescriptors}
        for event in sorted(self._followed.known.values(), key=lambda each: each.id, reverse=True):
            if not event.cancelled and (descriptors := asked.pop(_wire_id(event), None)):
                self._reporter.ask(event, _wire_id(event), descriptors)

    def _read(
        self, wire: Iterable[WireEvent], ven: Participation
    ) -> tuple[list[DrEvent], dict[str, str]]:
        """The neutral events, and why others are refused, by id."""
        listed: list[DrEvent] = []
        refused: dict[str, str] = {}
        for each in wire:
            try:
                listed += neutral_events(each, ven, self._baseline)
            except EventRefused as error:
                accepted = self._accepted(each)
                listed += accepted
                if not accepted:
                    refused[each.id] = str(error)
            except Exception as error:  # one event must not keep the others away
                log.exception("openadr-event-failed", id=each.id)
                refused[each.id] = f"event {each.id}: {type(error).__name__}, an error of siteems"
        return listed, refused

    def _accepted(self, event: WireEvent) -> list[DrEvent]:
        """What was accepted of an event as it is now. It stays so, also where the baseline that it
        had then is no longer known.
        """
        try:
            revision = revision_of(event)
        except EventRefused:
            return []
        known = self._followed.known.values()
        return [e for e in known if _wire_id(e) == event.id and e.revision >= revision]

    async def _programmes(
        self,
    ) -> tuple[Mapping[str, str], Mapping[str, tuple[PayloadDescriptor, ...]]]:
        """Names and payload descriptors by id, of the programmes in which the site takes part."""
        found, _ = await self._all("/programs", WireProgram)
        wanted = self._settings.programmes
        taken = [each for each in found if not wanted or each.programName in wanted]
        names = {each.id: each.programName for each in taken}
        self._programme_ids = tuple(names)
        return names, {each.id: each.payloadDescriptors or () for each in taken}

    async def _all(self, path: str, kind: type[T]) -> tuple[list[T], list[Unreadable]]:
        found: list[T] = []
        unreadable: list[Unreadable] = []
        for page in range(MOST_PAGES):
            more, wrong = await self._client.get_list(
                path, kind, {"skip": page * PAGE, "limit": PAGE}
            )
            found += more
            unreadable += wrong
            if len(more) + len(wrong) < PAGE:
                return found, unreadable
        raise VtnError(f"GET {path}: more than {MOST_PAGES * PAGE} objects")

    async def _register(self) -> None:
        """Make the VEN and its battery known. Many a VTN has them already, or lets only its
        operator make them; events come anyhow, so that a refusal is only logged.
        """
        name = self._settings.ven_name
        try:
            vens, _ = await self._client.get_list("/vens", WireVen, {"venName": name})
            mine = [each for each in vens if each.venName == name]
            ven = mine[0] if mine else None
            if ven is None:
                ven = await self._client.post("/vens", VenRequest(venName=name), WireVen)
            self._ven_id = ven.id
            resource = f"{name}-battery"
            query = {"venID": ven.id, "resourceName": resource}
            found, _ = await self._client.get_list("/resources", WireResource, query)
            if not any(each.resourceName == resource for each in found):
                request = ResourceRequest(resourceName=resource, venID=ven.id)
                await self._client.post("/resources", request, WireResource)
        except VtnError as error:
            log.warning("openadr-not-registered", detail=str(error))
            self._registered = error.is_refusal
        else:
            self._registered = True


def _wire_id(event: DrEvent) -> str:
    """The VTN's id of an event, from ours: `openadr:<id>:<payload type>`."""
    return event.id.removeprefix(f"{SOURCE}:").rpartition(":")[0]
