"""What shifting a kWh through the battery brings between two prices."""

from __future__ import annotations


def shift_benefit(
    low_price: float, high_price: float, round_trip: float, rectifier: float
) -> float:
    """Benefit per kWh discharged to the bus, before wear: (high - low / round_trip) / rectifier.

    Prices are per kWh on the AC side, efficiencies are shares. The quotient by the rectifier's
    efficiency accounts for the conversion loss that a kWh from the battery avoids.
    """
    return (high_price - low_price / round_trip) / rectifier
