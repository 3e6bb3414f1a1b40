"""Random site problems with any choice of components, for tests that must hold for all of them."""

from typing import Any

import numpy as np
from site_cases import lead_carbon, random_problem

from optimisation.problem.site_problem import (
    Cooling,
    DemandCharge,
    Export,
    FullCharge,
    Genset,
    RadioSleep,
    Reduction,
    SiteProblem,
)

COMPONENTS = ("demand", "export", "reduction", "cooling", "sleep", "genset", "batteries")


def components(seed: int, n: int, names: tuple[str, ...]) -> dict[str, Any]:
    """Fields of `SiteProblem` for the named components; `batteries` is two batteries with depth
    wear and a full day.
    """
    rng = np.random.default_rng(1000 + seed)
    event = np.zeros(n, dtype=bool)
    first = int(rng.integers(1, n - 3))
    event[first : first + 3] = True
    may_run = np.zeros(n, dtype=bool)
    may_run[int(rng.integers(n)) :] = True
    soc = rng.uniform(0.0, 1.05, 2)
    fields: dict[str, Any] = {
        "demand": DemandCharge(
            price_per_kw=float(rng.uniform(0.0, 5.0)),
            peak_so_far_kw=float(rng.uniform(0.0, 6.0)),
            interval_of_step=np.arange(n) // int(rng.integers(1, 4)),
        ),
        "export": Export(
            price_per_kwh=rng.uniform(-0.2, 1.0, n),
            limit_kw=np.full(n, 3.0),
            inverter_efficiency=0.95,
            inverter_max_kw=4.0,
        ),
        "reduction": Reduction(
            baseline_kw=rng.uniform(0.0, 8.0, n),
            in_event=event,
            price_per_kwh=float(rng.uniform(0.0, 4.0)),
            bid_kw=float(rng.uniform(0.0, 4.0)),
            penalty_per_kwh=float(rng.uniform(0.0, 1.0)),
        ),
        "cooling": Cooling(
            max_kw=2.0,
            cop=2.8,
            heat_capacity_kwh_per_k=0.5,
            heat_loss_kw_per_k=0.045,
            room_now_c=float(rng.uniform(20.0, 34.0)),
            low_c=18.0,
            high_c=28.0,
            outdoor_c=rng.uniform(15.0, 38.0, n),
            inside_heat_kw=rng.uniform(1.0, 4.0, n),
            discomfort_per_k_h=5.0,
            rebound_cap_kw=6.0,
        ),
        "sleep": RadioSleep(
            available_kw=rng.uniform(0.0, 1.0, n), cost_per_kwh=float(rng.uniform(0.2, 2.0))
        ),
        "genset": Genset(
            max_kw=8.0,
            min_kw=2.0,
            fuel_per_kwh=2.5,
            start_cost=1.0,
            available=may_run,
            running=bool(rng.integers(2)),
        ),
        "batteries": (
            lead_carbon(
                stored_kwh=48.0 * soc[0],
                wear_per_kwh=(0.02, 0.05, 0.1, 0.2),
                full_charge=FullCharge(by_step=int(rng.integers(n)), penalty_per_kwh=2.0),
            ),
            lead_carbon(
                20.0,
                stored_kwh=20.0 * soc[1],
                charge_efficiency=0.96,
                discharge_efficiency=0.97,
                wear_per_kwh=(0.04, 0.06),
                acceptance=((0.0, 10.0), (0.9, 8.0), (1.0, 1.0)),
            ),
        ),
    }
    return {name: fields[name] for name in names}


def component_problem(seed: int, n: int, names: tuple[str, ...], **changes: Any) -> SiteProblem:
    """An unrelated day with the named components."""
    return random_problem(seed, n=n, **(components(seed, n, names) | changes))
