"""The ports of the controller: what it needs from outside, as protocols."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from drivers.points import Reading
from optimisation.plan.plan import Plan
from optimisation.problem.future import Future
from optimisation.problem.site_problem import SiteProblem
from siteems.clock import Clock
from siteems.control.decision import Decision
from siteems.demand_response.event import DrEvent
from siteems.forecast.clear_sky_curve import Compute, compute
from siteems.history.records import AlarmRecord, Sample


class Devices(Protocol):
    """The devices of the site, over Modbus or simulated."""

    async def read(self) -> Sequence[Reading]:
        """Read all devices once. A failure is the quality of a reading, never an exception."""
        ...

    def battery_name(self) -> str | None:
        """Which battery the site has: models, serial numbers, firmware. None = not known yet; an
        empty text = a simulated one, whose sign is right.
        """
        ...

    async def drive(self, decision: Decision) -> None:
        """Write the setpoints that a decision means for the devices."""
        ...


class Record(Protocol):
    """What is recorded of the site: `siteems.history` on disk, in the replay counts. All methods
    return at once, and may raise `RecordError`.
    """

    def add_samples(self, samples: Iterable[Sample]) -> None:
        """Record samples."""
        ...

    def add_plan(
        self, time: datetime, status: str, trigger: str, body: Callable[[], Mapping[str, object]]
    ) -> None:
        """Record a planning run; `body` makes what is kept of it."""
        ...

    def add_alarm(self, alarm: AlarmRecord) -> None:
        """Record an alarm, or its end."""
        ...

    def set_fact(self, key: str, value: str) -> None:
        """Keep a short text under a key, in place of an earlier one."""
        ...


class Events(Protocol):
    """The DR events of the site: its event log, or those of a scenario."""

    def open(self, now: datetime) -> tuple[DrEvent, ...]:
        """The events in force or to come; at once. Raises `RecordError`."""
        ...


class Solver(Protocol):
    """Solves the planning problem."""

    async def solve(
        self, problem: SiteProblem, limit_s: float, futures: Sequence[Future] = ()
    ) -> Plan:
        """Solve within `limit_s` seconds; `futures` are what else may come, see `PlanSolver.solve`.
        A failure is a status, never an exception.
        """
        ...


@dataclass(frozen=True)
class Ports:
    """All ports of a controller."""

    clock: Clock
    devices: Devices
    solver: Solver
    record: Record
    events: Events
    clear_sky: Compute = compute
    """Computes the power of PV under a clear sky; a daemon has it done by a process of its own."""
