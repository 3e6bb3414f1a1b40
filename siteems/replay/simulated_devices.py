"""The simulated site as the controller's devices, and the solver in this process: the replay's side
of the controller's ports.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from drivers.catalogue import load_map
from drivers.dlt645.meter_map import MeterMap
from drivers.modbus.device_map import DeviceMap
from drivers.modbus.point_map import PointMap
from drivers.points import Point, Quality, Reading
from optimisation.plan.plan import Plan, PlanStatus
from optimisation.plan.remark import remark
from optimisation.problem.future import Future
from optimisation.problem.site_problem import SiteProblem
from optimisation.solving.solver import PlanSolver
from siteems.clock import ManualClock
from siteems.control.decision import Decision, Drive
from siteems.control.device_setpoints import (
    SentSetpoints,
    SettableDevice,
    device_setpoints,
    safe_setpoints,
)
from siteems.control.safe_state import safe_values
from siteems.control.timing import Timing
from siteems.estimation.point_fields import IMAGE_POINTS
from siteems.planning.model_cache import ModelCache, cache_folder
from siteems.simulation.devices import PlantDevice, readings
from siteems.simulation.plant import Plant
from siteems.site.assets import battery_command_of, rectifier_curve
from siteems.site.model import Site


class SimulatedDevices:
    """The controller's devices, in memory. What is written follows from the same rules as in the
    daemon (`siteems/control/device_setpoints.py`); there is no line, no write gate and no lease
    refresh.
    """

    def __init__(self, site: Site, plant: Plant, clock: ManualClock, timing: Timing) -> None:
        self._devices = [
            PlantDevice(e.name, load_map(e.map), plant, clock.steady) for e in site.devices
        ]
        self._read = [
            tuple(name for name in each.device_map.points if name in IMAGE_POINTS)
            for each in self._devices
        ]
        self._settable = [
            (each, _settable(each.name, each.device_map))
            for each in self._devices
            if each.device_map.setpoints
        ]
        self._safe_values = safe_values(site, rectifier_curve(site))
        self._site, self._plant, self._clock = site, plant, clock
        self._command = battery_command_of(site)
        self._sent = SentSetpoints(clock.steady())
        self._held: dict[tuple[str, str], float] = {}
        """The last value written, by device and point."""
        self.silent: set[str] = set()
        """Names of the devices that do not answer."""
        self.writes = dict.fromkeys((device.name for device in self._devices), 0)
        """Setpoints that changed, by device. A real device is also written to refresh its lease."""
        for device in self._devices:
            if "comm_timeout_s" in device.device_map.points:
                device.write_point("comm_timeout_s", timing.lease_s)

    def battery_name(self) -> str:
        """None: a simulated battery follows its setpoints, so a replay has no sign to prove."""
        return ""

    async def read(self) -> Sequence[Reading]:
        """All devices; one that is silent has only unreachable points."""
        steady = self._clock.steady()
        self._plant.advance_to(steady)
        values = {
            name: _point(value)
            for name, value in readings(self._plant).items()
            if name in IMAGE_POINTS
        }
        found = []
        for device, names in zip(self._devices, self._read, strict=True):
            silent = device.name in self.silent
            points = {name: _SILENT if silent else values.get(name, _MISSING) for name in names}
            found.append(Reading(device.name, steady, points))
        return found

    async def drive(self, decision: Decision) -> None:
        """Write setpoints, or the safe values on release, to the devices that answer."""
        steady = self._clock.steady()
        for name in self.silent:
            self._sent = self._sent.without(name)
        answering = self._settable
        if self.silent:
            answering = [each for each in self._settable if each[0].name not in self.silent]
        if isinstance(decision, Drive):
            self._sent = device_setpoints(
                decision,
                self._site,
                self._command,
                [settable for _, settable in answering],
                self._sent,
                steady,
                self._confirmed,
            )
            for device, _ in answering:
                self._write(device, self._sent.values[device.name])
            return
        self._sent = SentSetpoints(steady)
        for device, settable in answering:
            allowed = decision.charging.now
            self._write(
                device, safe_setpoints(settable, self._safe_values, charging_allowed=allowed)
            )

    def without_deadband(self) -> None:
        """The next setpoints are written however little they differ from the last ones."""
        for name in self._sent.values:
            self._sent = self._sent.without(name)

    def _confirmed(self, device: str, point: str, value: float) -> bool:
        """As a read-back would show it. All devices of the plant share its setpoints."""
        return bool(getattr(self._plant.setpoints, point) == value)

    def _write(self, device: PlantDevice, values: Mapping[str, float]) -> None:
        """Write all values, since that refreshes the lease, and count those that changed."""
        for name, value in values.items():
            device.write_point(name, value)
            if self._held.get((device.name, name)) != value:
                self._held[device.name, name] = value
                self.writes[device.name] += 1


def _settable(name: str, device_map: DeviceMap | MeterMap) -> SettableDevice:
    points = device_map.points
    return SettableDevice(
        name,
        {n: point for n in device_map.setpoints if isinstance(point := points[n], PointMap)},
    )


class DirectSolver:
    """The real solver in this process. `broken` makes every solve fail with that reason."""

    def __init__(self) -> None:
        self._solver = PlanSolver(ModelCache(cache_folder()))
        self.broken = ""

    async def solve(
        self, problem: SiteProblem, limit_s: float, futures: Sequence[Future] = ()
    ) -> Plan:
        """Solve at once."""
        if self.broken:
            return Plan(PlanStatus.ERROR, (remark("solver-error", error=self.broken),))
        return self._solver.solve(problem, limit_s, futures)


def _point(value: float | None) -> Point:
    return _MISSING if value is None else Point(value, Quality.GOOD)


_MISSING, _SILENT = Point(None, Quality.MISSING), Point(None, Quality.UNREACHABLE)
