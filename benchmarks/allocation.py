"""`make bench-allocation`: splitting a request over a fleet, its time and how long it holds.

Times are of one step, in turns in this process, with their ratio to a proportional split, which is
the least that any policy has to compute. Then how long each policy holds a constant request. The
last line is one JSON object.
"""

from __future__ import annotations

import argparse
import json
from typing import Final

import numpy as np
from timing import Times

from optimisation.allocation.capacity import can_serve, capacity_curve, hours_for
from optimisation.allocation.cheapest import (
    split_by_merit,
    split_cheapest,
    split_proportionally,
)
from optimisation.allocation.fleet import Array, Fleet, Split
from optimisation.allocation.groups import split_in_groups, tree
from optimisation.allocation.time_to_go import split

SIZES: Final = (10_000, 34_000, 100_000)
ROUNDS: Final = 15
SHARES: Final = (0.3, 0.5, 0.7, 0.85)
"""Of the fleet's power, requested without change."""
STEP_H: Final = 1.0 / 12.0
FEEDERS: Final = 40
POLICIES: Final = ("time to go", "proportional", "merit order")


def main() -> None:
    """Time and compare."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    options = parser.parse_args()
    result: dict[str, float] = {}
    for size in SIZES:
        result |= _times(size, options.rounds)
    result |= _held()
    print(json.dumps(result))


def site_fleet(size: int, seed: int = 17) -> Fleet:
    """Communication sites: 2 to 12 kW of battery, 1 to 6 h above the reserve."""
    random = np.random.default_rng(seed)
    power = random.uniform(2.0, 12.0, size)
    return Fleet(power, power * random.uniform(1.0, 6.0, size))


def _times(size: int, rounds: int) -> dict[str, float]:
    fleet, times = site_fleet(size), Times()
    random = np.random.default_rng(3)
    cost = random.uniform(0.1, 0.9, size)
    request_kw = 0.6 * float(fleet.power_kw.sum())
    groups = tree(
        [float("inf"), *[0.8 * request_kw / FEEDERS * 1.5] * FEEDERS],
        [0] * (FEEDERS + 1),
        random.integers(1, FEEDERS + 1, size).tolist(),
    )
    course = np.full(24, 0.4 * float(fleet.power_kw.sum()))
    for _ in range(rounds):
        times.measure("proportional", lambda: split_proportionally(fleet, request_kw, STEP_H))
        times.measure("time to go", lambda: split(fleet, request_kw, STEP_H))
        times.measure("merit order", lambda: split_by_merit(fleet, cost, request_kw, STEP_H))
        times.measure("energy above power", lambda: can_serve(fleet, course, STEP_H))
        times.measure("capacity curve", lambda: capacity_curve(fleet))
    for _ in range(max(1, rounds // 5)):
        times.measure(
            "cheapest within the slack",
            lambda: split_cheapest(fleet, cost, request_kw, STEP_H, request_kw, 1.0),
        )
        times.measure(
            f"within {FEEDERS} feeders",
            lambda: split_in_groups(fleet, groups, request_kw, STEP_H),
        )
    times.print(f"{size:,} sites", "proportional")
    name = f"{size // 1000}k"
    ratio = times.over("time to go", "proportional")
    return {
        f"split_{name}_s": times.median_s("time to go"),
        f"split_{name}_over_proportional": float("nan") if ratio is None else ratio,
    }


def _held() -> dict[str, float]:
    """Hours for which each policy holds a constant request."""
    fleet = site_fleet(500, seed=5)
    random = np.random.default_rng(8)
    cost = random.uniform(0.0, 1.0, 500)
    print(f"\nhours held{'':10}" + "".join(f"{share:>9.0%}" for share in SHARES))
    found: dict[str, list[float]] = {"E-p curve": []}
    total_kw = float(fleet.power_kw.sum())
    for share in SHARES:
        found["E-p curve"].append(hours_for(fleet, share * total_kw))
        for policy in POLICIES:
            held = _hours(fleet, policy, share * total_kw, cost)
            found.setdefault(policy, []).append(held)
    for policy, hours in found.items():
        print(f"{policy:20}" + "".join(f"{each:9.2f}" for each in hours))
    half = SHARES.index(0.5)
    return {f"held_{name.replace(' ', '_')}_h": hours[half] for name, hours in found.items()}


def _hours(fleet: Fleet, policy: str, request_kw: float, cost: Array) -> float:
    steps = 0
    while True:
        found: Split
        if policy == "time to go":
            found = split(fleet, request_kw, STEP_H)
        elif policy == "proportional":
            found = split_proportionally(fleet, request_kw, STEP_H)
        else:
            found = split_by_merit(fleet, cost, request_kw, STEP_H)
        if found.missing_kw > 1e-6 * request_kw:
            return steps * STEP_H
        fleet, steps = fleet.after(found.power_kw, STEP_H), steps + 1


if __name__ == "__main__":
    main()
