"""Nested caps: kept, and a step fails only where no split meets it."""

from __future__ import annotations

import numpy as np
import pytest
from examples import examples
from scipy.optimize import linprog

from optimisation.allocation.fleet import Fleet
from optimisation.allocation.groups import Groups, split_in_groups, tree
from optimisation.allocation.time_to_go import split

INF = float("inf")


def given_by(groups: Groups, power_kw: np.ndarray) -> list[float]:
    """What each group gives, counted anew from the sites."""
    sums = [0.0] * len(groups.parent)
    for site, group in enumerate(groups.of_site.tolist()):
        while True:
            sums[group] += float(power_kw[site])
            if group == 0:
                break
            group = int(groups.parent[group])
    return sums


def most_by_program(fleet: Fleet, groups: Groups, step_h: float) -> float:
    """The most that a step can give within all caps."""
    rows, limits = [], []
    for group, cap in enumerate(groups.cap_kw.tolist()):
        if cap == INF:
            continue
        row = np.zeros(len(fleet.power_kw))
        for site, inner in enumerate(groups.of_site.tolist()):
            while True:
                if inner == group:
                    row[site] = 1.0
                if inner == 0:
                    break
                inner = int(groups.parent[inner])
        rows.append(row)
        limits.append(cap)
    most = np.minimum(fleet.power_kw, fleet.energy_kwh / step_h)
    solved = linprog(
        -np.ones(len(most)),
        A_ub=np.array(rows) if rows else None,
        b_ub=limits or None,
        bounds=[(0.0, p) for p in most],
    )
    return -float(solved.fun)


def random_groups(random: np.random.Generator, sites: int, total_kw: float) -> Groups:
    count = int(random.integers(1, 7))
    parents = [0] + [int(random.integers(0, group)) for group in range(1, count)]
    caps = [INF if random.uniform() < 0.3 else float(random.uniform(0.0, 0.6)) * total_kw
            for _ in range(count)]  # fmt: skip
    return tree(caps, parents, random.integers(0, count, sites).tolist())


def test_caps_hold_and_what_can_be_met_is_met() -> None:
    random = np.random.default_rng(11)
    for _ in range(examples(150)):
        sites = int(random.integers(1, 12))
        fleet = Fleet(random.uniform(0.0, 5.0, sites), random.uniform(0.0, 10.0, sites))
        groups = random_groups(random, sites, float(fleet.power_kw.sum()))
        step_h = float(random.choice([0.1, 0.5, 2.0]))
        request_kw = float(random.uniform(0.0, 1.0) * fleet.power_kw.sum())
        found = split_in_groups(fleet, groups, request_kw, step_h)
        for given_kw, cap_kw in zip(
            given_by(groups, found.power_kw), groups.cap_kw.tolist(), strict=True
        ):
            assert given_kw <= cap_kw + 1e-8
        assert (found.power_kw <= fleet.power_kw + 1e-9).all()
        assert (found.power_kw * step_h <= fleet.energy_kwh + 1e-9).all()
        most_kw = most_by_program(fleet, groups, step_h)
        assert found.missing_kw == pytest.approx(max(0.0, request_kw - most_kw), abs=1e-7)
        assert found.power_kw.sum() == pytest.approx(min(request_kw, most_kw), abs=1e-7)


def test_without_caps_it_is_the_plain_split() -> None:
    random = np.random.default_rng(2)
    fleet = Fleet(random.uniform(1.0, 5.0, 50), random.uniform(1.0, 20.0, 50))
    groups = tree([INF, INF, INF], [0, 0, 1], random.integers(0, 3, 50).tolist())
    plain, grouped = split(fleet, 60.0, 0.25), split_in_groups(fleet, groups, 60.0, 0.25)
    assert grouped.power_kw == pytest.approx(plain.power_kw, abs=1e-6)


def test_by_hand() -> None:
    """Two feeders: that of the two strong sites is capped at 3 kW, the other gives the rest."""
    fleet = Fleet(np.array([4.0, 4.0, 4.0]), np.array([40.0, 20.0, 4.0]))
    groups = tree([INF, 3.0, INF], [0, 0, 0], [1, 1, 2])
    found = split_in_groups(fleet, groups, 5.0, 0.5)
    assert found.power_kw.tolist() == pytest.approx([3.0, 0.0, 2.0], abs=1e-9)
    assert found.missing_kw == 0.0


@pytest.mark.parametrize(
    ("parents", "caps", "sites"),
    [([1, 0], [1.0, 1.0], [0]), ([0, 1], [1.0, 1.0], [0]), ([0], [-1.0], [0]),
     ([0], [1.0], [1]), ([], [], []), ([0, 0], [1.0], [0])],
)  # fmt: skip
def test_what_is_no_tree(parents: list[int], caps: list[float], sites: list[int]) -> None:
    with pytest.raises(ValueError, match=r"group|parent"):
        tree(caps, parents, sites)
