"""Random site problems of any structure and any numbers that are allowed, from a seed or drawn by
Hypothesis.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from optimisation.arrays import Floats
from optimisation.problem.battery import BatteryModel, FullCharge
from optimisation.problem.components import (
    Cooling,
    DemandCharge,
    Export,
    Genset,
    RadioSleep,
    Reduction,
)
from optimisation.problem.rectifier import RectifierCurve
from optimisation.problem.site_problem import SiteProblem

COMPONENTS = ("demand", "export", "reduction", "cooling", "sleep", "genset")
CONDITIONS = (
    "acceptance",
    "full charge",
    "outage",
    "cap",
    "uneven steps",
    "negative price",
    "zero price",
    "flat price",
)
FEATURES = COMPONENTS + CONDITIONS

LEAD_CARBON = ((0.8, 0.20), (0.9, 0.10), (0.95, 0.05), (0.98, 0.02), (1.0, 0.005))
LITHIUM = ((0.0, 0.1), (0.1, 0.5), (0.9, 0.5), (1.0, 0.1))


def random_site(
    seed: int, features: frozenset[str] | None = None, max_steps: int = 32
) -> SiteProblem:
    """Return the problem of a seed with the given features, of `FEATURES`; None = any choice of
    them.
    """
    rng = np.random.default_rng(seed)
    if features is None:
        # The share varies too, so that bare and crowded sites both occur.
        features = frozenset(
            np.array(FEATURES)[rng.random(len(FEATURES)) < rng.choice([0.2, 0.5, 0.9])].tolist()
        )
    n = int(rng.integers(1, (8 if "genset" in features else max_steps) + 1))
    batteries = tuple(_battery(rng, n, features) for _ in range(int(rng.integers(1, 4))))
    capacity = sum(battery.capacity_kwh for battery in batteries)
    limit = rng.choice([4.0, 8.0, 15.0], n) if rng.random() < 0.3 else np.full(n, 15.0)
    if "outage" in features:
        first = int(rng.integers(n))
        limit[first : first + int(rng.integers(1, 6))] = 0.0
    cap = np.full(n, np.inf)
    if "cap" in features:
        cap = np.where(rng.random(n) < 0.3, rng.choice([0.0, 2.0, 5.0]), cap)
    uneven = "uneven steps" in features
    fields: dict[str, Any] = {
        name: _MAKERS[name](rng, n) for name in COMPONENTS if name in features
    }
    return SiteProblem(
        step_h=np.repeat([0.25, 1.0], [n // 2, n - n // 2]) if uneven else np.full(n, 0.25),
        price_per_kwh=_price(rng, n, features),
        dc_load_kw=_spiky(rng, n, 5.0),
        ac_load_kw=rng.choice([0.0, 1.0]) * _spiky(rng, n, 1.0),
        pv_kw=rng.choice([0.0, 1.0]) * _spiky(rng, n, 6.0),
        import_limit_kw=limit,
        import_cap_kw=cap,
        reserve_kwh=rng.choice([0.0, 0.4, 1.3]) * capacity * rng.random(n),
        terminal_value_per_kwh=float(rng.choice([0.0, 0.5, 2.0])),
        reserve_penalty_per_kwh_h=float(rng.choice([1.0, 30.0, 120.0])),
        cap_penalty_per_kwh=20.0,
        unserved_penalty_per_kwh=1000.0,
        rectifier=_rectifier(rng),
        rectifier_max_dc_kw=float(rng.choice([3.0, 9.0, 30.0])),
        batteries=batteries,
        **fields,
    )


def sites(max_steps: int = 24) -> st.SearchStrategy[SiteProblem]:
    """Draw problems; a failing one shrinks to as few features as it fails with."""
    return st.builds(
        random_site,
        st.integers(0, 2**32 - 1),
        st.frozensets(st.sampled_from(FEATURES)),
        st.integers(1, max_steps),
    )


def _spiky(rng: np.random.Generator, n: int, usual: float) -> Floats:
    values: Floats = rng.uniform(0.0, usual, n) * np.where(rng.random(n) < 0.05, 10.0, 1.0)
    return values


def _price(rng: np.random.Generator, n: int, features: frozenset[str]) -> Floats:
    price = rng.choice([0.3, 0.7, 1.2], n) if rng.random() < 0.5 else rng.uniform(0.01, 1.5, n)
    if "flat price" in features:
        price = np.full(n, 0.7)
    if "zero price" in features:
        price[rng.random(n) < 0.5] = 0.0
    if "negative price" in features:
        some = rng.random(n) < 0.5
        price[some] = -rng.choice([0.01, 0.2, 1.0]) * rng.random(int(some.sum()))
    return price


def _rectifier(rng: np.random.Generator) -> RectifierCurve:
    curves = (
        RectifierCurve(0.1, (3.0, 4.0, 5.0), (1.04, 1.06, 1.10)),
        RectifierCurve(0.0, (12.0,), (1.05,)),
        RectifierCurve.from_efficiency(12.0, ((0.1, 0.90), (0.4, 0.96), (0.7, 0.96), (1.0, 0.95))),
    )
    return curves[int(rng.integers(len(curves)))]


def _battery(rng: np.random.Generator, n: int, features: frozenset[str]) -> BatteryModel:
    capacity = float(rng.uniform(2.0, 50.0))
    wear = np.sort(rng.choice([0.0, 0.05, 0.4], int(rng.integers(1, 5))))
    table = LEAD_CARBON if rng.random() < 0.5 else LITHIUM
    full = FullCharge(int(rng.integers(n)), float(rng.choice([0.1, 2.0, 50.0])))
    return BatteryModel(
        capacity_kwh=capacity,
        stored_kwh=capacity * float(rng.choice([0.0, 1.0, 1.05, rng.random()])),
        charge_efficiency=float(rng.choice([0.92, 0.97, 1.0])),
        discharge_efficiency=float(rng.choice([0.92, 0.97])),
        max_charge_kw=float(rng.choice([0.0, 0.2, 0.5], p=[0.1, 0.45, 0.45])) * capacity,
        max_discharge_kw=float(rng.choice([0.0, 0.25, 1.0], p=[0.1, 0.45, 0.45])) * capacity,
        wear_per_kwh=tuple(wear.tolist()),
        acceptance=tuple((soc, rate * capacity) for soc, rate in table)
        if "acceptance" in features
        else (),
        full_charge=full if "full charge" in features and rng.random() < 0.7 else None,
    )


def _demand(rng: np.random.Generator, n: int) -> DemandCharge:
    return DemandCharge(
        price_per_kw=float(rng.choice([0.0, 2.0, 40.0])),
        peak_so_far_kw=float(rng.uniform(0.0, 6.0)),
        interval_of_step=(intervals := np.arange(n) // int(rng.integers(1, 4))),
        counts=(rng.random(n) < 0.7)[intervals] if rng.random() < 0.5 else None,
    )


def _export(rng: np.random.Generator, n: int) -> Export:
    return Export(
        price_per_kwh=rng.choice([-0.3, 0.4, 2.0]) * rng.random(n),
        limit_kw=rng.choice([0.0, 3.0], n),
        inverter_efficiency=float(rng.choice([0.95, 1.0])),
        inverter_max_kw=float(rng.choice([1.0, 5.0])),
    )


def _reduction(rng: np.random.Generator, n: int) -> Reduction:
    in_event = np.zeros(n, dtype=bool)
    for _ in range(int(rng.integers(1, 3))):
        first = int(rng.integers(n))
        in_event[first : first + int(rng.integers(1, 5))] = True
    return Reduction(
        baseline_kw=rng.uniform(-1.0, 8.0, n),
        in_event=in_event,
        price_per_kwh=float(rng.choice([0.0, 0.5, 4.0])),
        bid_kw=float(rng.choice([0.0, 1.0, 4.0])),
        penalty_per_kwh=float(rng.choice([0.0, 1.0])),
    )


def _cooling(rng: np.random.Generator, n: int) -> Cooling:
    return Cooling(
        max_kw=float(rng.choice([0.0, 2.0])),
        cop=2.8,
        heat_capacity_kwh_per_k=float(rng.choice([0.06, 0.5, 3.0])),
        heat_loss_kw_per_k=0.045,
        room_now_c=float(rng.uniform(15.0, 40.0)),
        low_c=18.0,
        high_c=28.0,
        outdoor_c=rng.uniform(-10.0, 38.0, n),
        inside_heat_kw=rng.uniform(0.0, 4.0, n),
        discomfort_per_k_h=float(rng.choice([0.05, 5.0])),
        rebound_cap_kw=float(rng.uniform(1.0, 8.0)) if rng.random() < 0.5 else None,
    )


def _sleep(rng: np.random.Generator, n: int) -> RadioSleep:
    return RadioSleep(
        available_kw=_spiky(rng, n, 1.0), cost_per_kwh=float(rng.choice([0.0, 0.5, 5.0]))
    )


def _genset(rng: np.random.Generator, n: int) -> Genset:
    return Genset(
        max_kw=8.0,
        min_kw=float(rng.choice([0.0, 2.0])),
        fuel_per_kwh=float(rng.choice([0.5, 2.5])),
        start_cost=float(rng.choice([0.0, 1.0])),
        available=rng.random(n) < 0.8,
        running=bool(rng.integers(2)),
    )


_MAKERS = {
    "demand": _demand,
    "export": _export,
    "reduction": _reduction,
    "cooling": _cooling,
    "sleep": _sleep,
    "genset": _genset,
}
