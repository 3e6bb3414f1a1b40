"""The ratings that a SunSpec device reports of itself, and the limits of its points that follow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from drivers.sunspec.decoded import Decoded

MARGIN: Final = 1.3
"""Values up to this many times a rating are plausible: devices exceed their ratings for seconds,
and a wrong scale factor is off by ten.
"""
DEFAULT_KW: Final = 1000.0
"""Limit where no power is rated."""
DEFAULT_V: Final = 1500.0
DEFAULT_A: Final = 2000.0
MAX_LEASE_S: Final = 3600.0


@dataclass(frozen=True)
class Ratings:
    """What the device reports of itself; None where it reports nothing."""

    power_kw: float | None
    battery_v: float | None
    battery_a: float | None

    def limits(self, name: str) -> tuple[float, float]:
        """Least and greatest plausible value of a point of our vocabulary, in its unit."""
        rated_kw = self.power_kw or DEFAULT_KW / MARGIN
        power_kw = MARGIN * rated_kw
        volts = MARGIN * self.battery_v if self.battery_v else DEFAULT_V
        amps = MARGIN * self.battery_a if self.battery_a else DEFAULT_A
        limits = {
            "active_power_kw": (-DEFAULT_KW, DEFAULT_KW),
            "mains_v": (0.0, 500.0),
            "frequency_hz": (0.0, 75.0),
            "pv_kw": (-0.1 * power_kw, power_kw),
            "pv_v": (0.0, 2000.0),
            "battery_v": (0.0, volts),
            "battery_a": (-amps, amps),
            "soc": (0.0, 1.05),
            "soh": (0.0, 1.2),
            "battery_setpoint_kw": (-power_kw / MARGIN, power_kw / MARGIN),
            "safe_battery_setpoint_kw": (-power_kw / MARGIN, power_kw / MARGIN),
            "comm_timeout_s": (0.0, MAX_LEASE_S),
        }
        return limits.get(name, (0.0, 1e12))


def ratings_of(models: Mapping[int, Decoded]) -> Ratings:
    """The ratings in models 702, 120 and 802, by model number."""
    rated = {number: models[number] for number in (702, 120, 802) if number in models}

    def first(number: int, *names: str) -> float | None:
        found = rated.get(number)
        return None if found is None else found.first_value(*names)

    watts = (
        first(702, "WMaxRtg", "WMax"),
        first(120, "WRtg"),
        first(802, "WDisChaRteMax"),
        first(802, "WChaRteMax"),
    )
    amps = (first(802, "AChaMax"), first(802, "ADisChaMax"))
    rated_w = max((each for each in watts if each is not None), default=None)
    return Ratings(
        power_kw=None if rated_w is None else rated_w / 1000.0,
        battery_v=first(802, "VMax"),
        battery_a=max((each for each in amps if each is not None), default=None),
    )
