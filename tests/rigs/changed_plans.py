"""Plans of which something was changed afterwards."""

from dataclasses import replace

import numpy as np

from optimisation.arrays import Floats
from optimisation.plan.plan import Plan
from optimisation.plan.series import rows_of

BY_BATTERY = ("battery_charge_kw", "battery_discharge_kw", "battery_stored_kwh")
"""Names of the series with one row per battery, shape (b, n)."""

BY_SEGMENT = ("segment_charge_kw", "segment_discharge_kw")
"""Names of the series with one row per wear segment, of the first battery first, shape (all
segments, n).
"""


def with_series(plan: Plan, **series: Floats | float) -> Plan:
    """The plan with other numbers in some of its series."""
    block = np.array(plan.block)
    for name, numbers in series.items():
        block[plan.rows[name]] = numbers
    return replace(plan, block=block)


def of_site(plan: Plan, n_batteries: int, n_segments: int, components: tuple[str, ...]) -> Plan:
    """The plan laid out for another site; series that it has not are 0."""
    rows = rows_of(n_batteries, n_segments, components)
    block = np.zeros((max(place.stop for place in rows.values()), plan.block.shape[1]))
    for name in rows.keys() & plan.rows.keys():
        block[rows[name]] = plan.block[plan.rows[name]][: rows[name].stop - rows[name].start]
    return replace(plan, block=block, rows=rows)
