"""S1 as a `SiteProblem`, with a lossless rectifier."""

from __future__ import annotations

import numpy as np

from optimisation.problem.battery import BatteryModel
from optimisation.problem.rectifier import RectifierCurve
from optimisation.problem.site_problem import SiteProblem
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


def as_site(varied: S1) -> SiteProblem:
    """Return S1 as a site.

    An expensive reserve stands for the least stored energy and for the one at the end; more is
    never stored then, since nothing pays for it.
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
