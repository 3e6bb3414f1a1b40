"""Rolling windows of one made-up site, and one window each of many unlike sites."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from optimisation.arrays import Floats
from optimisation.problem.battery import BatteryModel
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

STEPS, STEP_H, DAY = 96, 0.25, 96

WEAR_PER_KWH = (0.041, 0.126, 0.214, 0.302)
"""Marginal cost of four depth segments: cycle loss 5.24e-4 d^2.03 (Xu et al. 2018) at a
replacement cost of 300 per kWh of capacity.
"""

RECTIFIER = RectifierCurve(0.1, (3.0, 4.0, 5.0), (1.04, 1.06, 1.10))


def full_battery(stored_kwh: float, **changes: Any) -> BatteryModel:
    fields: dict[str, Any] = {
        "capacity_kwh": 30.0,
        "stored_kwh": stored_kwh,
        "charge_efficiency": 0.92,
        "discharge_efficiency": 0.92,
        "max_charge_kw": 6.0,
        "max_discharge_kw": 8.0,
        "wear_per_kwh": WEAR_PER_KWH,
        "acceptance": ((0.0, 6.0), (0.8, 6.0), (1.0, 0.6)),
    }
    return BatteryModel(**fields | changes)


def problem(
    hour: Floats,
    load_kw: Floats,
    pv_kw: Floats,
    price_per_kwh: Floats,
    stored_kwh: float,
    **changes: Any,
) -> SiteProblem:
    """One window, with two hours of backup and a demand charge.

    A DR event caps import at 2 kW from 19:00 to 21:00 on one day in four.
    """
    in_event = (hour % 24 >= 19) & (hour % 24 < 21) & (hour // 24 % 4 == 0)
    fields: dict[str, Any] = {
        "step_h": np.full(STEPS, STEP_H),
        "price_per_kwh": price_per_kwh,
        "dc_load_kw": load_kw,
        "ac_load_kw": np.full(STEPS, 0.3),
        "pv_kw": pv_kw,
        "import_limit_kw": np.full(STEPS, 15.0),
        "import_cap_kw": np.where(in_event, 2.0, np.inf),
        "reserve_kwh": 2.0 * load_kw,
        "terminal_value_per_kwh": 0.55,
        "reserve_penalty_per_kwh_h": 30.0,
        "cap_penalty_per_kwh": 20.0,
        "unserved_penalty_per_kwh": 1000.0,
        "rectifier": RECTIFIER,
        "rectifier_max_dc_kw": 12.0,
        "batteries": (full_battery(stored_kwh),),
        "demand": DemandCharge(
            price_per_kw=40.0, peak_so_far_kw=8.0, interval_of_step=np.arange(STEPS)
        ),
    }
    return SiteProblem(**fields | changes)


def rolling(count: int, seed: int = 7, **changes: Any) -> Iterator[SiteProblem]:
    """Windows of one site, each one step after the one before, with a revised forecast and an SoC
    near the planned one.
    """
    rng = np.random.default_rng(seed)
    hours = np.arange(count + STEPS) * STEP_H
    load, pv, price = _site(rng, hours)
    grows = np.minimum(1.0, np.arange(STEPS) * STEP_H / 6.0)
    stored = 15.0
    for first in range(count):
        window = slice(first, first + STEPS)
        revised_load = load[window] * (1 + 0.03 * grows * rng.standard_normal(STEPS))
        revised_pv = np.clip(
            pv[window] * (1 + 0.15 * grows * rng.standard_normal(STEPS)), 0.0, None
        )
        yield problem(hours[window], revised_load, revised_pv, price[window], stored, **changes)
        stored = float(np.clip(stored + rng.uniform(-1.0, 1.0), 10.0, 28.0))


def sites(count: int, seed: int = 11, **changes: Any) -> Iterator[SiteProblem]:
    """One window each of unlike sites at one hour of one tariff: load, PV and SoC differ."""
    rng = np.random.default_rng(seed)
    hours = np.arange(STEPS) * STEP_H
    for _ in range(count):
        load, pv, price = _site(rng, hours)
        load_scale, pv_scale = rng.uniform(0.6, 1.2), rng.uniform(0.0, 1.2)
        stored_kwh = float(rng.uniform(8.0, 29.0))
        yield problem(hours, load_scale * load, pv_scale * pv, price, stored_kwh, **changes)


def _site(rng: np.random.Generator, hours: Floats) -> tuple[Floats, Floats, Floats]:
    """Load (3 to 6 kW), PV (5 kWp, cloudy days) and three-level price, one number per step."""
    of_day = hours % 24
    steps = len(hours)
    noise = np.zeros(steps)
    shocks = 0.1 * rng.standard_normal(steps)
    for t in range(1, steps):
        noise[t] = 0.9 * noise[t - 1] + shocks[t]
    load = np.clip(4.3 + 0.9 * np.sin(2 * np.pi * (of_day - 9) / 24) + noise, 3.0, 6.0)
    clear = np.clip(np.sin(np.pi * (of_day - 6) / 12), 0.0, None)
    cloud = rng.uniform(0.2, 1.0, steps // DAY + 2)[np.arange(steps) // DAY]
    valley, peak = (
        (of_day < 7) | (of_day >= 23),
        ((of_day >= 8) & (of_day < 11)) | ((of_day >= 17) & (of_day < 21)),
    )
    return load, 5.0 * clear * cloud, np.where(valley, 0.3, np.where(peak, 1.2, 0.7))


def features() -> dict[str, dict[str, Any]]:
    """What each feature alone changes in a window of the full model; the first changes nothing."""
    steps = np.arange(STEPS)
    event = (steps >= 40) & (steps < 48)
    return {
        "full model": {},
        "without demand charge": {"demand": None},
        "one wear segment": {"batteries": (full_battery(15.0, wear_per_kwh=(0.1,)),)},
        "two batteries": {"batteries": (full_battery(15.0), full_battery(18.0, capacity_kwh=36.0))},
        "with export": {
            "export": Export(
                price_per_kwh=np.full(STEPS, 0.2),
                limit_kw=np.full(STEPS, 3.0),
                inverter_efficiency=0.95,
                inverter_max_kw=3.0,
            )
        },
        "with a paid reduction": {
            "reduction": Reduction(
                baseline_kw=np.full(STEPS, 4.0), in_event=event, price_per_kwh=4.0, bid_kw=2.0
            )
        },
        "with cooling": {
            "cooling": Cooling(
                max_kw=1.5,
                cop=3.0,
                heat_capacity_kwh_per_k=0.5,
                heat_loss_kw_per_k=0.1,
                room_now_c=25.0,
                low_c=18.0,
                high_c=28.0,
                outdoor_c=np.full(STEPS, 30.0),
                inside_heat_kw=np.full(STEPS, 1.5),
                discomfort_per_k_h=5.0,
            )
        },
        "with radio sleep": {
            "sleep": RadioSleep(available_kw=np.where(steps < 24, 0.5, 0.0), cost_per_kwh=0.6)
        },
        "with a genset": {
            "genset": Genset(
                max_kw=8.0,
                min_kw=2.0,
                fuel_per_kwh=2.0,
                start_cost=5.0,
                available=(steps >= 60) & (steps < 76),
            )
        },
    }
