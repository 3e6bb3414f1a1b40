"""`make bench-plan`: our plans beside bare HiGHS, Pyomo and two peer projects; the last line is one
JSON object.

All ways to plan take their turns on one block of windows before the next block, so that noise of
the machine falls on all alike, and none pays for a cache that another has emptied more than once in
a block. Everything runs on one thread, the fleet on two. `--full` plans 34,000 sites instead of
3,400; `--quick` a few windows.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from first_plan import first_plan
from fleet import SHAPES, by_processes, by_threads
from measure import Times
from peers import BUILD, VERSIONS, Peer, PeerError
from s1 import (
    CAPACITY_KWH,
    EFFICIENCY,
    END_KWH,
    LEAST_KWH,
    MAX_BATTERY_KW,
    MAX_IMPORT_KW,
    OPTIMUM,
    S1,
    STEP_H,
    STEPS,
)
from s1 import variations as s1_variations
from ways import Bare, NaivePyomo, Ours, PersistentPyomo
from windows import features, rolling

from optimisation.problem.battery import BatteryModel
from optimisation.problem.rectifier import RectifierCurve
from optimisation.problem.site_problem import SiteProblem
from optimisation.program.shape import shape_of
from optimisation.solving.highs import version
from optimisation.solving.model_cache import FOLDER_VARIABLE, compiled_for

BLOCK = 24
"""Windows that one way plans in a row."""

EQUAL = 1e-5
"""Largest relative difference between costs that are called equal; EMHASS answers to about 2e-6 at
worst.
"""


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument(
        "--quick", action="store_true", help="a few windows and sites, to see that all runs"
    )
    arguments.add_argument("--full", action="store_true", help="34,000 sites instead of 3,400")
    arguments.add_argument("--no-peers", action="store_true", help="leave the peer projects out")
    chosen = arguments.parse_args()
    os.environ.setdefault(FOLDER_VARIABLE, str(BUILD / "cache"))
    print(f"HiGHS {version()}, numpy {np.__version__}, {os.cpu_count()} cores")

    result: dict[str, Any] = {}
    result |= windows(*((12, 1) if chosen.quick else (96, 5)))
    result |= same_problem(5 if chosen.quick else 41, {} if chosen.no_peers else VERSIONS)
    cost_of_features(10 if chosen.quick else 60)
    result |= fleet(34000 if chosen.full else 200 if chosen.quick else 3400)
    started = first_plan(2 if chosen.quick else 5)
    print(
        f"\nsolver process, from its start to the first plan: {started.first_plan_s:.3f} s, {started.first_mb:.0f} MB; "
        f"after 100 more plans {started.later_mb:.0f} MB"
    )
    result |= {
        "first_plan_s": round(started.first_plan_s, 3),
        "worker_rss_mb": round(started.later_mb, 1),
    }
    print(json.dumps(result))


def windows(count: int, processes: int) -> dict[str, Any]:
    """Rolling windows of the full model, in several processes one after the other.

    Where code and data lie differs from process to process, and with it the time: by a few
    hundredths of a ratio.
    """
    times = Times()
    for _ in range(processes):
        with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as one:
            times.add(one.submit(time_windows, count).result())
    compiled = compiled_for(shape_of(next(rolling(1))))
    times.print(
        f"full model, {STEPS} steps, {compiled.n_columns} columns x {compiled.n_rows} rows, rolling in {processes} "
        "processes",
        "bare HiGHS run()",
    )
    return {
        "warm_over_bare": times.over("ours, warm", "bare HiGHS run()"),
        "naive_over_warm": times.over("Pyomo rebuilt, appsi_highs", "ours, warm"),
        "persistent_over_warm": times.over("Pyomo persistent, tuned", "ours, warm"),
    }


def time_windows(count: int) -> Times:
    """Each way on the same rolling windows of the full model, the naive rebuild on every fourth."""
    times, problems = Times(), list(rolling(count + 1))
    ours, naive, persistent = Ours(), NaivePyomo(), PersistentPyomo(problems[0])
    bare = Bare(compiled_for(shape_of(problems[0])))
    bare.hand_over(problems[0])
    bare.run()  # the first window is cold for all
    ours.warm(problems[0])
    for block in batched(problems[1:], BLOCK):
        costs, again, found = [], [], []
        for problem in block:
            bare.hand_over(problem)
            times.take("bare HiGHS run()", bare.run)
            costs.append(bare.objective)
        warm = [
            times.take("ours, warm", lambda problem=problem: ours.warm(problem)).objective
            for problem in block
        ]
        for problem in block:
            cold = ours.cold_solver(problem)
            again.append(
                times.take(
                    "ours, cold", lambda problem=problem, cold=cold: cold.solve(problem)
                ).objective
            )
        assert np.allclose(warm, again, rtol=EQUAL, atol=0.0), (warm, again)
        for problem in block:
            found.append(
                times.take(
                    "Pyomo persistent, tuned", lambda problem=problem: persistent.solve(problem)
                )
            )
        for problem in block[::4]:
            found.append(
                times.take(
                    "Pyomo rebuilt, appsi_highs", lambda problem=problem: naive.solve(problem)
                )
            )
        assert np.allclose(found, costs + costs[::4], rtol=EQUAL, atol=0.0), (found, costs)
    return times


def same_problem(count: int, peers: dict[str, str]) -> dict[str, Any]:
    """S1 and its variations, ours beside each peer that can be installed, at equal cost."""
    times, ours, running, result = Times(), Ours(tie_break=0.0), [], {}
    for name in VERSIONS:
        result[f"{name}_over_warm"] = None
        try:
            if name not in peers:
                raise PeerError("left out by --no-peers")
            running.append(Peer(name))
        except PeerError as error:
            result[f"{name}_reason"] = str(error)
    problems = [as_site(varied) for varied in s1_variations(count)]
    cost = ours.warm(problems[0]).objective  # cold, so not timed
    assert np.isclose(cost, OPTIMUM, rtol=1e-9), cost
    for numbers in ([0], *batched(range(1, count), BLOCK)):
        costs = [cost]
        if numbers[0]:
            costs = [
                times.take("ours, warm", lambda i=i: ours.warm(problems[i])).objective
                for i in numbers
            ]
        for peer in list(running):
            try:
                answers = [peer.solve(i) for i in numbers]
            except PeerError as error:
                result[f"{peer.name}_reason"] = str(error)
                running.remove(peer)
                continue
            assert np.allclose([found for found, _ in answers], costs, rtol=EQUAL, atol=0.0), (
                peer.name,
                answers,
                costs,
            )
            times.of[peer.name] += [solve_s for _, solve_s in answers] if numbers[0] else []
    for peer in running:
        peer.close()
        result[f"{peer.name}_over_warm"] = times.over(peer.name, "ours, warm")
    times.print(f"S1, {count - 1} variations, equal cost (S1 itself {OPTIMUM})", "ours, warm")
    for name in VERSIONS:
        if f"{name}_reason" in result:
            print(f"{name}: {result[f'{name}_reason']}")
    return result


def batched(items: Sequence[Any], size: int) -> Iterator[Sequence[Any]]:
    """Cut a sequence into blocks of `size`, the last one perhaps shorter."""
    return (items[first : first + size] for first in range(0, len(items), size))


def as_site(varied: S1) -> SiteProblem:
    """S1 as a site with a lossless rectifier; a dear reserve stands for the least and for the last
    stored energy.
    """
    return SiteProblem(
        step_h=np.full(STEPS, STEP_H),
        price_per_kwh=varied.price_per_kwh,
        dc_load_kw=varied.load_kw,
        ac_load_kw=np.zeros(STEPS),
        pv_kw=varied.pv_kw,
        import_limit_kw=np.full(STEPS, MAX_IMPORT_KW),
        import_cap_kw=np.full(STEPS, np.inf),
        reserve_kwh=np.where(np.arange(STEPS) == STEPS - 1, END_KWH, LEAST_KWH),
        terminal_value_per_kwh=0.0,
        reserve_penalty_per_kwh_h=1000.0,
        cap_penalty_per_kwh=1000.0,
        unserved_penalty_per_kwh=1000.0,
        rectifier=RectifierCurve(0.0, (MAX_IMPORT_KW,), (1.0,)),
        rectifier_max_dc_kw=MAX_IMPORT_KW,
        batteries=(
            BatteryModel(
                capacity_kwh=CAPACITY_KWH,
                stored_kwh=varied.stored_kwh,
                charge_efficiency=EFFICIENCY,
                discharge_efficiency=EFFICIENCY,
                max_charge_kw=MAX_BATTERY_KW,
                max_discharge_kw=MAX_BATTERY_KW,
                wear_per_kwh=(0.0,),
            ),
        ),
    )


def cost_of_features(count: int) -> None:
    """What each feature costs a warm plan, all features in turn on each window."""
    times, ours = Times(), {name: Ours() for name in features()}
    iterators = {name: rolling(count + 1, **changes) for name, changes in features().items()}
    for name, problems in iterators.items():
        ours[name].warm(next(problems))
    for _ in range(count):
        for name, problems in iterators.items():
            problem = next(problems)
            times.take(name, lambda name=name, problem=problem: ours[name].warm(problem))
    times.print("warm plan by feature, each alone on top of the full model", "full model")


def fleet(count: int) -> dict[str, Any]:
    rates = {}
    print()
    for kind, plan in (("threads", by_threads), ("processes", by_processes)):
        run = plan(count, 2)
        rates[kind] = run
        print(
            f"fleet of {count} unlike sites on {len(SHAPES)} shapes, 2 {kind}: "
            f"{run.sites_per_s:.0f} sites/s, 34,000 would take {34000 / run.sites_per_s:.0f} s, {run.largest_mb:.0f} MB"
        )
    best = max(rates.values(), key=lambda run: run.sites_per_s)
    return {
        "fleet_sites_per_s": round(best.sites_per_s, 1),
        "fleet_threads_sites_per_s": round(rates["threads"].sites_per_s, 1),
        "fleet_worker_mb": round(rates["processes"].largest_mb, 1),
        "fleet_sites": count,
    }


if __name__ == "__main__":
    Path(BUILD).mkdir(parents=True, exist_ok=True)
    main()
