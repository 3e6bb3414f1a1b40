"""The VEN of the daemon, in a thread of its own."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable, Container, Iterable, Sequence
from datetime import timedelta
from random import Random
from typing import Final

import structlog

from siteems.clock import Clock
from siteems.demand_response.event import DrEvent
from siteems.demand_response.event_log import EventLog
from siteems.demand_response.listing import Poll
from siteems.demand_response.openadr3.client import poll_pause_s
from siteems.demand_response.openadr3.reports import Available
from siteems.demand_response.vtn_error import VtnError
from siteems.errors import UserError
from siteems.gateway.event_facts import EventFacts
from siteems.gateway.loop_thread import LoopThread
from siteems.gateway.openadr_sessions import (
    Session,
    Session3,
    Telemetry,
    check_credentials,
    session2,
)
from siteems.history.recorder import Recorder
from siteems.history.records import AlarmRecord
from siteems.operations import event_alarm_types as types
from siteems.site.demand_response import OpenAdr
from siteems.site.model import Site

log = structlog.get_logger(__name__)

LOST_AFTER: Final = timedelta(minutes=10)
"""Without an answer, until it is an alarm: a server that restarts is back sooner, and events are
announced earlier than that.
"""
SETTLING_S: Final = 0.2
"""Between a notification and its poll: the messages of one change come together. It also bounds the
polls that a flood of messages can cause.
"""
SWITCH_S: Final = 0.0005
"""How long this thread may compute while the control cycle waits for it to let go of the
interpreter, in place of 5 ms: a cycle waits at each of its requests to a device.
"""
SHORTEST_PAUSE_S: Final = 0.1
"""Of real time, also on a fast clock."""
MOST_REPORTED: Final = 5
"""Refusals of one poll that are alarms of their own; the others are counted."""
SENT: Final = "openadr-reports-sent"
"""The fact of the record that holds the keys of the reports that were sent."""


class OpenAdrThread(LoopThread):
    """Polls one VTN from `start` to `close`."""

    def __init__(
        self,
        site: Site,
        settings: OpenAdr,
        clock: Clock,
        recorder: Recorder,
        report: Callable[[AlarmRecord], None],
        opt_outs: Container[str] = (),
        available: Available = lambda: {},
    ) -> None:
        """`report` and `available` are called in the thread; `opt_outs` are the events that the
        site declines. Raises `UserError` for unusable credentials and an unknown baseline.
        """
        super().__init__("openadr")
        self._site, self._settings, self._clock = site, settings, clock
        self._recorder, self._report = recorder, report
        self._facts = EventFacts(site, clock, recorder, settings.baseline)
        self._opt_outs, self._available = opt_outs, available
        check_credentials(settings)
        self._succeeded = clock.steady()
        self._lost = False

    def start(self) -> None:
        """Begin to poll."""
        sys.setswitchinterval(SWITCH_S)
        super().start()

    async def _serve(self, stopped: asyncio.Event) -> None:
        settings = self._settings
        known = await asyncio.to_thread(self._facts.known_events)
        sent = _sent_keys(await asyncio.to_thread(self._facts.fact, SENT))
        try:
            session = self._session(known, sent)
        except (OSError, UserError) as error:
            detail = f"openadr: {error}"
            self._report(types.SERVER_LOST.at(self._clock.now(), minutes=0.0, detail=detail))
            return

        async def poll() -> None:
            self._succeed(await session.poll(self._clock.now()))

        failures, random = 0, Random()
        changed = asyncio.Event()
        listening: asyncio.Task[None] | None = None
        while not stopped.is_set():
            changed.clear()
            asked_s = None
            polling = asyncio.create_task(poll())
            stopping = asyncio.create_task(stopped.wait())
            await asyncio.wait({polling, stopping}, return_when=asyncio.FIRST_COMPLETED)
            stopping.cancel()
            if not polling.done():
                polling.cancel()
                break
            try:
                polling.result()
                failures = 0
                if listening is None and settings.notification:
                    listening = asyncio.create_task(session.listen(changed.set))
            except VtnError as error:
                self._fail(str(error))
                failures, asked_s = failures + 1, error.retry_after_s
            except Exception as error:
                log.exception("openadr-poll-failed")
                self._fail(f"{type(error).__name__}, an error of siteems")
                failures += 1
            pause_s = poll_pause_s(settings.poll_s, failures, asked_s, random) / self._clock.speed
            waiting = [stopped] if failures else [stopped, changed]
            await _first_of(waiting, max(SHORTEST_PAUSE_S, pause_s))
            if changed.is_set() and not failures:
                await _first_of([stopped], SETTLING_S)
        if listening is not None:
            listening.cancel()
        await session.close()

    def _session(self, known: Sequence[DrEvent], sent: Sequence[str]) -> Session:
        """Raises `OSError` and `UserError` for certificates that cannot be used."""
        site, settings, events = self._site, self._settings, EventLog(self._recorder)
        if settings.version == "2.0b":
            return session2(
                site,
                settings,
                events,
                self._facts.refuse,
                self._facts.baseline_kw,
                known,
                self._opt_outs,
                self._facts.live,
            )
        return Session3(
            site,
            settings,
            events,
            self._facts.refuse,
            self._facts.baseline_kw,
            known,
            Telemetry(self._facts.samples, sent, self._keep_sent, self._available),
        )

    def _keep_sent(self, keys: Sequence[str]) -> None:
        self._recorder.set_fact(SENT, json.dumps(list(keys), separators=(",", ":")))

    def _succeed(self, poll: Poll) -> None:
        now = self._clock.now()
        self._succeeded = self._clock.steady()
        if self._lost:
            self._lost = False
            self._report(types.SERVER_BACK.at(now))
        for text in poll.refused:
            log.warning("openadr-event-refused", detail=text)
        for text in poll.refused[:MOST_REPORTED]:
            self._report(types.EVENT_REFUSED.at(now, detail=text))
        if (more := len(poll.refused) - MOST_REPORTED) > 0:
            self._report(types.EVENT_REFUSED.at(now, detail=f"{more} more"))
        for event in poll.added:
            log.info(
                "openadr-event", id=event.id, revision=event.revision, cancelled=event.cancelled
            )

    def _fail(self, detail: str) -> None:
        log.warning("openadr-no-answer", detail=detail)
        silent = self._clock.steady() - self._succeeded
        if silent >= LOST_AFTER and not self._lost:
            self._lost = True
            minutes = silent / timedelta(minutes=1)
            self._report(types.SERVER_LOST.at(self._clock.now(), minutes=minutes, detail=detail))


async def _first_of(events: Iterable[asyncio.Event], seconds: float) -> None:
    """Wait until one of some events is set, or for so long."""
    waiting = [asyncio.create_task(event.wait()) for event in events]
    await asyncio.wait(waiting, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    for task in waiting:
        task.cancel()


def _sent_keys(text: str | None) -> tuple[str, ...]:
    """The keys in a fact; none where it cannot be read."""
    try:
        keys = json.loads(text or "[]")
    except (ValueError, RecursionError):
        return ()
    if not isinstance(keys, list):
        return ()
    return tuple(key for key in keys if isinstance(key, str))
