"""Many sites through few solvers: one per thread or process, each warm from the previous site."""

from __future__ import annotations

import multiprocessing
import threading
import time
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass

from models import cached_models
from problems.rolling_windows import features, sites
from timing import rss_mb

from optimisation.solving.solver import PlanSolver

SHAPES = ("full model", "without demand charge", "one wear segment", "with cooling")
"""The shapes of the fleet, all linear, in equal parts."""

BATCH = 200
"""Sites of one shape that are planned one after the other: load, PV and SoC differ, the type of
battery is the same.
"""

_of_thread = threading.local()


@dataclass(frozen=True)
class FleetRun:
    """The time and memory that one plan for each site of a fleet took."""

    sites: int
    wall_s: float
    largest_mb: float
    """Resident memory of the largest process that planned."""

    @property
    def sites_per_s(self) -> float:
        return self.sites / self.wall_s


def by_threads(count: int, threads: int) -> FleetRun:
    with ThreadPoolExecutor(threads) as pool:
        return _plan_fleet(pool, count, threads)


def by_processes(count: int, processes: int) -> FleetRun:
    with ProcessPoolExecutor(processes, mp_context=multiprocessing.get_context("spawn")) as pool:
        return _plan_fleet(pool, count, processes)


def _plan_fleet(pool: Executor, count: int, workers: int) -> FleetRun:
    """Plan `count` unlike sites. The time that making their numbers took is subtracted."""
    # Two sites of every shape first, so that each worker has all shapes ready.
    list(pool.map(_plan_batch, [(shape, 0, 2) for shape in SHAPES for _ in range(2 * workers)]))
    batches = [
        (SHAPES[first // BATCH % len(SHAPES)], first, min(BATCH, count - first))
        for first in range(0, count, BATCH)
    ]
    begin = time.perf_counter()
    done = list(pool.map(_plan_batch, batches))
    wall_s = time.perf_counter() - begin - sum(making_s for making_s, _ in done) / workers
    return FleetRun(count, wall_s, max(mb for _, mb in done))


def _plan_batch(batch: tuple[str, int, int]) -> tuple[float, float]:
    """Plan one batch (shape, seed, number of sites).

    Returns the seconds that making its numbers took, and the resident memory in MB afterwards.
    """
    shape, seed, count = batch
    begin = time.perf_counter()
    problems = list(sites(count, seed, **features()[shape]))
    making_s = time.perf_counter() - begin
    solver = _of_thread.__dict__.setdefault("solver", PlanSolver(cached_models()))
    # The more alike two sites in a row, the fewer iterations of the simplex method; the sorting is
    # part of the time.
    problems.sort(key=lambda problem: (float(problem.dc_load_kw.sum()), problem.stored_kwh))
    for problem in problems:
        plan = solver.solve(problem, 10.0)
        assert plan.usable, plan.remarks
    return making_s, rss_mb()
