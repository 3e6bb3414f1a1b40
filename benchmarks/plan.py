"""`make bench-plan`: our plans beside bare HiGHS, Pyomo and two peer projects.

All methods take turns, each on a block of windows before the next method, so that noise of the
machine affects all alike and each method loses the processor's caches once in a block. Everything
runs on one thread, the fleet on two. The last line is one JSON object. `--full` plans 34,000 sites
instead of 3,400; `--quick` plans a few windows.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import Any

import numpy as np
from first_plan import first_plan
from fleet import SHAPES, by_processes, by_threads
from methods import Bare, NaivePyomo, Ours, PersistentPyomo
from models import FOLDER, cached_models
from peers.environments import BUILD, VERSIONS, Peer, PeerError
from problems.rolling_windows import STEPS, features, rolling
from problems.s1 import OPTIMUM, variations
from problems.s1_site import as_site
from timing import Times

from optimisation.program.shape import shape_of
from optimisation.solving.highs import version
from siteems.planning.model_cache import FOLDER_VARIABLE

BLOCK = 24
"""Windows that one method plans in a row."""

EQUAL = 1e-5
"""Largest relative difference between costs that count as equal: EMHASS is accurate to about 2e-6.
"""

BARE, WARM, COLD = "bare HiGHS run()", "ours, warm", "ours, cold"
PERSISTENT, NAIVE = "Pyomo persistent, tuned", "Pyomo rebuilt, appsi_highs"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--quick", action="store_true", help="a few windows and sites, to see that everything runs"
    )
    parser.add_argument("--full", action="store_true", help="34,000 sites instead of 3,400")
    parser.add_argument("--no-peers", action="store_true", help="leave the peer projects out")
    chosen = parser.parse_args()
    # For the solver processes of `first_plan`.
    os.environ.setdefault(FOLDER_VARIABLE, str(FOLDER))
    print(f"HiGHS {version()}, numpy {np.__version__}, {os.cpu_count()} cores")

    result: dict[str, Any] = {}
    result |= windows(*((12, 1) if chosen.quick else (96, 5)))
    result |= same_problem(5 if chosen.quick else 41, {} if chosen.no_peers else VERSIONS)
    cost_of_features(10 if chosen.quick else 60)
    result |= fleet(34000 if chosen.full else 200 if chosen.quick else 3400)
    started = first_plan(2 if chosen.quick else 5)
    print(
        f"\nsolver process, from its start to the first plan: {started.first_plan_s:.3f} s, "
        f"{started.first_mb:.0f} MB; after 100 more plans {started.later_mb:.0f} MB"
    )
    result |= {
        "first_plan_s": round(started.first_plan_s, 3),
        "worker_rss_mb": round(started.later_mb, 1),
    }
    print(json.dumps(result))


def windows(count: int, processes: int) -> dict[str, Any]:
    """Rolling windows of the full model, in several processes one after the other.

    Where code and data lie in memory differs from process to process and moves a ratio by a few
    hundredths.
    """
    times = Times()
    for _ in range(processes):
        with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as one:
            times.add(one.submit(time_windows, count).result())
    compiled = cached_models()(shape_of(next(rolling(1))))
    times.print(
        f"full model, {STEPS} steps, {compiled.n_columns} columns x {compiled.n_rows} rows, "
        f"rolling in {processes} processes",
        BARE,
    )
    return {
        "warm_over_bare": times.over(WARM, BARE),
        "naive_over_warm": times.over(NAIVE, WARM),
        "persistent_over_warm": times.over(PERSISTENT, WARM),
    }


def time_windows(count: int) -> Times:
    """Each method on the same rolling windows of the full model, the naive one on every fourth."""
    times, problems = Times(), list(rolling(count + 1))
    ours, naive, persistent = Ours(), NaivePyomo(), PersistentPyomo(problems[0])
    bare = Bare(cached_models()(shape_of(problems[0])))
    # The first window is cold for every method.
    bare.send(problems[0])
    bare.run()
    ours.warm(problems[0])
    for block in batched(problems[1:], BLOCK):
        bare_costs, warm_costs, cold_costs, pyomo_costs = [], [], [], []
        for problem in block:
            bare.send(problem)
            times.measure(BARE, bare.run)
            bare_costs.append(bare.objective)
        for problem in block:
            plan = times.measure(WARM, lambda problem=problem: ours.warm(problem))
            warm_costs.append(plan.objective)
        for problem in block:
            solver = ours.cold_solver(problem)
            plan = times.measure(COLD, lambda p=problem, solver=solver: ours.cold(solver, p))
            cold_costs.append(plan.objective)
        assert np.allclose(warm_costs, cold_costs, rtol=EQUAL, atol=0.0), (warm_costs, cold_costs)
        for problem in block:
            cost = times.measure(PERSISTENT, lambda problem=problem: persistent.solve(problem))
            pyomo_costs.append(cost)
        for problem in block[::4]:
            pyomo_costs.append(times.measure(NAIVE, lambda p=problem: naive.solve(p)))
        wanted = bare_costs + bare_costs[::4]
        assert np.allclose(pyomo_costs, wanted, rtol=EQUAL, atol=0.0), (pyomo_costs, wanted)
    return times


def same_problem(count: int, peers: dict[str, str]) -> dict[str, Any]:
    """S1 and its variations: ours beside each peer that can be installed, at equal cost."""
    times, ours, running, result = Times(), Ours(tie_break=0.0), [], {}
    for name in VERSIONS:
        result[f"{name}_over_warm"] = None
        try:
            if name not in peers:
                raise PeerError("left out by --no-peers")
            running.append(Peer(name))
        except PeerError as error:
            result[f"{name}_reason"] = str(error)
    problems = [as_site(varied) for varied in variations(count)]
    cost = ours.warm(problems[0]).objective  # cold, so not timed
    assert np.isclose(cost, OPTIMUM, rtol=1e-9), cost
    for numbers in ([0], *batched(range(1, count), BLOCK)):
        costs = [cost]
        if numbers[0]:
            costs = [
                times.measure(WARM, lambda i=i: ours.warm(problems[i])).objective for i in numbers
            ]
        for peer in list(running):
            try:
                answers = [peer.solve(i) for i in numbers]
            except PeerError as error:
                result[f"{peer.name}_reason"] = str(error)
                running.remove(peer)
                continue
            found = [cost for cost, _ in answers]
            assert np.allclose(found, costs, rtol=EQUAL, atol=0.0), (peer.name, found, costs)
            if numbers[0]:
                times.of[peer.name] += [solve_s for _, solve_s in answers]
    for peer in running:
        peer.close()
        result[f"{peer.name}_over_warm"] = times.over(peer.name, WARM)
    times.print(f"S1, {count - 1} variations, equal cost (S1 itself {OPTIMUM})", WARM)
    for name in VERSIONS:
        if f"{name}_reason" in result:
            print(f"{name}: {result[f'{name}_reason']}")
    return result


def batched(items: Sequence[Any], size: int) -> Iterator[Sequence[Any]]:
    """Cut a sequence into blocks of `size`; the last one may be shorter."""
    return (items[first : first + size] for first in range(0, len(items), size))


def cost_of_features(count: int) -> None:
    """The time of a warm plan with each feature, all features in turn on each window."""
    times, ours = Times(), {name: Ours() for name in features()}
    iterators = {name: rolling(count + 1, **changes) for name, changes in features().items()}
    for name, problems in iterators.items():
        ours[name].warm(next(problems))
    for _ in range(count):
        for name, problems in iterators.items():
            problem = next(problems)
            times.measure(name, lambda name=name, problem=problem: ours[name].warm(problem))
    times.print("warm plan by feature, each alone on top of the full model", "full model")


def fleet(count: int) -> dict[str, Any]:
    """Sites per second, in two threads and in two processes."""
    rates = {}
    print()
    for kind, plan in (("threads", by_threads), ("processes", by_processes)):
        run = plan(count, 2)
        rates[kind] = run
        print(
            f"fleet of {count} unlike sites on {len(SHAPES)} shapes, 2 {kind}: "
            f"{run.sites_per_s:.0f} sites/s, 34,000 would take {34000 / run.sites_per_s:.0f} s, "
            f"{run.largest_mb:.0f} MB"
        )
    best = max(rates.values(), key=lambda run: run.sites_per_s)
    return {
        "fleet_sites_per_s": round(best.sites_per_s, 1),
        "fleet_threads_sites_per_s": round(rates["threads"].sites_per_s, 1),
        "fleet_worker_mb": round(rates["processes"].largest_mb, 1),
        "fleet_sites": count,
    }


if __name__ == "__main__":
    BUILD.mkdir(parents=True, exist_ok=True)
    main()
