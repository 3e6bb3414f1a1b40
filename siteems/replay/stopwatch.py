"""Where the time of a replay goes: spans by name, each without those inside it."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from datetime import datetime

import numpy.typing as npt

from drivers.points import Reading
from optimisation.plan.plan import Plan
from optimisation.problem.site_problem import SiteProblem
from siteems.clock import ManualClock
from siteems.control.decision import Decision
from siteems.control.timing import Timing
from siteems.forecast.forecast import Forecast, Forecaster
from siteems.replay.simulated_devices import DirectSolver, SimulatedDevices
from siteems.simulation.plant import Plant
from siteems.site.model import Site


class Stopwatch:
    """Adds up wall time by what is going on: `with watch("solve"): ...`; a span inside another
    stops the outer one.
    """

    def __init__(self, rest: str) -> None:
        """What is in no span counts as `rest`."""
        self.spans_s = {rest: 0.0}
        self._open, self._since = [rest], time.perf_counter()

    def __call__(self, name: str) -> Stopwatch:
        """A span of this name begins."""
        self._turn()
        self._open.append(name)
        return self

    def __enter__(self) -> None:
        """It has begun."""

    def __exit__(self, *error: object) -> None:
        """It is over."""
        self._turn()
        self._open.pop()

    def _turn(self) -> None:
        now, name = time.perf_counter(), self._open[-1]
        self.spans_s[name] = self.spans_s.get(name, 0.0) + now - self._since
        self._since = now


class TimedDevices(SimulatedDevices):
    """The simulated site; all that it does is `simulate`."""

    def __init__(
        self, watch: Stopwatch, site: Site, plant: Plant, clock: ManualClock, timing: Timing
    ) -> None:
        super().__init__(site, plant, clock, timing)
        self._watch = watch

    async def read(self) -> Sequence[Reading]:
        """As without a watch."""
        with self._watch("simulate"):
            return await super().read()

    async def drive(self, decision: Decision) -> None:
        """As without a watch."""
        with self._watch("simulate"):
            await super().drive(decision)


class TimedSolver(DirectSolver):
    """The solver; knows how long each plan took."""

    def __init__(self, watch: Stopwatch) -> None:
        super().__init__()
        self._watch = watch
        self.spans_s: list[float] = []

    async def solve(self, problem: SiteProblem, limit_s: float) -> Plan:
        """As without a watch."""
        begin = time.perf_counter()
        with self._watch("solve"):
            plan = await super().solve(problem, limit_s)
        self.spans_s.append(time.perf_counter() - begin)
        return plan


class TimedForecaster:
    """A forecaster; all that it does is `forecast`."""

    def __init__(self, watch: Stopwatch, forecaster: Forecaster) -> None:
        self._watch, self._forecaster = watch, forecaster

    def learn(self, time: datetime, values: Mapping[str, float | None]) -> None:
        """As without a watch."""
        with self._watch("forecast"):
            self._forecaster.learn(time, values)

    def forecast(
        self, now: datetime, starts: Sequence[datetime], step_h: npt.ArrayLike
    ) -> Forecast:
        """As without a watch."""
        with self._watch("forecast"):
            return self._forecaster.forecast(now, starts, step_h)

    def peak_load_kw(self, now: datetime, hours: float) -> float:
        """As without a watch."""
        with self._watch("forecast"):
            return self._forecaster.peak_load_kw(now, hours)
