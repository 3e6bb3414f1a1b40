"""Splits against linear programs that know nothing of them, and against each other."""

from __future__ import annotations

import numpy as np
import pytest
from examples import examples
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import linprog

from optimisation.allocation.capacity import can_serve, capacity_curve, hours_for, power_for_kw
from optimisation.allocation.cheapest import (
    split_by_merit,
    split_cheapest,
    split_proportionally,
)
from optimisation.allocation.fleet import Array, Fleet
from optimisation.allocation.time_to_go import split

CLOSE = 1e-9


def random_fleet(random: np.random.Generator, sites: int | None = None) -> Fleet:
    count = sites or int(random.integers(1, 8))
    power = random.choice([0.0, 1.0, 2.5, 5.0], count) * random.uniform(0.5, 1.5, count)
    energy = random.choice([0.0, 1.0, 4.0, 12.0], count) * random.uniform(0.2, 1.5, count)
    return Fleet(power, energy)


def program_serves(fleet: Fleet, request_kw: Array, step_h: float) -> bool:
    """Whether some dispatch of all steps at once meets the requests: variables u[i, t]."""
    sites, steps = len(fleet.power_kw), len(request_kw)
    balance = np.zeros((steps, sites * steps))
    energy = np.zeros((sites, sites * steps))
    for i in range(sites):
        for t in range(steps):
            balance[t, i * steps + t] = 1.0
            energy[i, i * steps + t] = step_h
    solved = linprog(
        np.zeros(sites * steps),
        A_ub=energy,
        b_ub=fleet.energy_kwh,
        A_eq=balance,
        b_eq=request_kw,
        bounds=[(0.0, p) for p in np.repeat(fleet.power_kw, steps)],
    )
    return bool(solved.status == 0)


def policy_serves(fleet: Fleet, request_kw: Array, step_h: float) -> bool:
    for wanted_kw in request_kw:
        found = split(fleet, float(wanted_kw), step_h)
        assert (found.power_kw <= fleet.power_kw + CLOSE).all()
        assert (found.power_kw >= 0.0).all()
        assert (found.power_kw * step_h <= fleet.energy_kwh + CLOSE).all()
        if found.missing_kw > 1e-7:
            return False
        assert found.power_kw.sum() == pytest.approx(wanted_kw, rel=1e-9, abs=1e-9)
        fleet = fleet.after(found.power_kw, step_h)
    return True


def test_it_succeeds_exactly_when_a_linear_program_says_so() -> None:
    random, agreed, feasible = np.random.default_rng(3), 0, 0
    for _ in range(examples(200)):
        fleet = random_fleet(random)
        steps, step_h = int(random.integers(1, 7)), float(random.choice([0.25, 0.5, 1.0]))
        total = float(fleet.power_kw.sum())
        request = random.uniform(0.0, 1.0, steps) * total * float(random.choice([0.4, 0.8, 1.0]))
        wanted = program_serves(fleet, request, step_h)
        margin = _margin(fleet, request, step_h)
        if abs(margin) < 1e-6:
            continue  # on the edge, the program's own tolerance decides
        assert policy_serves(fleet, request, step_h) == wanted
        assert can_serve(fleet, request, step_h) == wanted
        agreed += 1
        feasible += wanted
    assert 0.2 * agreed < feasible < 0.95 * agreed, "both answers are tried"


def _margin(fleet: Fleet, request: Array, step_h: float) -> float:
    """How far a request is from the edge of what can be served, as a share of it."""
    if can_serve(fleet, request, step_h):
        return 1.0 if can_serve(fleet, request * (1.0 + 1e-6), step_h) else 0.0
    return -1.0 if not can_serve(fleet, request * (1.0 - 1e-6), step_h) else 0.0


@given(st.integers(0, 10**6), st.floats(0.0, 1.2))
def test_a_constant_request_is_held_as_long_as_the_curve_says(seed: int, share: float) -> None:
    fleet = random_fleet(np.random.default_rng(seed), sites=12)
    request_kw = share * float(fleet.power_kw.sum())
    held_h = hours_for(fleet, request_kw)
    if not 0.0 < held_h < float("inf"):
        return
    assert power_for_kw(fleet, np.array(held_h)) == pytest.approx(request_kw, rel=1e-9)
    steps = 16
    assert policy_serves(fleet, np.full(steps, request_kw * (1 - 1e-9)), held_h / steps)
    assert not can_serve(fleet, np.full(steps, request_kw), 1.01 * held_h / steps)


def test_it_holds_longer_than_proportion_and_merit_order() -> None:
    random = np.random.default_rng(1)
    fleet = Fleet(random.uniform(1.0, 5.0, 300), random.uniform(1.0, 40.0, 300))
    request_kw, step_h = 0.5 * float(fleet.power_kw.sum()), 1.0 / 12.0
    cost = random.uniform(0.0, 1.0, 300)

    def held(policy: str) -> int:
        now, steps = fleet, 0
        while True:
            match policy:
                case "time-to-go":
                    found = split(now, request_kw, step_h)
                case "proportional":
                    found = split_proportionally(now, request_kw, step_h)
                case _:
                    found = split_by_merit(now, cost, request_kw, step_h)
            if found.missing_kw > 1e-6:
                return steps
            now, steps = now.after(found.power_kw, step_h), steps + 1

    longest = held("time-to-go")
    assert longest == int(hours_for(fleet, request_kw) / step_h)
    assert longest > 1.1 * held("proportional")
    assert longest > 1.1 * held("merit")


@pytest.mark.parametrize("request_kw", [-1.0, float("nan"), float("inf")])
def test_a_request_that_is_none(request_kw: float) -> None:
    with pytest.raises(ValueError, match="a request of"):
        split(Fleet(np.ones(2), np.ones(2)), request_kw, 1.0)


def test_what_is_no_fleet() -> None:
    for power, energy in (([-1.0], [1.0]), ([1.0], [np.nan]), ([1.0, 2.0], [1.0])):
        with pytest.raises(ValueError, match=r"negative or not finite|same sites"):
            Fleet(np.array(power), np.array(energy))
    with pytest.raises(ValueError, match="a step of"):
        split(Fleet(np.ones(1), np.ones(1)), 1.0, 0.0)


def test_empty_and_untouchable_sites() -> None:
    nothing = Fleet(np.zeros(3), np.ones(3))
    found = split(nothing, 2.0, 0.25)
    assert (found.power_kw.tolist(), found.missing_kw) == ([0.0, 0.0, 0.0], 2.0)
    one = split(Fleet(np.array([0.0, 4.0]), np.array([9.0, 1.0])), 2.0, 0.25)
    assert one.power_kw.tolist() == pytest.approx([0.0, 2.0])
    assert split(Fleet(np.zeros(0), np.zeros(0)), 0.0, 1.0).missing_kw == 0.0
    assert capacity_curve(nothing).energy_kwh[0] == 0.0


# -- cost ------------------------------------------------------------------------------------------


def cheapest_by_program(
    fleet: Fleet, cost: Array, request_kw: float, step_h: float, rest_kw: float, rest_h: float
) -> float | None:
    """The least cost of a step after which the rest can be given: u[i] now, v[i] later."""
    sites = len(cost)
    eye = np.eye(sites)
    solved = linprog(
        np.concatenate((cost * step_h, np.zeros(sites))),
        A_ub=np.hstack((step_h * eye, rest_h * eye)),
        b_ub=fleet.energy_kwh,
        A_eq=np.kron(np.eye(2), np.ones(sites)),
        b_eq=[request_kw, rest_kw],
        bounds=[(0.0, p) for p in np.tile(fleet.power_kw, 2)],
    )
    return float(solved.fun) if solved.status == 0 else None


def test_it_is_as_cheap_as_a_linear_program() -> None:
    random, compared = np.random.default_rng(5), 0
    for _ in range(examples(150)):
        fleet = random_fleet(random, sites=int(random.integers(2, 9)))
        cost = random.uniform(0.0, 1.0, len(fleet.power_kw)).round(2)
        total = float(fleet.power_kw.sum())
        step_h, rest_h = 0.25, float(random.choice([0.5, 1.0, 3.0]))
        request_kw, rest_kw = random.uniform(0.0, 0.9, 2) * total
        least = cheapest_by_program(fleet, cost, request_kw, step_h, rest_kw, rest_h)
        found = split_cheapest(fleet, cost, request_kw, step_h, rest_kw, rest_h)
        if least is None:
            continue
        assert found.missing_kw == 0.0
        assert found.power_kw.sum() == pytest.approx(request_kw, abs=1e-9)
        assert found.power_kw @ cost * step_h == pytest.approx(least, rel=1e-6, abs=1e-8)
        after = fleet.after(found.power_kw, step_h)
        assert np.minimum(after.power_kw, after.energy_kwh / rest_h).sum() >= rest_kw - 1e-7
        compared += 1
    assert compared > 30


def test_a_rest_that_cannot_be_given_is_served_as_long_as_can_be() -> None:
    fleet = Fleet(np.array([2.0, 2.0]), np.array([1.0, 9.0]))
    found = split_cheapest(fleet, np.array([0.0, 1.0]), 2.0, 0.25, 3.9, 5.0)
    assert found.power_kw.tolist() == split(fleet, 2.0, 0.25).power_kw.tolist()
