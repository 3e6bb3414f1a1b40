"""What the battery should do now, from the value of what is stored: carry the load, store PV, buy,
or rest. Pure.

A plan knows the value of stored energy over the coming day; the load and the PV power of this
moment it only guesses. So the control loop takes the values from the plan, and compares them with
the price of import at the measured load and PV:

- where the value of a stored kWh is above what it costs to buy now, the battery charges as fast as
  it can: no plan can wait any longer. Else it charges with what the plan buys;
- PV beyond the load is stored;
- where a kWh imported costs more than the stored kWh that replaces it, the battery carries the
  load;
- otherwise the battery rests.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from optimisation.problem.site_problem import RectifierCurve
from siteems.control import reasons
from siteems.control.intent import Intent

TIE: Final = 1e-3
"""Share of the price within which import and stored energy count as equally cheap; then the battery
does what the plan does. Ten times the tie-breaks of the linear program.
"""
EMPTY_SHARE: Final = 1e-3
"""Share of a wear segment below which it counts as empty, and within which of its size as full."""


@dataclass(frozen=True, slots=True)
class StoredEnergy:
    """The wear segments of the battery, the shallowest first."""

    kwh: tuple[float, ...]
    width_kwh: float
    """What a segment holds."""
    value_per_kwh: tuple[float, ...]
    """Marginal value of a kWh in store."""
    wear_per_kwh: tuple[float, ...]
    """Cost of a kWh discharged."""
    charge_efficiency: float
    discharge_efficiency: float
    max_charge_kw: float

    def cost_of_giving(self) -> float | None:
        """What a kWh given to the bus costs: its value in store and the wear; None when empty."""
        segments = zip(self.kwh, self.wear_per_kwh, self.value_per_kwh, strict=True)
        return min(
            (
                wear + value / self.discharge_efficiency
                for kwh, wear, value in segments
                if kwh > EMPTY_SHARE * self.width_kwh
            ),
            default=None,
        )

    def value_of_taking(self) -> float | None:
        """The value in store of a kWh taken from the bus; None when full."""
        segments = zip(self.kwh, self.value_per_kwh, strict=True)
        return max(
            (
                value * self.charge_efficiency
                for kwh, value in segments
                if kwh < (1.0 - EMPTY_SHARE) * self.width_kwh
            ),
            default=None,
        )


def act_on_value(
    intent: Intent,
    stored: StoredEnergy,
    load_kw: float,
    pv_kw: float,
    price_per_kwh: float,
    curve: RectifierCurve,
) -> Intent:
    """The intent of a plan, with its battery power chosen at the measured load and PV.

    `price_per_kwh` is that of import, on the AC side; `curve` brings it to the bus.
    """
    net_kw = load_kw - pv_kw
    planned_kw = intent.battery_kw
    tie = TIE * abs(price_per_kwh)
    taking = stored.value_of_taking()

    def import_cost(dc_kw: float) -> float:
        """Of a kWh at the bus, when the rectifiers give so much."""
        return price_per_kwh * curve.slope_at(max(0.0, dc_kw))

    if taking is not None:
        most_kw = stored.max_charge_kw
        cost = import_cost(net_kw + most_kw)
        if taking <= cost + tie:
            most_kw, cost = planned_kw, import_cost(net_kw + planned_kw)
        if most_kw > max(0.0, -net_kw):
            reason = reasons.BUYING(value=taking, import_cost=cost)
            return Intent(most_kw, intent.level, reason)
    if net_kw <= 0.0:
        return Intent(-net_kw, intent.level, reasons.PV_SURPLUS(), balances=True)
    giving = stored.cost_of_giving()
    cost = import_cost(net_kw)
    if giving is not None and cost > giving + (tie if planned_kw >= 0.0 else -tie):
        reason = reasons.CARRYING_LOAD(value=giving, import_cost=cost)
        return Intent(-net_kw, intent.level, reason, balances=True)
    reason = reasons.RESTING(value=taking if giving is None else giving, import_cost=cost)
    return Intent(0.0, intent.level, reason)
