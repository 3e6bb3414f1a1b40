"""The simulated site as the controller's devices, and the solver, both in this process: only the
wire is missing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from drivers.catalogue import load_map
from drivers.modbus.point_map import PointMap
from drivers.points import Point, Quality, Reading
from drivers.roles import battery_command
from optimisation.plan.plan import Plan, PlanStatus
from optimisation.problem.site_problem import SiteProblem
from optimisation.solving.solver import PlanSolver
from siteems.clock import ManualClock
from siteems.control.decision import Decision, Release
from siteems.control.safe_state import safe_values
from siteems.control.setpoints import setpoints
from siteems.control.timing import Timing
from siteems.estimation.imager import LOOKED_AT
from siteems.simulation.devices import PlantDevice, readings
from siteems.simulation.plant import Plant
from siteems.site.assets import rectifier_curve
from siteems.site.model import Site


class SimulatedDevices:
    """The controller's devices, in memory. `silent` names devices that do not answer; `writes`
    counts by device.
    """

    def __init__(self, site: Site, plant: Plant, clock: ManualClock, timing: Timing) -> None:
        self._devices = [
            PlantDevice(e.name, load_map(e.map), plant, clock.now) for e in site.devices
        ]
        maps = [device.device_map for device in self._devices]
        self._read = [tuple(name for name in each.points if name in LOOKED_AT) for each in maps]
        self._driven = [
            {
                name: point
                for name in each.setpoints
                if isinstance(point := each.points[name], PointMap)
            }
            for each in maps
        ]
        self._safe = safe_values(site, rectifier_curve(site))
        self._site, self._plant, self._clock = site, plant, clock
        self._command = battery_command(maps)
        self._held: dict[tuple[str, str], float] = {}
        self._wanted: Mapping[str, float] = {}
        self._driven_at = clock.now()
        self.silent: set[str] = set()
        self.writes = dict.fromkeys((device.name for device in self._devices), 0)
        """Setpoints that changed; a real device is also written to refresh its lease, and not for
        next to nothing.
        """
        for device in self._devices:
            if "comm_timeout_s" in device.device_map.points:
                device.write_point("comm_timeout_s", timing.lease_s)

    async def read(self) -> Sequence[Reading]:
        """All devices; one that is silent has only unreachable points."""
        now = self._clock.now()
        self._plant.advance_to(now)
        values = {
            name: _point(value)
            for name, value in readings(self._plant).items()
            if name in LOOKED_AT
        }
        found = []
        for device, names in zip(self._devices, self._read, strict=True):
            silent = device.name in self.silent
            points = {name: _SILENT if silent else values.get(name, _MISSING) for name in names}
            found.append(Reading(device.name, now, points))
        return found

    async def drive(self, decision: Decision) -> None:
        """Write setpoints, or the safe values on release, to the devices that have such points and
        answer.
        """
        if isinstance(decision, Release):
            wanted, self._wanted = self._safe, {}
        else:
            elapsed_s = (self._clock.now() - self._driven_at).total_seconds()
            wanted = self._wanted = setpoints(
                decision, self._site, self._command, self._wanted, elapsed_s
            )
        self._driven_at = self._clock.now()
        for device, points in zip(self._devices, self._driven, strict=True):
            if device.name in self.silent:
                continue
            for name, point in points.items():
                if name in wanted:
                    value = point.nearest(wanted[name])
                    device.write_point(name, value)
                    if self._held.get((device.name, name)) != value:
                        self._held[device.name, name] = value
                        self.writes[device.name] += 1


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


def _point(value: float | None) -> Point:
    return _MISSING if value is None else Point(value, Quality.GOOD)


_MISSING, _SILENT = Point(None, Quality.MISSING), Point(None, Quality.UNREACHABLE)
