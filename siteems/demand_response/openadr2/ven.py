"""The VEN of OpenADR 2.0b: it registers, asks the VTN for all events, and answers each with opt-in
or opt-out.

The messages, their XML schemas and the reports are those of the library `openleadr`; what an event
means and whether it is followed is decided here. The library's own polling is not used: it keeps
its view of events in memory, and the record of the site is what counts.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final

import structlog

from siteems.demand_response.event import DrEvent
from siteems.demand_response.listing import Added, EventRefused, Followed, Poll, Refuse
from siteems.demand_response.openadr2.events import (
    SOURCE,
    BaselineOf,
    Participation,
    event_id_of,
    is_cancelled,
    is_for,
    neutral_events,
    revision_of,
)
from siteems.demand_response.vtn_error import VtnError
from siteems.errors import UserError
from siteems.site.demand_response import OpenAdr

if TYPE_CHECKING:
    from openleadr import OpenADRClient

log = structlog.get_logger(__name__)

MOST_EVENTS: Final = 1000
"""Of a listing. A VTN that shows more to one site shows it those of others."""
MOST_MESSAGES: Final = 20
"""That one poll takes from the queue of the VTN."""
WHOLE_S: Final = 30.0
"""Of a whole exchange."""
REPORT: Final = "siteems-telemetry"
"""The specifier of the report, the same after a restart, as a VTN may keep its request."""
SHORTEST_SAMPLE, LONGEST_SAMPLE = timedelta(seconds=10), timedelta(hours=1)
REPORT_SPAN: Final = timedelta(hours=1)

Live = Callable[[], Mapping[str, float | None]]
"""The newest sample of the site; empty where none is new enough."""


class Ven2:
    """One VTN. Make and use it in one event loop."""

    def __init__(
        self,
        settings: OpenAdr,
        ven: Participation,
        events: Added,
        refuse: Refuse,
        baseline: BaselineOf,
        known: Iterable[DrEvent],
        declined: Callable[[str], bool],
        live: Live,
    ) -> None:
        """`declined` says whether someone at the site has opted out of an event. Raises `UserError`
        where the library is not installed, or a certificate cannot be used.
        """
        self._participation, self._baseline = ven, baseline
        self._declined, self._live = declined, live
        self._followed = Followed(events, refuse, (e for e in known if e.source == SOURCE))
        self._answered: dict[str, tuple[int, str]] = {}
        """The modification and the answer that the VTN has, by its id of the event."""
        self._last = _LastLine()
        self._client = _client(settings, self._last)
        self._queue: asyncio.Task[None] | None = None
        self._add_reports()

    async def poll(self, now: datetime) -> Poll:
        """Ask the VTN for everything, record what changed and answer. Raises `VtnError`; the next
        poll then registers anew, as a VTN that was restarted may know neither this VEN nor the
        reports that it asked for.
        """
        try:
            return await self._poll(now)
        except VtnError:
            self._client.registration_id = None
            raise

    async def _poll(self, now: datetime) -> Poll:
        if self._client.registration_id is None:
            await self._register()
        kind, payload = await self._exchange(self._client.request_event())
        if kind not in ("oadrDistributeEvent", "oadrResponse"):
            raise VtnError(f"EiEvent: the VTN answers with {kind}")
        _check_response(payload)
        wire = list(payload.get("events") or ())
        if len(wire) > MOST_EVENTS:
            raise VtnError(f"EiEvent: {len(wire)} events; allowed: {MOST_EVENTS}")
        listed, refused = self._read(wire)
        poll = self._followed.take(listed, refused, now)
        await self._answer(wire, str(payload.get("request_id") or ""))
        await self._take_messages()
        return poll

    async def listen(self, wake: Callable[[], None]) -> None:
        """Nothing: 2.0b knows no notification for a VEN that polls."""

    async def close(self) -> None:
        """End the connection and the reports."""
        if self._queue is not None:
            self._queue.cancel()
        if self._client.scheduler.running:
            self._client.scheduler.shutdown(wait=False)
        if self._client.client_session is not None:
            await self._client.client_session.close()

    # -- events ------------------------------------------------------------------------------------

    def _read(self, wire: Iterable[Mapping[str, Any]]) -> tuple[list[DrEvent], dict[str, str]]:
        """The neutral events, and why others are refused, by the VTN's id."""
        listed: list[DrEvent] = []
        refused: dict[str, str] = {}
        for number, each in enumerate(wire):
            id_ = f"[{number}]"
            before: list[DrEvent] = []
            try:
                id_ = event_id_of(each)
                before = self._known(id_)
                found, why = self._revisions(each, before, revision_of(each))
            except EventRefused as error:  # without a revision, it says nothing of what it was
                found, why = before, str(error)
            except Exception as error:  # one event must not keep the others away
                log.exception("openadr-event-failed", id=id_)
                found, why = before, f"event {id_}: {type(error).__name__}, an error of siteems"
            listed += found
            if why is not None:
                refused[id_] = why
        return listed, refused

    def _revisions(
        self, event: Mapping[str, Any], before: list[DrEvent], revision: int
    ) -> tuple[list[DrEvent], str | None]:
        """What an event is now, and why it is refused, if it is. `before` is what is known of it.

        A cancellation needs nothing but the id. A modification that is refused ends the event, as
        the operator no longer asks for what it was. An event that was accepted and is listed again
        stays as it is, also where its baseline is no longer known.
        """
        if is_cancelled(event):
            return [
                e if e.cancelled else _ended(e, max(revision, e.revision + 1)) for e in before
            ], None
        try:
            return list(neutral_events(event, self._ven(), self._baseline)), None
        except EventRefused as error:
            if before and max(e.revision for e in before) >= revision:
                return before, None
            return [e if e.cancelled else _ended(e, revision) for e in before], str(error)

    def _known(self, id_: str) -> list[DrEvent]:
        return [e for e in self._followed.known.values() if _wire_id(e) == id_]

    def _ven(self) -> Participation:
        return replace(self._participation, ven_id=self._client.ven_id)

    def _opts_in(self, event: Mapping[str, Any], id_: str) -> bool:
        """Whether a part of an event is followed, or it asks nothing of this site."""
        if is_cancelled(event):
            return True
        if not is_for(event, self._ven()):
            return False
        mine = self._known(id_)
        if any(not e.cancelled and not self._declined(e.id) for e in mine):
            return True
        return not mine and all(_wire_id_of(key) != id_ for key in self._followed.refused)

    async def _answer(self, wire: Iterable[Mapping[str, Any]], request_id: str) -> None:
        """Opt in to what is followed, out of the rest, where the VTN does not know it yet."""
        for each in wire:
            descriptor = each.get("event_descriptor") or {}
            id_, number = descriptor.get("event_id"), descriptor.get("modification_number")
            if each.get("response_required") != "always" or not isinstance(number, int):
                continue
            answer = number, "optIn" if self._opts_in(each, str(id_)) else "optOut"
            if self._answered.get(str(id_)) == answer:
                continue
            sent = self._client.created_event(request_id, id_, answer[1], number)
            await self._whole(sent)
            if self._last.text:
                raise VtnError(f"oadrCreatedEvent{self._last.text}")
            self._answered[str(id_)] = answer
        while len(self._answered) > MOST_EVENTS:
            self._answered.pop(next(iter(self._answered)))

    # -- registration and reports ------------------------------------------------------------------

    async def _register(self) -> None:
        client = self._client
        kind, _ = await self._exchange(client.query_registration())
        if kind != "oadrCreatedPartyRegistration":
            raise VtnError(f"EiRegisterParty: the VTN answers with {kind}")
        await self._whole(client.create_party_registration(ven_id=client.ven_id))
        if client.registration_id is None:
            raise VtnError(f"EiRegisterParty: not registered{self._last.text}")
        self._answered.clear()
        if self._queue is None:
            client.loop = asyncio.get_running_loop()
            client.scheduler.start()
            self._queue = asyncio.create_task(client._report_queue_worker())
        earlier = list(client.report_requests)
        with suppress(VtnError):  # events come without reports, too
            await self._whole(client.register_reports(client.reports))
        if len(client.report_requests) > len(earlier):
            # The VTN asks anew, so what it asked for before is sent no more.
            client.report_requests[:] = client.report_requests[len(earlier) :]
            for request in earlier:
                if request["job"] is not None:
                    request["job"].remove()

    def _add_reports(self) -> None:
        from openleadr.objects import SamplingRate

        rate = SamplingRate(min_period=SHORTEST_SAMPLE, max_period=LONGEST_SAMPLE, on_change=False)
        for name, column in (("grid", "grid_kw"), ("battery", "battery_kw")):
            self._client.add_report(
                callback=lambda column=column: self._measured(column),
                resource_id=name,
                r_id=f"{name}-power",
                measurement="RealPower",
                unit="W",
                scale="k",
                sampling_rate=rate,
                report_specifier_id=REPORT,
                report_duration=REPORT_SPAN,
            )

    def _measured(self, column: str) -> float | list[tuple[datetime, float]]:
        value = self._live().get(column)
        return [] if value is None else round(value, 3)

    async def _take_messages(self) -> None:
        """What else the VTN has for this VEN: requests for reports, or to register again."""
        for _ in range(MOST_MESSAGES):
            kind, payload = await self._exchange(self._client.poll())
            match kind:
                case "oadrCreateReport" if "report_requests" in payload:
                    await self._whole(self._client.create_report(payload))
                case "oadrCancelReport":
                    await self._whole(self._client.cancel_report(payload))
                case "oadrRequestReregistration":
                    await self._whole(self._client.send_response(service="EiRegisterParty"))
                    self._client.registration_id = None
                    return
                case "oadrCancelPartyRegistration":
                    self._client.registration_id = None
                    return
                case _:  # events were listed already, and the rest asks nothing of a VEN
                    return

    # -- exchanges ---------------------------------------------------------------------------------

    async def _exchange(self, asked: Awaitable[Any]) -> tuple[str, Mapping[str, Any]]:
        """Type and payload of an answer. Raises `VtnError` where there is none."""
        answer = await self._whole(asked)
        if not isinstance(answer, tuple) or answer[0] is None:
            if isinstance(answer, tuple) or answer is None:
                raise VtnError(f"no answer that can be used{self._last.text}")
            return "", {}
        return answer[0], answer[1]

    async def _whole(self, asked: Awaitable[Any]) -> Any:
        self._last.clear()
        try:
            async with asyncio.timeout(WHOLE_S):
                return await asked
        except TimeoutError as error:
            raise VtnError(f"no whole answer within {WHOLE_S:g} s") from error
        except VtnError:
            raise
        except Exception as error:  # the library raises many kinds for an answer that is none
            raise VtnError(
                f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
            ) from error


class _LastLine(logging.Handler):
    """Keeps the last warning of the library, which logs what went wrong and returns nothing."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._line = ""

    def emit(self, record: logging.LogRecord) -> None:
        """Called by the logger of the library."""
        self._line = " ".join(record.getMessage().split())[:200]

    def clear(self) -> None:
        """Forget it."""
        self._line = ""

    @property
    def text(self) -> str:
        """To be put behind a sentence; empty without one."""
        return f": {self._line}" if self._line else ""


def require_library() -> None:
    """Raises `UserError` where the library is not installed."""
    if find_spec("openleadr") is None:
        raise UserError(
            "openadr.version: 2.0b needs the library openleadr; install siteems[openadr2]"
        )


def _client(settings: OpenAdr, last: _LastLine) -> OpenADRClient:
    require_library()
    from openleadr import OpenADRClient

    logger = logging.getLogger("openleadr")
    logger.propagate = False  # its lines are no JSON
    logger.handlers[:] = [last]
    try:
        return OpenADRClient(
            ven_name=settings.ven_name,
            vtn_url=settings.url,
            cert=settings.certificate,
            key=settings.key,
            ca_file=settings.ca,
            vtn_fingerprint=settings.fingerprint,
            disable_signature=settings.fingerprint is None,
            show_fingerprint=False,
        )
    except OSError as error:
        raise UserError(f"openadr.certificate, key: cannot be read ({error.strerror})") from error


def _check_response(payload: Mapping[str, Any]) -> None:
    response = payload.get("response") or {}
    code = response.get("response_code")
    if code not in (None, 200, "200"):
        text = " ".join(str(response.get("response_description") or "").split())[:200]
        raise VtnError(f"EiEvent: {code} {text}")


def _ended(event: DrEvent, revision: int) -> DrEvent:
    return replace(event, revision=revision, cancelled=True)


def _wire_id(event: DrEvent) -> str:
    """The VTN's id of an event, from ours: `openadr2:<id>:<number of the signal>`."""
    return _wire_id_of(event.id)


def _wire_id_of(id_: str) -> str:
    """As `_wire_id`; an id of the VTN stays as it is."""
    if not id_.startswith(f"{SOURCE}:"):
        return id_
    return id_.removeprefix(f"{SOURCE}:").rpartition(":")[0]
