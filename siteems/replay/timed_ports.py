"""The controller's devices, solver and forecaster in a replay, with their time measured."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from datetime import datetime

import numpy.typing as npt

from drivers.points import Reading
from optimisation.plan.plan import Plan
from optimisation.problem.future import Future
from optimisation.problem.site_problem import SiteProblem
from siteems.clock import ManualClock
from siteems.control.decision import Decision
from siteems.control.timing import Timing
from siteems.forecast.forecast import Forecast, Forecaster
from siteems.replay.simulated_devices import DirectSolver, SimulatedDevices
from siteems.replay.stopwatch import Stopwatch
from siteems.simulation.plant import Plant
from siteems.site.model import Site


class TimedDevices(SimulatedDevices):
    """The simulated site; its time counts as `simulate`."""

    def __init__(
        self, stopwatch: Stopwatch, site: Site, plant: Plant, clock: ManualClock, timing: Timing
    ) -> None:
        super().__init__(site, plant, clock, timing)
        self._stopwatch = stopwatch

    async def read(self) -> Sequence[Reading]:
        with self._stopwatch("simulate"):
            return await super().read()

    async def drive(self, decision: Decision) -> None:
        with self._stopwatch("simulate"):
            await super().drive(decision)


class TimedSolver(DirectSolver):
    """The solver; its time counts as `solve`, and `solve_s` has that of each plan."""

    def __init__(self, stopwatch: Stopwatch) -> None:
        super().__init__()
        self._stopwatch = stopwatch
        self.solve_s: list[float] = []

    async def solve(
        self, problem: SiteProblem, limit_s: float, futures: Sequence[Future] = ()
    ) -> Plan:
        begin_s = time.perf_counter()
        with self._stopwatch("solve"):
            plan = await super().solve(problem, limit_s, futures)
        self.solve_s.append(time.perf_counter() - begin_s)
        return plan


class TimedForecaster:
    """A forecaster; its time counts as `forecast`."""

    def __init__(self, stopwatch: Stopwatch, forecaster: Forecaster) -> None:
        self._stopwatch, self._forecaster = stopwatch, forecaster

    def learn(self, time: datetime, values: Mapping[str, float | None]) -> None:
        with self._stopwatch("forecast"):
            self._forecaster.learn(time, values)

    def prepare(self, now: datetime) -> None:
        self._forecaster.prepare(now)

    def forecast(
        self, now: datetime, starts: Sequence[datetime], step_h: npt.ArrayLike
    ) -> Forecast:
        with self._stopwatch("forecast"):
            return self._forecaster.forecast(now, starts, step_h)

    def peak_load_kw(self, now: datetime, hours: float) -> float:
        with self._stopwatch("forecast"):
            return self._forecaster.peak_load_kw(now, hours)
