"""The controller on a simulated site in virtual time: a day in seconds, with the real plant, solver and record.

Only the wire is missing: the devices are read and written by call instead of over Modbus.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from drivers.catalogue import load_map
from drivers.points import Point, Quality, Reading
from drivers.roles import battery_command
from optimisation.plan import Plan, PlanStatus
from optimisation.problem import SiteProblem
from optimisation.solver import PlanSolver
from siteems.clock import ManualClock
from siteems.control.cycle import Decision
from siteems.control.safe import safe_values
from siteems.control.timing import Timing
from siteems.control.translate import setpoints
from siteems.controller import Controller, Step
from siteems.history.store import History
from siteems.planning.problem import rectifier_curve
from siteems.simulation.devices import PlantDevice
from siteems.simulation.plant import Plant
from siteems.simulation.profile import Instant
from siteems.simulation.server import make_plant
from siteems.site import Site

CYCLE = timedelta(minutes=1)
TIMING = Timing(cycle_s=60.0, lease_s=200.0, max_age=timedelta(seconds=210))


class PlantDevices:
    """The controller's devices, in memory. `silent` names devices that do not answer."""

    def __init__(self, site: Site, plant: Plant, clock: ManualClock) -> None:
        self._devices = [PlantDevice(e.name, load_map(e.map), plant, clock.now) for e in site.devices]
        self._safe = safe_values(site, rectifier_curve(site))
        self._site = site
        self._command = battery_command([load_map(e.map) for e in site.devices])
        self._clock = clock
        self.silent: set[str] = set()
        for device in self._devices:
            if "comm_timeout_s" in device.device_map.points:
                device.write_point("comm_timeout_s", TIMING.lease_s)

    async def read(self) -> Sequence[Reading]:
        """All devices; one that is silent has only unreachable points."""
        return [self._read(device) for device in self._devices]

    def _read(self, device: PlantDevice) -> Reading:
        now, values = self._clock.now(), device.read_points()
        if device.name in self.silent:
            return Reading(device.name, now, {n: Point(None, Quality.UNREACHABLE) for n in values})
        points = {n: Point(v, Quality.MISSING if v is None else Quality.GOOD) for n, v in values.items()}
        return Reading(device.name, now, points)

    async def drive(self, decision: Decision) -> None:
        """Write setpoints, or the safe values on release, to the devices that have such points and answer."""
        wanted = self._safe if decision.mode == "release" else setpoints(decision, self._site, self._command)
        for device in self._devices:
            for name in wanted.keys() & set(device.device_map.setpoints):
                if device.name not in self.silent:
                    device.write_point(name, wanted[name])


class DirectSolver:
    """The real solver in this process. `broken` makes every solve fail with that reason."""

    def __init__(self) -> None:
        self._solver = PlanSolver()
        self.broken = ""

    async def solve(self, problem: SiteProblem, limit_s: float) -> Plan:
        """Solve at once."""
        if self.broken:
            return Plan(PlanStatus.ERROR, self.broken)
        return self._solver.solve(problem, limit_s)


@dataclass
class Rig:
    """A controlled site. `run_until` is what the daemon's loops do, in virtual time."""

    site: Site
    clock: ManualClock
    plant: Plant
    devices: PlantDevices
    solver: DirectSolver
    history: History
    controller: Controller
    steps: list[Step] = field(default_factory=list)

    @classmethod
    def make(
        cls, site: Site, surroundings: Callable[[datetime], Instant], start: datetime, soc: float, folder: Path
    ) -> Rig:
        """A site at a time and state of charge, its record in `folder`; nothing has been read yet."""
        clock, history = ManualClock(start), History(folder / "history.sqlite3")
        plant = make_plant(site, surroundings, start, soc)
        devices, solver = PlantDevices(site, plant, clock), DirectSolver()
        controller = Controller(site, clock, devices, solver, history, TIMING)
        return cls(site, clock, plant, devices, solver, history, controller)

    async def begin(self) -> None:
        """Take up the record, look once, plan: what a daemon does before its loops."""
        self.controller.resume()
        await self.controller.observe()
        await self.controller.make_plan("start")
        self.controller.replan.clear()

    def restart(self) -> None:
        """A new controller on the same site and record, as after a crash."""
        self.controller = Controller(self.site, self.clock, self.devices, self.solver, self.history, TIMING)

    async def run_until(self, end: datetime, at: Mapping[datetime, Callable[[], object]] | None = None) -> None:
        """Run cycles up to `end`, a plan each quarter of an hour and whenever asked for; do `at` at its times."""
        while self.clock.now() < end:
            self.clock.advance(CYCLE)
            now = self.clock.now()
            if at and now in at:
                at[now]()
            if now.minute % self.site.planning.step_min == 0:
                self.controller.ask_for_plan("schedule")
            self.controller.refresh_events()
            self.steps.append(await self.controller.step())
            if self.controller.replan.is_set():
                self.controller.replan.clear()
                await self.controller.make_plan(self.controller.replan_trigger)
