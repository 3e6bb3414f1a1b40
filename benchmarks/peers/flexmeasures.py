"""FlexMeasures' `device_scheduler` on S1, without a database."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
from flask import Flask
from flexmeasures.data.models.planning import FlowCommitment
from flexmeasures.data.models.planning.linear_optimization import device_scheduler
from flexmeasures.data.models.planning.utils import initialize_df
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

COLUMNS = [
    "equals",
    "max",
    "min",
    "derivative equals",
    "derivative max",
    "derivative min",
    "derivative down efficiency",
    "derivative up efficiency",
    "efficiency",
    "stock delta",
]
START = pd.Timestamp("2026-01-01T00:00:00+00:00")
RESOLUTION = pd.Timedelta(hours=STEP_H)


def _frame() -> pd.DataFrame:
    return initialize_df(COLUMNS, START, START + STEPS * RESOLUTION, RESOLUTION)


def prepare(problem: S1) -> Callable[[], float]:
    # FlexMeasures counts stock in kW x steps, relative to the stock at the start.
    battery = _frame()
    battery["max"] = (CAPACITY_KWH - problem.stored_kwh) / STEP_H
    battery["min"] = (LEAST_KWH - problem.stored_kwh) / STEP_H
    battery.iloc[-1, COLUMNS.index("equals")] = (END_KWH - problem.stored_kwh) / STEP_H
    battery["derivative max"], battery["derivative min"] = MAX_BATTERY_KW, -MAX_BATTERY_KW
    battery["derivative down efficiency"] = battery["derivative up efficiency"] = EFFICIENCY
    load = _frame()
    load["derivative equals"] = problem.load_kw
    pv = _frame()
    pv["derivative max"], pv["derivative min"] = 0.0, -problem.pv_kw
    site = _frame()
    site["derivative max"], site["derivative min"] = MAX_IMPORT_KW, 0.0
    price = pd.Series(problem.price_per_kwh * STEP_H, index=site.index)
    energy = FlowCommitment(
        name="energy",
        quantity=pd.Series(0.0, index=site.index),
        upwards_deviation_price=price,
        downwards_deviation_price=price,
        index=site.index,
    )

    def solve() -> float:
        schedules, _, results, _ = device_scheduler([battery, load, pv], site, commitments=[energy])
        assert str(results.solver.termination_condition) == "optimal", results
        imported = np.sum([schedule.to_numpy(dtype=float) for schedule in schedules], axis=0)
        return float(problem.price_per_kwh * STEP_H @ imported)

    return solve


if __name__ == "__main__":
    app = Flask("benchmark")
    app.config.update(
        FLEXMEASURES_LP_SOLVER="highspy", FLEXMEASURES_LP_SOLVER_OPTIONS={}, LOGGING_LEVEL="INFO"
    )
    with app.app_context():
        serve(prepare)
