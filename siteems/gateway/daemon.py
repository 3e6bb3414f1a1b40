"""`siteems run`: one process on the site gateway that reads, plans, drives and records, until
SIGTERM or SIGINT.
"""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Final

import structlog

from siteems.clock import Clock
from siteems.control.reasons import RELEASE_STOPPED
from siteems.control.step import Step
from siteems.control.timing import Timing
from siteems.controller import Controller
from siteems.demand_response.event_log import EventLog
from siteems.errors import UserError
from siteems.forecast.clear_sky_curve import compute_in_child
from siteems.gateway.alarm_hooks import HookedRecorder, HookThread
from siteems.gateway.command_handlers import all_commands
from siteems.gateway.command_server import CommandServer
from siteems.gateway.devices import SiteDevices
from siteems.gateway.loop_thread import LoopThread
from siteems.gateway.metrics_server import MetricsServer
from siteems.gateway.operator_threads import (
    check_operators,
    operator_threads,
)
from siteems.gateway.schedule import Schedule
from siteems.history.location import history_path, lock
from siteems.history.ownership import check_folder
from siteems.history.records import RecordError
from siteems.operations import daemon_alarms as alarms
from siteems.operations.alarm_list import standing_alarms
from siteems.operations.alarm_log import AlarmLog
from siteems.operations.alarm_states import count_by_level
from siteems.operations.cycle_times import CycleTimes
from siteems.operations.daemon_state import note_started, note_stopped, note_traffic
from siteems.operations.logs import configure_logs
from siteems.operations.memory import resident_bytes
from siteems.operations.metrics import DaemonView
from siteems.operations.recall import Recalled, recall
from siteems.operations.record_alarms import RecordAlarms
from siteems.operations.systemd import notify
from siteems.planning import reasons
from siteems.planning.solver_process import SolverProcess
from siteems.ports import Ports
from siteems.site.model import Site

log = structlog.get_logger()

DAY: Final = timedelta(days=1)
HOUSEKEEPING_AT: Final = timedelta(hours=3, minutes=10)
"""After midnight UTC."""
RECALL_LIMIT_S: Final = 5.0
"""How long a start waits for the record; two weeks of samples are read in less than a second. A
site without what it has learned is controlled better than one that waits.
"""
FLUSH_LIMIT_S: Final = 5.0
"""How long a stop waits until all is written; the devices have their safe values by then."""


class Daemon:
    """The shell around the controller: two loops, a scheduler, and a clean end."""

    def __init__(
        self,
        site: Site,
        clock: Clock,
        folder: Path,
        load: Callable[[], Site],
        *,
        read_only: bool = False,
    ) -> None:
        """`load` reads the site file again; it raises `UserError`."""
        self._load = load
        self._site, self._clock, self._folder = site, clock, folder
        self._timing = Timing.at_speed(site.control, clock.speed)
        self._recorder = HookedRecorder(history_path(folder), clock.now)
        self._devices = SiteDevices(
            site, clock, self._recorder, self._timing.lease_s, read_only=read_only
        )
        self._solver = SolverProcess()
        self._events = EventLog(self._recorder)
        ports = Ports(
            clock,
            self._devices,
            self._solver,
            self._recorder,
            self._events,
            compute_in_child,
        )
        self._controller = Controller(site, ports, self._timing, drives=not read_only)
        self._report = AlarmLog(self._recorder).report
        self._record_alarms = RecordAlarms(self._report)
        handlers = all_commands(
            self._controller, self._recorder, clock, self._report, read_only=read_only
        )
        self._commands = CommandServer(folder, handlers, clock, site.control.command_group)
        self._read_only = read_only
        self._cycles = CycleTimes(time.monotonic())
        self._last_step: Step | None = None
        self._standing: dict[str, int] | None = None
        metrics = site.metrics
        self._metrics = None if metrics is None else MetricsServer(metrics.port, self._view)
        self._operators: Sequence[LoopThread] = ()
        if not read_only:
            self._operators = operator_threads(
                site, clock, self._recorder, self._report, self._controller
            )
        self._stop = asyncio.Event()
        self._reloading: asyncio.Task[None] | None = None
        self._next: Site | None = None
        """The site as its file is now, where the daemon is to go on with it."""

    async def run(self) -> Site | None:
        """Run until SIGTERM or SIGINT, then leave the devices in their safe state.

        On SIGHUP it reads the site file again, and ends too where that can be used: it returns the
        site with which to go on.
        """
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop.set)
        loop.add_signal_handler(signal.SIGHUP, self._begin_reload)
        self._recorder.hooks = [
            HookThread(hook, self._site.site.id) for hook in self._site.alarm_hooks
        ]
        self._recorder.start()
        note_started(
            self._recorder,
            self._site.site.id,
            os.getpid(),
            self._clock,
            read_only=self._read_only,
        )
        try:
            await self._start()
            await self._serve()
        finally:
            await self._end()
        return self._next

    def _begin_reload(self) -> None:
        self._reloading = asyncio.create_task(self._reload())

    async def _reload(self) -> None:
        """Read the site file again; one that cannot be used is refused, and the old one stays."""
        try:
            site = await asyncio.to_thread(self._load)
            if site.site.id != self._site.site.id:
                raise UserError(f"site.id is now {site.site.id}; stop the daemon to change it")
            check_operators(site)
        except UserError as error:
            now, detail = self._clock.now(), error.lines[0]
            self._report(alarms.SITE_FILE_REFUSED.at(now, detail=detail))
            return
        self._next = site
        self._stop.set()

    async def _start(self) -> None:
        """Acquire the devices, restore the state from the record, make a first plan."""
        # First, because after a crash leases are running out; the safe values that a device is
        # given depend on the temperature of the battery.
        await self._controller.observe()
        await self._devices.begin(self._controller.charging)
        await self._solver.start()
        self._controller.resume(await self._recall())
        self._controller.refresh_events()
        await self._controller.observe()
        await self._controller.make_plan(reasons.START)
        self._controller.replan.clear()
        await self._commands.start()
        if self._metrics is not None:
            await self._metrics.start()
        for operator in self._operators:
            operator.start()
        log.info(
            "ready", cycle_s=self._timing.cycle_s, lease_s=self._timing.lease_s, pid=os.getpid()
        )
        notify("READY=1")

    async def _serve(self) -> None:
        """Run both loops and the scheduler until a signal arrives, or a loop fails."""
        stopped = asyncio.create_task(self._stop.wait())
        running = asyncio.create_task(self._clock.started())
        await asyncio.wait({stopped, running}, return_when=asyncio.FIRST_COMPLETED)
        schedule = Schedule(self._clock)
        schedule.add(self._quarter_hour, timedelta(minutes=15))
        schedule.add(self._note_traffic, timedelta(minutes=1), timedelta(seconds=30))
        schedule.add(self._housekeeping, DAY, HOUSEKEEPING_AT)
        loops = [
            asyncio.create_task(loop)
            for loop in (self._control_loop(), self._plan_loop(), schedule.run())
        ]
        done, _ = await asyncio.wait({stopped, *loops}, return_when=asyncio.FIRST_COMPLETED)
        for task in (running, stopped, *loops):
            if task not in done:
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task
        for task in done:
            task.result()

    async def _end(self) -> None:
        """Leave the devices in their safe state, whatever ended the run."""
        if self._next is None:
            notify("STOPPING=1")
        for operator in self._operators:
            await asyncio.to_thread(operator.close)
        await self._commands.close()
        if self._metrics is not None:
            await self._metrics.close()
        unreleased = await self._devices.close(RELEASE_STOPPED())
        await self._solver.close()
        now = self._clock.now()
        if self._next is not None:
            self._report(alarms.SITE_RELOADED.at(now))
        elif self._read_only:
            self._report(alarms.STOPPED_READ_ONLY.at(now))
        elif unreleased:
            self._report(alarms.STOPPED_UNRELEASED.at(now, devices=", ".join(unreleased)))
        else:
            self._report(alarms.STOPPED.at(now))
        if self._next is None:
            note_stopped(self._recorder, now)
        for hook in self._recorder.hooks:
            await asyncio.to_thread(hook.close)
        if unwritten := self._recorder.close(FLUSH_LIMIT_S):
            log.error("record-incomplete", unwritten=unwritten)

    async def _control_loop(self) -> None:
        """Run cycles on the event loop's own time, because the wall clock may jump."""
        loop = asyncio.get_running_loop()
        period_s = self._timing.cycle_s / self._clock.speed
        due = loop.time()
        while True:
            begin_s = time.monotonic()
            self._cycles.began(loop.time() - due)
            try:
                self._controller.refresh_events()
                self._update_record_alarms()
                self._last_step = await self._controller.step()
            except asyncio.CancelledError:
                raise
            except Exception:
                # One bad cycle must not end control. Without good ones the leases run out, devices
                # fall back by themselves, and systemd's watchdog is no longer fed.
                log.exception("cycle-failed")
                self._cycles.failed += 1
            else:
                notify("WATCHDOG=1")
                self._cycles.succeeded(begin_s, time.monotonic(), period_s)
            due = max(due + period_s, loop.time())
            await asyncio.sleep(due - loop.time())

    async def _plan_loop(self) -> None:
        while True:
            await self._controller.replan.wait()
            self._controller.replan.clear()
            try:
                if self._controller.clock_was_set:
                    # In a thread, because control goes on meanwhile.
                    await asyncio.to_thread(self._controller.learn_again, await self._recall())
                await self._controller.make_plan(self._controller.replan.trigger)
            except asyncio.CancelledError:
                raise
            except Exception:
                log.exception(
                    "planning-failed"
                )  # the last plan and the lower fallback levels remain

    async def _recall(self) -> Recalled:
        """What the record holds, as far as it can be read within a few seconds."""
        site, now = self._site, self._clock.now()
        recalling = asyncio.wrap_future(self._recorder.read(lambda h: recall(h, site, now)))
        try:
            return await asyncio.wait_for(recalling, RECALL_LIMIT_S)
        except (RecordError, TimeoutError) as error:
            log.error("record-not-recalled", error=str(error) or "it takes too long")
            return Recalled()

    async def _quarter_hour(self) -> None:
        self._controller.replan.ask(reasons.SCHEDULE)

    async def _note_traffic(self) -> None:
        """Record the counters of the links for `siteems status`, and count the alarms that stand
        for a monitoring system.
        """
        note_traffic(self._recorder, self._devices.traffic())
        if self._metrics is not None:
            counting = self._recorder.read(lambda h: count_by_level(standing_alarms(h)))
            counting.add_done_callback(self._counted)

    def _counted(self, counting: Future[dict[str, int]]) -> None:
        """Called by the recorder's thread. A record that cannot be read says nothing of alarms."""
        failed = counting.cancelled() or counting.exception() is not None
        self._standing = None if failed else counting.result()

    def _view(self) -> DaemonView:
        """The daemon as a monitoring system sees it."""
        return DaemonView(
            site_id=self._site.site.id,
            now=self._clock.now(),
            now_s=time.monotonic(),
            period_s=self._timing.cycle_s / self._clock.speed,
            step=self._last_step,
            plan=self._controller.plan,
            cycles=self._cycles,
            traffic=self._devices.traffic(),
            record=self._recorder.health,
            resident_bytes=resident_bytes(),
            read_only=self._read_only,
            standing=self._standing,
        )

    async def _housekeeping(self) -> None:
        """Prepare the forecasts of the next weeks. Delete what is older than the record keeps, but
        nothing while the clock is in doubt.
        """
        await asyncio.to_thread(self._controller.forecaster.prepare, self._clock.now())
        if self._controller.clock_steps.stepped_within(DAY):
            log.info("housekeeping-postponed")
            return
        self._recorder.prune(self._site.recording)

    def _update_record_alarms(self) -> None:
        health = self._recorder.health
        if self._events.invalid:
            counts = Counter(health.invalid) + Counter(events=self._events.invalid)
            health = replace(health, invalid=counts)
        self._record_alarms.update(health, self._recorder.take_notices(), self._clock.now())


def run_daemon(
    load: Callable[[], Site], clock: Clock, folder: Path, *, read_only: bool = False
) -> None:
    """Run the daemon of a site in this process. `load` reads the site file, now and on SIGHUP.

    What the daemon writes is not readable by others. Raises `UserError` when another daemon uses
    this record, and for the record of another site.
    """
    site = load()
    configure_logs(site.site.id)
    os.umask(0o027)
    held = _locked(folder)
    if held is None:
        raise UserError(
            f"{folder}: another siteems runs on this record; "
            "stop it first, or give another --state folder"
        )
    with held:
        check_folder(folder, site.site.id)
        next_site: Site | None = site
        while next_site is not None:
            daemon = partial(Daemon, next_site, clock, folder, load, read_only=read_only)
            next_site = asyncio.run(_run(daemon))


def _locked(folder: Path) -> AbstractContextManager[object] | None:
    """The lock of the record while it is held; None = another daemon has it. Where there can be no
    lock, as on a broken disk, the site is controlled without one.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if folder.stat().st_mode & 0o007:
            log.warning("state-folder-open", folder=str(folder), remedy="chmod 750")
        return lock(folder)
    except OSError as error:
        log.error("record-not-locked", error=str(error))
        return nullcontext()


async def _run(make: Callable[[], Daemon]) -> Site | None:
    return await make().run()
