"""Site problems that several tests plan: a lead-carbon site, a plain one that can be solved by
hand, random ones.
"""

from typing import Any

import numpy as np

from optimisation.problem.site_problem import BatteryModel, RectifierCurve, SiteProblem

EFFICIENCY = (
    (0.05, 0.84),
    (0.10, 0.90),
    (0.20, 0.94),
    (0.40, 0.96),
    (0.60, 0.965),
    (0.80, 0.96),
    (1.00, 0.955),
)
LEAD_CARBON = ((0.0, 0.20), (0.80, 0.20), (0.90, 0.10), (0.95, 0.05), (0.98, 0.02), (1.0, 0.005))


def lead_carbon(capacity_kwh: float = 48.0, **changes: Any) -> BatteryModel:
    fields: dict[str, Any] = {
        "capacity_kwh": capacity_kwh,
        "stored_kwh": 20.0,
        "charge_efficiency": 0.92,
        "discharge_efficiency": 0.92,
        "max_charge_kw": 0.2 * capacity_kwh,
        "max_discharge_kw": 12.0,
        "wear_per_kwh": (0.1,),
        "acceptance": tuple((soc, rate * capacity_kwh) for soc, rate in LEAD_CARBON),
    }
    return BatteryModel(**(fields | changes))


def site_problem(n: int = 96, **changes: Any) -> SiteProblem:
    """A day from midnight: valley until 08:00, peak 16:00 to 23:00, PV from 06:00 to 18:00."""
    hour = np.arange(n) * 24.0 / n
    fields: dict[str, Any] = {
        "step_h": np.full(n, 24.0 / n),
        "price_per_kwh": np.where(hour < 8, 0.3, np.where((hour >= 16) & (hour < 23), 1.2, 0.7)),
        "dc_load_kw": 4.0 + 1.2 * np.sin(2 * np.pi * (hour - 8) / 24),
        "ac_load_kw": np.full(n, 0.5),
        "pv_kw": np.clip(4.2 * np.sin(np.pi * (hour - 6) / 12), 0.0, None),
        "import_limit_kw": np.full(n, 15.0),
        "import_cap_kw": np.full(n, np.inf),
        "reserve_kwh": np.full(n, 12.0),
        "terminal_value_per_kwh": 0.4,
        "reserve_penalty_per_kwh_h": 120.0,
        "cap_penalty_per_kwh": 20.0,
        "unserved_penalty_per_kwh": 1000.0,
        "rectifier": RectifierCurve.from_efficiency(12.0, EFFICIENCY),
        "rectifier_max_dc_kw": 12.0,
        "batteries": (lead_carbon(),),
    }
    return SiteProblem(**(fields | changes))


def random_problem(seed: int, n: int = 48, **changes: Any) -> SiteProblem:
    """An unrelated day: any prices above 0, loads, PV, SoC and outage."""
    rng = np.random.default_rng(seed)
    limit = np.full(n, 15.0)
    first = int(rng.integers(n))
    limit[first : first + int(rng.integers(0, 4))] = 0.0
    fields: dict[str, Any] = {
        "price_per_kwh": rng.uniform(0.05, 1.5, n),
        "dc_load_kw": rng.uniform(0.0, 6.0, n),
        "pv_kw": rng.uniform(0.0, 5.0, n),
        "import_limit_kw": limit,
        "import_cap_kw": np.where(rng.random(n) < 0.1, 2.0, np.inf),
        "reserve_kwh": rng.uniform(5.0, 20.0, n),
        "batteries": (lead_carbon(stored_kwh=float(rng.uniform(0.0, 48.0))),),
    }
    return site_problem(n, **(fields | changes))


def plain_battery(**changes: Any) -> BatteryModel:
    """Empty, 10 kWh, 0.9 each way, 3 kW in, 5 kW out."""
    fields: dict[str, Any] = {
        "capacity_kwh": 10.0,
        "stored_kwh": 0.0,
        "charge_efficiency": 0.9,
        "discharge_efficiency": 0.9,
        "max_charge_kw": 3.0,
        "max_discharge_kw": 5.0,
        "wear_per_kwh": (0.05,),
    }
    return BatteryModel(**(fields | changes))


def plain_problem(**changes: Any) -> SiteProblem:
    """Three hours, a lossless rectifier with 0.1 kW standby, an empty battery of 0.9 each way:
    solved by hand.
    """
    fields: dict[str, Any] = {
        "step_h": [1.0, 1.0, 1.0],
        "price_per_kwh": [0.3, 1.0, 1.0],
        "dc_load_kw": [2.0, 2.0, 2.0],
        "ac_load_kw": [0.0, 0.0, 0.0],
        "pv_kw": [0.0, 0.0, 0.0],
        "import_limit_kw": [10.0, 10.0, 10.0],
        "import_cap_kw": [np.inf, np.inf, np.inf],
        "reserve_kwh": [0.0, 0.0, 0.0],
        "terminal_value_per_kwh": 0.0,
        "reserve_penalty_per_kwh_h": 100.0,
        "cap_penalty_per_kwh": 20.0,
        "unserved_penalty_per_kwh": 1000.0,
        "rectifier": RectifierCurve(0.1, (10.0,), (1.0,)),
        "rectifier_max_dc_kw": 10.0,
        "batteries": (plain_battery(),),
    }
    return SiteProblem(**(fields | changes))
