"""The controller on a simulated site in virtual time: a day in seconds, with the real plant, solver
and record.

Devices are read and written in memory instead of over Modbus.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from siteems.clock import ManualClock
from siteems.control.step import Step
from siteems.control.timing import Timing
from siteems.controller import Controller
from siteems.demand_response.event_log import EventLog
from siteems.history.store import History
from siteems.operations.recall import Recalled, recall
from siteems.planning.reasons import SCHEDULE, START
from siteems.ports import Ports
from siteems.recordings.profile import Instant
from siteems.replay.simulated_devices import DirectSolver, SimulatedDevices
from siteems.simulation.plant import Plant, make_plant
from siteems.site.model import Site

CYCLE = timedelta(minutes=1)
TIMING = Timing(cycle_s=60.0, lease_s=200.0, max_age=timedelta(seconds=210))


@dataclass
class Rig:
    """A controlled site. `run_until` does what the daemon's loops do, in virtual time."""

    site: Site
    clock: ManualClock
    plant: Plant
    devices: SimulatedDevices
    solver: DirectSolver
    history: History
    controller: Controller
    steps: list[Step] = field(default_factory=list)

    @classmethod
    def make(
        cls,
        site: Site,
        surroundings: Callable[[datetime], Instant],
        start: datetime,
        soc: float,
        folder: Path,
    ) -> Rig:
        """A site at this time and state of charge, recorded in `folder`. Nothing is read yet."""
        clock, history = ManualClock(start), History(folder / "history.sqlite3")
        plant = make_plant(site, surroundings, start, soc)
        devices, solver = SimulatedDevices(site, plant, clock, TIMING), DirectSolver()
        controller = Controller(
            site, Ports(clock, devices, solver, history, EventLog(history)), TIMING
        )
        return cls(site, clock, plant, devices, solver, history, controller)

    async def begin(self) -> None:
        """Restore the state, read once and plan, as the daemon does before its loops."""
        self.resume()
        await self.controller.observe()
        await self.controller.make_plan(START)
        self.controller.replan.clear()

    def resume(self) -> None:
        """Take up the record, as the daemon does at its start."""
        self.controller.resume(self.recall())
        self.controller.refresh_events()

    def recall(self) -> Recalled:
        return recall(self.history, self.site, self.clock.now())

    def restart(self) -> None:
        """A new controller on the same site and record, as after a crash."""
        self.controller = Controller(self.site, self.ports, TIMING)

    @property
    def ports(self) -> Ports:
        return Ports(self.clock, self.devices, self.solver, self.history, EventLog(self.history))

    async def run_until(
        self, end: datetime, at: Mapping[datetime, Callable[[], object]] | None = None
    ) -> None:
        """Run cycles up to `end`, with a plan each quarter of an hour and on request, and run each
        of `at` at its time.
        """
        while self.clock.now() < end:
            self.clock.advance(CYCLE)
            now = self.clock.now()
            if at and now in at:
                at[now]()
            if now.minute % self.site.planning.step_min == 0:
                self.controller.replan.ask(SCHEDULE)
            self.controller.refresh_events()
            self.steps.append(await self.controller.step())
            if self.controller.replan.is_set():
                self.controller.replan.clear()
                if self.controller.clock_was_set:
                    self.controller.learn_again(self.recall())
                await self.controller.make_plan(self.controller.replan.trigger)
