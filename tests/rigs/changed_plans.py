"""Plans that were changed after solving, and what the checker should report of them."""

from dataclasses import replace

import numpy as np

from optimisation.arrays import Floats
from optimisation.checking.violations import (
    Constraint,
    Form,
    FormViolation,
    StepViolation,
    Total,
    TotalViolation,
    Violation,
)
from optimisation.plan.plan import Plan
from optimisation.plan.series import rows_of

BY_BATTERY = ("battery_charge_kw", "battery_discharge_kw", "battery_stored_kwh")
"""Names of the series with one row per battery, shape (b, n)."""

BY_SEGMENT = ("segment_charge_kw", "segment_discharge_kw")
"""Names of the series with one row per wear segment, of the first battery first, shape (all
segments, n).
"""


def with_series(plan: Plan, **series: Floats | float) -> Plan:
    """Return the plan with other numbers in some of its series."""
    block = np.array(plan.block)
    for name, numbers in series.items():
        block[plan.rows[name]] = numbers
    return replace(plan, block=block)


def of_site(plan: Plan, n_batteries: int, n_segments: int, components: tuple[str, ...]) -> Plan:
    """Return the plan laid out for another site; series that it does not have are 0."""
    rows = rows_of(n_batteries, n_segments, components)
    block = np.zeros((max(row.stop for row in rows.values()), plan.block.shape[1]))
    for name in rows.keys() & plan.rows.keys():
        block[rows[name]] = plan.block[plan.rows[name]][: rows[name].stop - rows[name].start]
    return replace(plan, block=block, rows=rows)


def reports(violation: Violation, expected: Constraint | Total | Form | str) -> bool:
    """Whether a violation is of that constraint, total or form, or has that text."""
    match violation, expected:
        case StepViolation(constraint=found), Constraint():
            return found is expected
        case TotalViolation(total=found), Total():
            return found is expected
        case FormViolation(form=found), Form():
            return found is expected
        case _, str():
            return expected in str(violation)
    return False
