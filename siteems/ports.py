"""What the controller is handed: devices, record and solver, as protocols."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from drivers.points import Reading
from optimisation.plan.plan import Plan
from optimisation.problem.site_problem import SiteProblem
from siteems.clock import Clock
from siteems.control.decision import Decision
from siteems.demand_response.event import DrEvent
from siteems.history.records import AlarmRecord, Sample


class Devices(Protocol):
    """The site's devices, whatever carries them."""

    async def read(self) -> Sequence[Reading]:
        """Read all devices once; trouble shows as quality, never as an exception."""
        ...

    async def drive(self, decision: Decision) -> None:
        """Bring a decision to the devices."""
        ...


class Record(Protocol):
    """What is kept of a site; `siteems.history` on disk, the replay in memory. Writing raises
    RecordError.
    """

    def add_samples(self, samples: Iterable[Sample]) -> None:
        """Keep samples."""
        ...

    def add_plan(
        self, time: datetime, status: str, trigger: str, body: Callable[[], Mapping[str, object]]
    ) -> None:
        """Keep a planning run."""
        ...

    def add_alarm(self, alarm: AlarmRecord) -> None:
        """Keep an alarm."""
        ...

    def samples(self, start: datetime, end: datetime) -> Sequence[Sample]:
        """Samples of a span, oldest first."""
        ...

    def last_time_at(self, name: str, level: float) -> datetime | None:
        """When a value last was at a level or above."""
        ...

    def last_plan(self, statuses: Sequence[str]) -> dict[str, Any] | None:
        """The body of the newest plan with one of these statuses."""
        ...


class Events(Protocol):
    """The demand-response events of the site: its event log, or those of a scenario."""

    def open(self, now: datetime) -> tuple[DrEvent, ...]:
        """The events that are in force or to come. Raises `RecordError`."""
        ...


class Solver(Protocol):
    """Whoever solves the LP."""

    async def solve(self, problem: SiteProblem, limit_s: float) -> Plan:
        """Solve; a failure is a status."""
        ...


@dataclass(frozen=True)
class Ports:
    """All that a controller is handed."""

    clock: Clock
    devices: Devices
    solver: Solver
    record: Record
    events: Events
