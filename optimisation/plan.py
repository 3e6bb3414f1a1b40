"""What planning answers: a status with its reason, the series, what they cost, and what stored energy is worth."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np

from optimisation.records import Floats, Record, read_only

SERIES = (
    "grid_import_kw",
    "rectifier_dc_kw",
    "pv_kw",
    "charge_kw",
    "discharge_kw",
    "stored_kwh",
    "reserve_short_kwh",
    "cap_excess_kw",
    "unserved_kw",
    "stored_value_per_kwh",
)
"""Names of the arrays of a plan."""


class PlanStatus(StrEnum):
    """How planning ended."""

    OPTIMAL = "optimal"
    FEASIBLE = "feasible"
    """Stopped by the time limit with a plan that holds everything hard but may cost more than need be."""
    INFEASIBLE = "infeasible"
    UNBOUNDED = "unbounded"
    ERROR = "error"


def _nothing() -> Floats:
    return read_only([])


@dataclass(frozen=True, eq=False)
class Plan(Record):
    """A plan over n steps, or the reason why there is none. Arrays are read-only, shape (n,); empty without a plan.

    `objective` is the true cost in currency, the sum of `cost_by_term` (energy, wear, reserve, cap, unserved, and minus
    the terminal value of what is left); the tie-breaks that steer the solver are not in it.
    """

    status: PlanStatus
    reason: str = ""
    """Why there is no plan; beside a plan, what it cannot keep."""
    objective: float = math.nan
    cost_by_term: Mapping[str, float] = field(default_factory=dict)
    grid_import_kw: Floats = field(default_factory=_nothing)
    rectifier_dc_kw: Floats = field(default_factory=_nothing)
    pv_kw: Floats = field(default_factory=_nothing)
    """Used, not available."""
    charge_kw: Floats = field(default_factory=_nothing)
    discharge_kw: Floats = field(default_factory=_nothing)
    stored_kwh: Floats = field(default_factory=_nothing)
    """At the end of each step."""
    reserve_short_kwh: Floats = field(default_factory=_nothing)
    cap_excess_kw: Floats = field(default_factory=_nothing)
    unserved_kw: Floats = field(default_factory=_nothing)
    stored_value_per_kwh: Floats = field(default_factory=_nothing)
    """What one kWh more in the battery at the end of each step would save, in currency; NaN if not known."""
    solve_s: float = 0.0

    def __post_init__(self) -> None:
        arrays = {name: read_only(getattr(self, name)) for name in SERIES}
        shapes = {array.shape for array in arrays.values()}
        if len(shapes) > 1 or len(arrays["stored_kwh"].shape) != 1:
            raise ValueError(f"the series of a plan have shapes {sorted(shapes)}; allowed is one shape (n,)")
        for name, array in arrays.items():
            object.__setattr__(self, name, array)

    @property
    def battery_kw(self) -> Floats:
        """Battery power at the DC bus, shape (n,), kW: + charging, - discharging."""
        net: Floats = np.subtract(self.charge_kw, self.discharge_kw)
        net.flags.writeable = False
        return net

    @property
    def usable(self) -> bool:
        """True if the series may be acted on."""
        return self.status in (PlanStatus.OPTIMAL, PlanStatus.FEASIBLE)
