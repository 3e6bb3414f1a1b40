"""The 104 station of the daemon, in a thread of its own."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import structlog

from drivers.iec104.station import Command, CommandPoint, Point, Station
from siteems.clock import Clock
from siteems.demand_response.event_log import EventLog
from siteems.demand_response.iec104.commands import Commands
from siteems.demand_response.iec104.objects import SINGLE, read_objects
from siteems.gateway.event_facts import EventFacts
from siteems.gateway.loop_thread import LoopThread
from siteems.history.recorder import Recorder
from siteems.history.records import AlarmRecord, RecordError
from siteems.operations import event_alarm_types as types
from siteems.site.demand_response import Iec104
from siteems.site.model import Site

log = structlog.get_logger(__name__)

LOOK_S: Final = 0.5
"""Between two looks at the values. A cycle of the control loop takes a second by default."""
SHORTEST_LOOK_S: Final = 0.05
LOGGED_A_MINUTE: Final = 60
"""Lines about peers. A master that tries again and again would fill the log."""

Values = Callable[[], tuple[datetime, Mapping[str, float | None]]]
"""Time and values of the newest image, with those of `objects.Value` that no device measures."""


class Iec104Thread(LoopThread):
    """Serves masters from `start` to `close`."""

    def __init__(
        self,
        site: Site,
        settings: Iec104,
        clock: Clock,
        recorder: Recorder,
        report: Callable[[AlarmRecord], None],
        values: Values,
    ) -> None:
        """`values` and `report` are called in the thread. Raises `UserError` for a table of objects
        that cannot be used, and an unknown baseline.
        """
        super().__init__("iec104")
        self._settings, self._clock, self._recorder = settings, clock, recorder
        self._report, self._values = report, values
        self._objects = read_objects(settings.objects)
        self._facts = EventFacts(site, clock, recorder, settings.baseline)
        self._lines, self._lines_since = 0, -math.inf

    async def _serve(self, stopped: asyncio.Event) -> None:
        settings, facts = self._settings, self._facts
        known = await asyncio.to_thread(facts.known_events)
        commands = Commands(
            self._objects,
            EventLog(self._recorder),
            facts.refuse,
            facts.baseline_kw,
            settings.command_min,
            known,
        )

        async def decide(command: Command) -> str | None:
            return await self._judge(commands.execute, command)

        async def check(command: Command) -> str | None:
            return await self._judge(commands.check, command)

        station = Station(
            [Point(each.address, each.deadband) for each in self._objects.measured],
            [
                CommandPoint(each.address, each.select, single=each.does in SINGLE)
                for each in self._objects.command
            ],
            decide,
            self._note,
            common_address=settings.common_address,
            peers=settings.peers,
            zone=ZoneInfo(settings.zone),
            check=check,
            now=self._clock.now,
        )
        try:
            await station.start(settings.host, settings.port)
        except OSError as error:
            detail = f"{settings.host}:{settings.port}: {error.strerror or error}"
            self._report(types.STATION_NOT_LISTENING.at(self._clock.now(), detail=detail))
            return
        look_s = max(SHORTEST_LOOK_S, LOOK_S / self._clock.speed)
        while not stopped.is_set():
            when, values = self._values()
            station.update(
                {each.address: values.get(each.value) for each in self._objects.measured}, when
            )
            with suppress(TimeoutError):
                async with asyncio.timeout(look_s):
                    await stopped.wait()
        await station.stop()

    async def _judge(
        self, judge: Callable[[int, float, datetime], str | None], command: Command
    ) -> str | None:
        """In a thread, because a baseline is read from the record."""
        try:
            now = self._clock.now()
            return await asyncio.to_thread(judge, command.address, command.value, now)
        except RecordError as error:
            return f"it cannot be recorded: {error}"
        except Exception as error:
            log.exception("iec104-command-failed")
            return f"{type(error).__name__}, an error of siteems"

    def _note(self, what: str, detail: str) -> None:
        """One line for each thing that happens, up to `LOGGED_A_MINUTE`; refusals are alarms."""
        now = self._clock.steady().timestamp()
        if now - self._lines_since >= timedelta(minutes=1).total_seconds():
            self._lines, self._lines_since = 0, now
        self._lines += 1
        if self._lines > LOGGED_A_MINUTE:
            return
        log.info(f"iec104-{what}", detail=detail)
        if what == "refused":
            self._report(types.COMMAND_REFUSED.at(self._clock.now(), detail=detail))
