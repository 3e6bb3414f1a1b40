"""A planning problem: the numbers of a site over the horizon, validated once."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cached_property

import numpy as np
import numpy.typing as npt

from optimisation.arrays import Floats, Record
from optimisation.problem.battery import BatteryModel, FullCharge
from optimisation.problem.components import (
    Cooling,
    DemandCharge,
    Export,
    Genset,
    RadioSleep,
    Reduction,
)
from optimisation.problem.rectifier import RectifierCurve
from optimisation.problem.validation import LARGEST, ProblemError, number, series

__all__ = [
    "BatteryModel",
    "Cooling",
    "DemandCharge",
    "Export",
    "FullCharge",
    "Genset",
    "ProblemError",
    "RadioSleep",
    "RectifierCurve",
    "Reduction",
    "SiteProblem",
]

COMPONENTS = ("demand", "export", "reduction", "cooling", "sleep", "genset")
"""Names of the optional parts of a problem."""


@dataclass(frozen=True, kw_only=True, eq=False)
class SiteProblem(Record):
    """One planning problem of one site. Arrays have shape (n,), one entry per step; the first step
    begins now.

    AC load and rectifier standby are served up to `import_limit_kw`: with the mains out (limit 0)
    they draw nothing, unless a genset runs. A component that is None is not part of the model.

    Raises `ProblemError` for a number that is missing, not finite, of the
    wrong sign or out of order.
    """

    step_h: Floats
    """Length of each step in hours."""
    price_per_kwh: Floats
    """Currency per kWh imported; may be negative."""
    dc_load_kw: Floats
    ac_load_kw: Floats
    """AC side without the rectifier and without an air conditioner that is modelled as `cooling`.
    """
    pv_kw: Floats
    """Available at the DC bus."""
    import_limit_kw: Floats
    """Physical and hard; 0 while the mains are out."""
    import_cap_kw: Floats
    """Of a DR event or the operator; a soft limit at a high price; inf = none."""
    reserve_kwh: Floats
    """Energy to be held in all batteries together at the end of each step; a soft limit."""
    terminal_value_per_kwh: float
    """Currency per kWh in the batteries at the end of the horizon."""
    reserve_penalty_per_kwh_h: float
    """Currency per kWh missing from the reserve for an hour."""
    cap_penalty_per_kwh: float
    unserved_penalty_per_kwh: float
    """Currency per kWh of telecom load that is not served."""
    rectifier: RectifierCurve
    rectifier_max_dc_kw: float
    batteries: tuple[BatteryModel, ...]
    """1 or more."""
    demand: DemandCharge | None = None
    export: Export | None = None
    reduction: Reduction | None = None
    cooling: Cooling | None = None
    sleep: RadioSleep | None = None
    genset: Genset | None = None

    def __post_init__(self) -> None:
        if not np.size(self.step_h):
            raise ProblemError("step_h is empty; allowed is 1 step or more")
        self._freeze("step_h", 1e-6, 168.0)
        self._freeze("price_per_kwh", -LARGEST, LARGEST)
        for name in ("dc_load_kw", "ac_load_kw", "pv_kw", "import_limit_kw", "reserve_kwh"):
            self._freeze(name, 0.0, LARGEST)
        self._freeze("import_cap_kw", 0.0, np.inf)
        for name in (
            "terminal_value_per_kwh",
            "reserve_penalty_per_kwh_h",
            "cap_penalty_per_kwh",
            "unserved_penalty_per_kwh",
            "rectifier_max_dc_kw",
        ):
            number(name, getattr(self, name), low=0.0)
        object.__setattr__(self, "batteries", tuple(self.batteries))
        if not self.batteries:
            raise ProblemError("batteries is empty; allowed is 1 battery or more")
        for b, battery in enumerate(self.batteries):
            if battery.full_charge is not None and battery.full_charge.by_step >= self.n_steps:
                raise ProblemError(
                    f"batteries[{b}].full_charge.by_step is {battery.full_charge.by_step}; "
                    f"allowed is 0 to {self.n_steps - 1}"
                )
        self._check_lengths()

    @property
    def n_steps(self) -> int:
        """Number of steps n."""
        return len(self.step_h)

    @property
    def stored_kwh(self) -> float:
        """Energy in all batteries now that a plan counts on, kWh."""
        return sum(battery.counted_kwh for battery in self.batteries)

    @property
    def capacity_kwh(self) -> float:
        """Of all batteries, kWh."""
        return sum(battery.capacity_kwh for battery in self.batteries)

    @cached_property
    def ac_base_kw(self) -> Floats:
        """The part of AC load and standby draw that the grid serves, shape (n,), kW."""
        base: Floats = np.minimum(
            self.ac_load_kw + self.rectifier.standby_ac_kw, self.import_limit_kw
        )
        base.flags.writeable = False
        return base

    @property
    def cap_kw(self) -> Floats:
        """Soft cap on import with the rebound cap after an event, shape (n,), kW."""
        if self.cooling is None or self.cooling.rebound_cap_kw is None:
            return self.import_cap_kw
        in_event = np.isfinite(self.import_cap_kw)
        if self.reduction is not None:
            in_event = in_event | self.reduction.in_event
        ended = np.concatenate(([False], in_event[:-1] & ~in_event[1:]))
        return np.where(
            ended, np.minimum(self.import_cap_kw, self.cooling.rebound_cap_kw), self.import_cap_kw
        )

    @property
    def export_pays_more(self) -> npt.NDArray[np.bool_]:
        """Whether a kWh exported earns more than a kWh imported costs, shape (n,)."""
        if self.export is None:
            return np.zeros(self.n_steps, dtype=np.bool_)
        return self.export.price_per_kwh > self.price_per_kwh

    @property
    def genset_extra_kw(self) -> Floats:
        """AC load that only a running genset serves, shape (n,), kW; 0 without a genset."""
        most_kw = 0.0 if self.genset is None else self.genset.max_kw
        return np.minimum(self.ac_load_kw + self.rectifier.standby_ac_kw - self.ac_base_kw, most_kw)

    @property
    def reduction_events(self) -> tuple[tuple[int, int], ...]:
        """(first step, step after the last) of the event of each paid reduction."""
        return self.reduction.events() if self.reduction is not None else ()

    def _freeze(self, name: str, low: float, high: float) -> None:
        object.__setattr__(self, name, series(name, getattr(self, name), low, high))

    def _check_lengths(self) -> None:
        """Every array, also of a component, has one number per step."""
        owners = {"": self} | {f"{name}.": getattr(self, name) for name in COMPONENTS}
        for prefix, owner in owners.items():
            for field in fields(owner) if owner is not None else ():
                value = getattr(owner, field.name)
                if isinstance(value, np.ndarray) and value.shape != (self.n_steps,):
                    raise ProblemError(
                        f"{prefix}{field.name} has shape {value.shape}; "
                        f"allowed is ({self.n_steps},), one number per step"
                    )
