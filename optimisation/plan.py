"""What planning answers: a status with its reason, the series, what they cost, and what energy and power are worth."""

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
)
"""Names of the arrays that every plan has, shape (n,)."""

COMPONENT_SERIES = (
    "grid_export_kw",
    "inverter_dc_kw",
    "cooling_kw",
    "room_c",
    "sleep_kw",
    "genset_kw",
    "genset_on",
)
"""Names of the arrays, shape (n,), that are None where the problem has not the component."""

WORTH = ("stored_value_per_kwh", "import_limit_value_per_kwh", "import_cap_value_per_kwh")
"""Names of the marginal values, shape (n,); NaN if not known."""

BY_BATTERY = ("battery_charge_kw", "battery_discharge_kw", "battery_stored_kwh")
"""Names of the arrays with one row per battery, shape (b, n)."""

BY_SEGMENT = ("segment_charge_kw", "segment_discharge_kw")
"""Names of the arrays with one row per wear segment, of the first battery first, shape (all segments, n)."""

_AXES = {name: (1, name not in SERIES) for name in (*SERIES, *WORTH, *COMPONENT_SERIES)} | dict.fromkeys(
    (*BY_BATTERY, *BY_SEGMENT), (2, True)
)
"""Number of axes of each array, and whether a plan that was made elsewhere may leave it out."""


class PlanStatus(StrEnum):
    """How planning ended."""

    OPTIMAL = "optimal"
    FEASIBLE = "feasible"
    """Stopped by the time limit with a plan that holds everything hard but may cost more than need be."""
    INFEASIBLE = "infeasible"
    UNBOUNDED = "unbounded"
    ERROR = "error"


@dataclass(frozen=True)
class Settlement:
    """What one paid reduction comes to: steps `first` to `after` - 1, by the mean over them."""

    first: int
    after: int
    reduction_kw: float
    """Mean of baseline minus net import; may be negative."""
    pay: float
    """Currency; 0 where the reduction is below the valid band."""
    penalty: float
    """Currency."""


def _none() -> Floats:
    return read_only([])


def _no_rows() -> Floats:
    return read_only(np.empty((0, 0)))


@dataclass(frozen=True, eq=False)
class Plan(Record):
    """A plan over n steps, or the reason why there is none. Arrays are read-only, shape (n,); empty without a plan.

    `objective` is the true cost in currency, the sum of `cost_by_term`: energy, wear, reserve, cap, unserved, minus the
    terminal value of what is left, and demand, export, reduction, comfort, sleep, genset and full charge where the site
    has them. The tie-breaks that steer the solver are not in it.
    """

    status: PlanStatus
    reason: str = ""
    """Why there is no plan; beside a plan, what was not taken as it was given."""
    objective: float = math.nan
    cost_by_term: Mapping[str, float] = field(default_factory=dict)
    soft_limits: Mapping[str, float] = field(default_factory=dict)
    """Only the soft limits that are broken, and by how much in all; the unit ends the name.

    reserve_kwh_h, import_cap_kwh, unserved_kwh, ac_unserved_kwh, full_charge_kwh, too_warm_k_h, too_cold_k_h.
    """
    grid_import_kw: Floats = field(default_factory=_none)
    rectifier_dc_kw: Floats = field(default_factory=_none)
    pv_kw: Floats = field(default_factory=_none)
    """Used, not available."""
    charge_kw: Floats = field(default_factory=_none)
    """Of all batteries, like the next two."""
    discharge_kw: Floats = field(default_factory=_none)
    stored_kwh: Floats = field(default_factory=_none)
    """At the end of each step."""
    reserve_short_kwh: Floats = field(default_factory=_none)
    cap_excess_kw: Floats = field(default_factory=_none)
    unserved_kw: Floats = field(default_factory=_none)
    stored_value_per_kwh: Floats = field(default_factory=_none)
    """What one kWh more at the end of each step would save, in the battery and segment where it saves most."""
    import_limit_value_per_kwh: Floats = field(default_factory=_none)
    """What one kWh more through the connection in each step would save; 0 where the limit does not bind."""
    import_cap_value_per_kwh: Floats = field(default_factory=_none)
    """The same of the soft cap."""
    battery_charge_kw: Floats = field(default_factory=_no_rows)
    """By battery, shape (b, n), like the next two."""
    battery_discharge_kw: Floats = field(default_factory=_no_rows)
    battery_stored_kwh: Floats = field(default_factory=_no_rows)
    segment_charge_kw: Floats = field(default_factory=_no_rows)
    """By wear segment, shallowest first, one battery after the other, shape (all segments, n), like the next."""
    segment_discharge_kw: Floats = field(default_factory=_no_rows)
    grid_export_kw: Floats | None = None
    inverter_dc_kw: Floats | None = None
    """Taken from the DC bus."""
    cooling_kw: Floats | None = None
    room_c: Floats | None = None
    """At the end of each step."""
    sleep_kw: Floats | None = None
    """DC load that sleeps."""
    genset_kw: Floats | None = None
    genset_on: Floats | None = None
    """0 or 1."""
    demand_peak_kw: float | None = None
    """The billing peak this plan leads to, not below the peak so far."""
    settlements: tuple[Settlement, ...] = ()
    solve_s: float = 0.0

    def __post_init__(self) -> None:
        lengths = set()
        for name, (n_axes, may_be_left_out) in _AXES.items():
            given = getattr(self, name)
            if given is None:
                continue
            array = read_only(given)
            if array.ndim != n_axes:
                raise ValueError(f"{name} of a plan has shape {array.shape}; allowed is (n,), by battery (b, n)")
            if array.size or not may_be_left_out:
                lengths.add(array.shape[-1])
            if array is not given:
                object.__setattr__(self, name, array)
        if len(lengths) > 1:
            raise ValueError(f"the series of a plan have {sorted(lengths)} steps; allowed is one number of steps")

    @property
    def battery_kw(self) -> Floats:
        """Power of all batteries at the DC bus, shape (n,), kW: + charging, - discharging."""
        net: Floats = np.subtract(self.charge_kw, self.discharge_kw)
        net.flags.writeable = False
        return net

    @property
    def usable(self) -> bool:
        """True if the series may be acted on."""
        return self.status in (PlanStatus.OPTIMAL, PlanStatus.FEASIBLE)
