"""The answer to a planning problem: status and reason, series, costs, and marginal values."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np

from optimisation.arrays import Floats, Record, read_only
from optimisation.plan.remark import Remark
from optimisation.plan.series import Series


class PlanStatus(StrEnum):
    """How planning ended."""

    OPTIMAL = "optimal"
    FEASIBLE = "feasible"
    """Stopped by the time limit: the plan keeps every hard limit but may not be the cheapest."""
    INFEASIBLE = "infeasible"
    UNBOUNDED = "unbounded"
    ERROR = "error"


@dataclass(frozen=True)
class Settlement:
    """The settlement of one paid reduction: steps `first` to `after` - 1, by their mean."""

    first: int
    after: int
    reduction_kw: float
    """Mean of baseline minus net import; may be negative."""
    pay: float
    """Currency; 0 where the reduction is below the valid band."""
    penalty: float
    """Currency."""


def _no_series() -> Floats:
    return read_only(np.empty((0, 0)))


@dataclass(frozen=True, eq=False)
class Plan(Series, Record):
    """A plan over n steps, or the reason why there is none.

    `objective` is the true cost in currency, the sum of `cost_by_term`: energy, wear, reserve, cap,
    unserved, minus the terminal value of what is left, and demand, export, reduction, comfort,
    sleep, genset and full charge where the site has them. The tie-breaks that steer the solver are
    not in it.
    """

    status: PlanStatus
    remarks: tuple[Remark, ...] = ()
    """Why there is no plan; with a plan, what could not be met or was corrected."""
    objective: float = math.nan
    cost_by_term: Mapping[str, float] = field(default_factory=dict)
    soft_limits: Mapping[str, float] = field(default_factory=dict)
    """The soft limits that are broken, and by how much over the horizon; the unit ends the name.

    reserve_kwh_h, import_cap_kwh, unserved_kwh, ac_unserved_kwh, full_charge_kwh, too_warm_k_h,
    too_cold_k_h.
    """
    block: Floats = field(default_factory=_no_series)
    """All series, read-only, shape (rows, n); each is an attribute too."""
    rows: Mapping[str, slice] = field(default_factory=dict)
    segment_value_per_kwh: Floats = field(default_factory=_no_series)
    """Marginal value of a kWh stored in each wear segment at the end of the step, rows as those of
    `segment_charge_kw`, shape (all segments, n). NaN where not known, empty without a plan.
    """
    future_value_per_kwh: tuple[Floats, ...] = ()
    """The same in each of the other futures that the plan was made with."""
    demand_peak_kw: float | None = None
    """The billing peak this plan leads to, not below the peak so far."""
    settlements: tuple[Settlement, ...] = ()
    solve_s: float = 0.0

    def __post_init__(self) -> None:
        block = read_only(self.block)
        if block.ndim != 2:
            raise ValueError(
                f"the block of a plan has shape {block.shape}; "
                "allowed is one row of steps per series"
            )
        if block is not self.block:
            object.__setattr__(self, "block", block)
        object.__setattr__(self, "segment_value_per_kwh", read_only(self.segment_value_per_kwh))

    @property
    def battery_kw(self) -> Floats:
        """Power of all batteries at the DC bus, shape (n,), kW: + charging, - discharging."""
        net: Floats = np.subtract(self.charge_kw, self.discharge_kw)
        net.flags.writeable = False
        return net

    @property
    def usable(self) -> bool:
        """Whether the series may be carried out."""
        return self.status in (PlanStatus.OPTIMAL, PlanStatus.FEASIBLE)
