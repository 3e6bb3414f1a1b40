"""The balance of the DC bus: what rectifiers and PV give is what load and battery take.

It has two uses. A load or PV power that is not measured follows from the other three
(`with_estimate`). And four measured powers that do not agree show that one of them is wrong
(`BusGuard`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from siteems.estimation.process_image import RESTING_KW, Image

SIGN_IN_BALANCE: Final[Mapping[str, float]] = {
    "rectifier_dc_kw": 1.0,
    "pv_kw": 1.0,
    "dc_load_kw": -1.0,
    "battery_kw": -1.0,
}
"""Power into the bus counts as positive: + charging is power out of it."""
ESTIMATED: Final = ("dc_load_kw", "pv_kw")
"""What is estimated where it is not measured. The battery's power is not: its sign is proved by
this very balance.
"""
SHARE, LEAST_KW = 0.10, 0.25
"""Difference that three or four current sensors of class 1 to 3 and readings a second apart may
make: a share of the largest power, and kW. The faults to be found, a sensor that is stuck, lost or
reversed, are larger as soon as that power matters.
"""
MOVES_KW: Final = 0.2
"""By so much a difference has changed while a power reads the same: that power is stuck."""
LASTED: Final = timedelta(minutes=2)
"""On-delay and off-delay, and how long a power that reads the very same value may count as stuck.
A live one differs in its last digit within seconds, except at rest.
"""

Why = Literal["stuck", "reversed", "zero", "unknown"]


@dataclass(frozen=True)
class Estimate:
    """A power that follows from the others."""

    kw: float
    error_kw: float
    """Within which the truth lies where the other three are sound."""


@dataclass(frozen=True)
class Imbalance:
    """Powers of the bus that do not agree, and which of them is probably wrong."""

    excess_kw: float
    """Power into the bus less power out of it."""
    suspect: str
    """Field of the image; "" where nothing singles one out."""
    why: Why


def estimate(powers: Mapping[str, float], missing: str, *, has_pv: bool) -> Estimate | None:
    """The power of the bus that is missing in `powers`; None where another one is missing too.

    A site without PV has none. A negative load or PV power beyond the error is no estimate.
    """
    known = dict(powers) if has_pv else dict(powers) | {"pv_kw": 0.0}
    others = [name for name in SIGN_IN_BALANCE if name != missing]
    if any(name not in known for name in others):
        return None
    excess_kw = sum(SIGN_IN_BALANCE[name] * known[name] for name in others)
    kw, error_kw = -SIGN_IN_BALANCE[missing] * excess_kw, tolerance_kw(known, others)
    return Estimate(max(0.0, kw), error_kw) if kw >= -error_kw else None


def tolerance_kw(powers: Mapping[str, float], names: list[str]) -> float:
    """By how much these powers may contradict each other."""
    return LEAST_KW + SHARE * max(abs(powers[name]) for name in names)


class BusGuard:
    """Whether the measured powers of the bus agree, from the image of each cycle."""

    def __init__(self, *, has_pv: bool) -> None:
        self._names = [name for name in SIGN_IN_BALANCE if has_pv or name != "pv_kw"]
        self._unchanged: dict[str, tuple[float, datetime, float]] = {}
        """By field: its value, since when it reads so, and the excess then."""
        self._differs_since: datetime | None = None
        """Since when the powers have contradicted `imbalance` without a break."""
        self.imbalance: Imbalance | None = None
        """As found last; None while the powers agree, or nothing is known."""

    def update(self, image: Image) -> None:
        """Take the image of one cycle. One that lacks a power, or has an estimate instead, says
        nothing.
        """
        now = image.steady or image.time
        known = {name: image.value(name) for name in self._names}
        powers = {name: kw for name, kw in known.items() if kw is not None}
        if len(powers) < len(known) or image.estimated.keys() & known.keys():
            self._differs_since = None
            return
        excess_kw = sum(SIGN_IN_BALANCE[name] * kw for name, kw in powers.items())
        for name, kw in powers.items():
            if name not in self._unchanged or self._unchanged[name][0] != kw:
                self._unchanged[name] = (kw, now, excess_kw)
        differs = abs(excess_kw) > tolerance_kw(powers, self._names)
        if differs == (self.imbalance is not None):
            self._differs_since = None
            return
        if self._differs_since is None or now < self._differs_since:
            self._differs_since = now
        if now - self._differs_since < LASTED:
            return
        self._differs_since = None
        self.imbalance = self._judged(powers, excess_kw, now) if differs else None

    def _judged(self, powers: Mapping[str, float], excess_kw: float, now: datetime) -> Imbalance:
        for name in self._names:
            _, since, excess_before_kw = self._unchanged[name]
            if now - since >= LASTED and abs(excess_kw - excess_before_kw) >= MOVES_KW:
                return Imbalance(excess_kw, name, "stuck")
        needed_kw = {n: kw - SIGN_IN_BALANCE[n] * excess_kw for n, kw in powers.items()}
        if abs(needed_kw["battery_kw"] + powers["battery_kw"]) <= tolerance_kw(powers, self._names):
            return Imbalance(excess_kw, "battery_kw", "reversed")
        resting = [
            name
            for name, kw in powers.items()
            if abs(kw) <= RESTING_KW and (name == "battery_kw" or needed_kw[name] > 0.0)
        ]
        if len(resting) == 1:
            return Imbalance(excess_kw, resting[0], "zero")
        return Imbalance(excess_kw, "", "unknown")
