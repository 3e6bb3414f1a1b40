"""The constraints that the checker knows, and the ways in which a plan can violate them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, StrEnum


class Constraint(Enum):
    """A constraint that must hold in every step; its value describes the violation."""

    DC_BALANCE = "the DC bus is out of balance"
    AC_BALANCE = "the AC side is out of balance"
    PV_AVAILABLE = "PV is above what is available"
    UNSERVED_LOAD = "unserved load is above the load"
    IMPORT_LIMIT = "import is above the connection's limit"
    CAP_EXCESS = "excess over the cap is misstated"
    RECTIFIER_LIMIT = "the rectifier is above its limit"

    CHARGE_TOTAL = "charge_kw is not the sum of the batteries"
    DISCHARGE_TOTAL = "discharge_kw is not the sum of the batteries"
    STORED_TOTAL = "stored_kwh is not the sum of the batteries"
    RESERVE_SHORTAGE = "reserve shortage is misstated"
    CHARGE_LIMIT = "charging is above its limit"
    DISCHARGE_LIMIT = "discharging is above its limit"
    ONE_DIRECTION = "charging and discharging at once"
    STORED_ENERGY = "stored energy does not follow from net power"
    CAPACITY = "stored energy is above the capacity"
    ACCEPTANCE = "charging is above what the battery accepts"
    SEGMENT_CHARGE = "charging is not the sum of the segments"
    SEGMENT_DISCHARGE = "discharging is not the sum of the segments"
    SEGMENT_EMPTY = "a wear segment is emptied below 0"
    SEGMENT_FULL = "a wear segment is filled above its size"

    EXPORT_LIMIT = "export is above its limit"
    INVERTER_LIMIT = "the inverter is above its limit"
    IMPORT_OR_EXPORT = "import and export at once"
    RECTIFIER_OR_INVERTER = "rectifier and inverter at once"
    SLEEP_AVAILABLE = "more load sleeps than may"
    GENSET_ON_OR_OFF = "the genset is neither on nor off"
    GENSET_AVAILABLE = "the genset runs where it may not"
    GENSET_MAXIMUM = "the genset is above its maximum"
    GENSET_MINIMUM = "the genset is below its minimum"
    COOLING_MAXIMUM = "cooling is above its maximum"
    ROOM_TEMPERATURE = "the room does not follow from its heat"

    NOT_NEGATIVE = "a series is below 0"


class Total(StrEnum):
    """A number that a plan states for the whole horizon, and that the checker computes anew."""

    COST = "cost"
    COST_TERMS = "sum of the cost terms"
    BILLING_PEAK = "billing peak"
    RESERVE = "reserve_kwh_h"
    IMPORT_CAP = "import_cap_kwh"
    UNSERVED = "unserved_kwh"
    AC_UNSERVED = "ac_unserved_kwh"
    FULL_CHARGE = "full_charge_kwh"
    TOO_WARM = "too_warm_k_h"
    TOO_COLD = "too_cold_k_h"
    OTHER_SOFT_LIMIT = "soft limit that the checker does not know"
    REDUCTION = "reduction"
    PAY = "pay"
    PENALTY = "penalty"


class Form(Enum):
    """What can be wrong with a plan as a whole, so that nothing else in it can be checked."""

    STEPS = "the plan has another number of steps than the problem"
    SERIES = "the plan is of another site"
    ROWS = "the plan has another number of rows than its series"
    DEMAND_PEAK = "of demand_peak_kw and a demand charge there is only one"
    NOT_FINITE = "not finite"


class Violation:
    """Base of everything that `check` reports; its `str` is one sentence."""


@dataclass(frozen=True)
class StepViolation(Violation):
    """A constraint that does not hold in some steps."""

    constraint: Constraint
    step: int
    """Where it is violated most."""
    beyond: float
    """By how much there, in the unit of the series."""
    battery: int | None = None
    """Index of the battery, for a constraint of one battery."""
    series: str = ""
    """For a series that is below 0: its name."""

    def __str__(self) -> str:
        what = f"{self.series} is below 0" if self.series else self.constraint.value
        which = "" if self.battery is None else f" (battery {self.battery})"
        return f"{what}{which} in step {self.step} by {self.beyond:.3g}"


@dataclass(frozen=True)
class TotalViolation(Violation):
    """A total that is not what the checker computes."""

    total: Total
    stated: float
    expected: float
    event: int | None = None
    """For a paid reduction: the first step of its event."""

    def __str__(self) -> str:
        which = "" if self.event is None else f" of step {self.event}"
        return f"{self.total}{which} is misstated: {self.stated:.6g} instead of {self.expected:.6g}"


@dataclass(frozen=True)
class SettlementViolation(Violation):
    """An event without its settlement, or a settlement without its event."""

    first: int
    after: int
    settled: bool
    """Whether the plan has a settlement for these steps."""

    def __str__(self) -> str:
        steps = f"the reduction of steps {self.first} to {self.after - 1}"
        return f"{steps} {'is settled without an event' if self.settled else 'is not settled'}"


@dataclass(frozen=True)
class FormViolation(Violation):
    """A plan that does not have the form its problem asks for."""

    form: Form
    names: tuple[str, ...] = ()
    """The series or totals concerned."""

    def __str__(self) -> str:
        return f"{self.form.value}: {', '.join(self.names)}" if self.names else self.form.value
