"""From the start of a solver process to its first plan, with the compiled model on disk, and its
memory.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass

import numpy as np
from problems.rolling_windows import rolling
from timing import rss_mb

from siteems.planning.solver_process import SolverProcess


@dataclass(frozen=True)
class FirstPlan:
    """Medians over several starts. Memory is the peak in MB, after the first plan and after a
    hundred more.
    """

    first_plan_s: float
    first_mb: float
    later_mb: float


def first_plan(starts: int = 5) -> FirstPlan:
    return asyncio.run(_measure(starts))


async def _measure(starts: int) -> FirstPlan:
    problems = list(rolling(101))
    seconds, first_mb, later_mb = [], [], []
    for _ in range(starts + 1):  # the first start fills the cache of compiled models
        worker = SolverProcess()
        begin = time.perf_counter()
        plan = await worker.solve(problems[0], 10.0)
        seconds.append(time.perf_counter() - begin)
        assert plan.usable, plan.remarks
        assert worker.pid is not None
        first_mb.append(rss_mb(worker.pid, peak=True))
        for problem in problems[1:]:
            assert (await worker.solve(problem, 10.0)).usable
        later_mb.append(rss_mb(worker.pid, peak=True))
        await worker.close()
    return FirstPlan(*(float(np.median(values[1:])) for values in (seconds, first_mb, later_mb)))
