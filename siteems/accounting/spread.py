"""What shifting a kWh through the battery brings between two prices."""

from __future__ import annotations


def shift_benefit(
    low_price: float, high_price: float, round_trip: float, rectifier: float
) -> float:
    """Benefit per kWh discharged to the bus, before wear: (high - low / round_trip) / rectifier.

    Divided by the rectifier's efficiency because a kWh from the battery also spares the loss of the
    rectifier; efficiencies are shares, prices per kWh on the AC side.
    """
    return (high_price - low_price / round_trip) / rectifier
