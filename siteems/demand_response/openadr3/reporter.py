"""Sends the reports that are due, each once, whenever the VTN can be reached."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Protocol

import structlog
from pydantic import BaseModel

from siteems.demand_response.event import DrEvent
from siteems.demand_response.openadr3.reports import (
    Available,
    Samples,
    due_reports,
    report_request,
)
from siteems.demand_response.openadr3.wire import ReportDescriptor, WireReport
from siteems.demand_response.vtn_error import VtnError

log = structlog.get_logger(__name__)

KEPT: Final = 1000
"""Keys of reports that were sent. A programme has a few events a day, with a few reports each."""
SENT_WITHIN: Final = timedelta(days=30)
"""After the end of an event a report is sent; later, settlement is over."""


class Posts(Protocol):
    """The client of the VTN, as far as reports need it."""

    async def post(self, path: str, body: BaseModel, kind: type[WireReport]) -> WireReport:
        """Create an object. Raises `VtnError`."""
        ...


@dataclass(frozen=True)
class _Asked:
    event: DrEvent
    wire_event: str
    descriptors: tuple[ReportDescriptor, ...]


class Reporter:
    """The reports of one VEN."""

    def __init__(
        self,
        client: Posts,
        ven_name: str,
        samples: Samples,
        sent: Iterable[str],
        keep: Callable[[Sequence[str]], None],
        available: Available = lambda: {},
    ) -> None:
        """`sent` are the keys of reports that were sent before; `keep` stores them."""
        self._available = available
        self._client, self._ven_name, self._samples = client, ven_name, samples
        self._sent = dict.fromkeys(sent)
        self._keep = keep
        self._asked: dict[str, _Asked] = {}

    def ask(
        self, event: DrEvent, wire_event: str, descriptors: tuple[ReportDescriptor, ...]
    ) -> None:
        """The VTN asks for these reports of an event, in place of what it asked for before."""
        if descriptors:
            self._asked[event.id] = _Asked(event, wire_event, descriptors)

    async def send(self, now: datetime) -> int:
        """Send all that are due and were not sent; how many. Raises `VtnError`; then the others
        wait for the next time.
        """
        count = 0
        for id_, asked in list(self._asked.items()):
            if asked.event.end < now - SENT_WITHIN:
                del self._asked[id_]
                continue
            for due in due_reports(asked.event, asked.descriptors, now):
                if due.key in self._sent:
                    continue
                request = report_request(
                    due, asked.wire_event, self._ven_name, self._samples, now, self._available
                )
                try:
                    await self._client.post("/reports", request, WireReport)
                    count += 1
                except VtnError as error:
                    if not error.is_refusal:
                        raise
                    log.warning("openadr-report-refused", report=due.key, detail=str(error))
                self._sent[due.key] = None
                self._keep(list(self._sent)[-KEPT:])
        return count
