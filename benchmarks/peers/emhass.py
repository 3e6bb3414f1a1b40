"""Day-ahead optimisation of EMHASS on S1; its `Optimization` object is kept between problems."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from pathlib import Path

import emhass
import pandas as pd
from emhass.optimization import Optimization
from problems.s1 import (
    CAPACITY_KWH,
    EFFICIENCY,
    END_KWH,
    LEAST_KWH,
    MAX_BATTERY_KW,
    MAX_IMPORT_KW,
    S1,
    STEP_H,
    STEPS,
)

from peers.loop import serve

START = pd.Timestamp("2026-01-01T00:00:00+00:00")
STEP = pd.Timedelta(hours=STEP_H)


def _settings() -> dict[str, object]:
    """Its default settings, changed for S1: W and Wh, no deferrable load, exact search."""
    packaged = Path(emhass.__file__).parent / "data"
    settings: dict[str, object] = json.loads((packaged / "config_defaults.json").read_text())
    deferrable = [
        name for name, value in settings.items() if "deferrable" in name and isinstance(value, list)
    ]
    settings |= {
        name: []
        for name in [*deferrable, "def_minimum_on_time", "def_minimum_off_time", "is_electric_load"]
    }
    return settings | {
        "number_of_deferrable_loads": 0,
        "optimization_time_step": STEP,
        "time_zone": "UTC",
        "num_threads": 1,
        "lp_solver_mip_rel_gap": 0,
        "set_use_pv": True,
        "set_use_battery": True,
        "compute_curtailment": True,
        "maximum_power_from_grid": 1000 * MAX_IMPORT_KW,
        "maximum_power_to_grid": 0,
        "battery_charge_power_max": 1000 * MAX_BATTERY_KW,
        # EMHASS multiplies this limit by the efficiency.
        "battery_discharge_power_max": 1000 * MAX_BATTERY_KW / EFFICIENCY,
        "battery_charge_efficiency": EFFICIENCY,
        "battery_discharge_efficiency": EFFICIENCY,
        "battery_nominal_energy_capacity": 1000 * CAPACITY_KWH,
        "battery_minimum_state_of_charge": LEAST_KWH / CAPACITY_KWH,
        "battery_maximum_state_of_charge": 1.0,
        "battery_target_state_of_charge": END_KWH / CAPACITY_KWH,
    }


def main() -> None:
    settings = _settings()
    packaged = Path(emhass.__file__).parent / "data"
    optimization = Optimization(
        settings,
        settings,
        settings,
        "unit_load_cost",
        "unit_prod_price",
        "cost",
        {"data_path": packaged, "root_path": packaged.parent},
        logging.getLogger("emhass"),
        num_timesteps=STEPS,
    )

    def prepare(problem: S1) -> Callable[[], float]:
        index = pd.date_range(START, periods=STEPS, freq=STEP)
        frame = pd.DataFrame(
            {"unit_load_cost": problem.price_per_kwh, "unit_prod_price": 0.0}, index=index
        )
        pv, load = (pd.Series(1000 * kw, index=index) for kw in (problem.pv_kw, problem.load_kw))

        def solve() -> float:
            plan = optimization.perform_dayahead_forecast_optim(
                frame,
                pv,
                load,
                soc_init=problem.stored_kwh / CAPACITY_KWH,
                soc_final=END_KWH / CAPACITY_KWH,
            )
            assert optimization.optim_status.lower() == "optimal", optimization.optim_status
            return float(problem.price_per_kwh * STEP_H @ plan["P_grid_pos"].to_numpy() / 1000)

        return solve

    serve(prepare)


if __name__ == "__main__":
    main()
