"""Problem S1: one battery, one day, three prices, no export, so that every peer can express it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

STEPS, STEP_H = 96, 0.25
OPTIMUM = 29.2741532795
"""Least cost of the unvaried problem in currency, by `scipy.optimize.linprog`."""

CAPACITY_KWH, LEAST_KWH, END_KWH = 30.0, 9.0, 15.0
"""Stored energy: at most, at least, and exactly at the end of the day."""
EFFICIENCY, MAX_BATTERY_KW, MAX_IMPORT_KW = 0.92, 5.0, 15.0


@dataclass(frozen=True)
class S1:
    """The numbers that vary, shape (96,): load and PV in kW, price in currency per kWh."""

    load_kw: Floats
    pv_kw: Floats
    price_per_kwh: Floats
    stored_kwh: float


def s1() -> S1:
    t = np.arange(STEPS)
    valley, peak = (t < 28) | (t >= 92), ((t >= 32) & (t < 44)) | ((t >= 68) & (t < 84))
    return S1(
        load_kw=4 + 1.2 * np.sin(2 * np.pi * (t - 32) / STEPS),
        pv_kw=np.where((t >= 24) & (t < 72), 4.2 * np.sin(np.pi * (t - 24) / 48), 0.0),
        price_per_kwh=np.where(valley, 0.3, np.where(peak, 1.2, 0.7)),
        stored_kwh=15.0,
    )


def variations(count: int) -> Iterator[S1]:
    """S1 itself, then `count - 1` of its variations, the same in every process."""
    rng, base = np.random.default_rng(3), s1()
    yield base
    for _ in range(count - 1):
        yield replace(
            base,
            load_kw=base.load_kw * (1 + 0.05 * rng.standard_normal(STEPS)),
            pv_kw=np.clip(base.pv_kw * (1 + 0.2 * rng.standard_normal(STEPS)), 0.0, 5.0),
            price_per_kwh=base.price_per_kwh * (1 + 0.02 * rng.standard_normal(STEPS)),
            stored_kwh=float(rng.uniform(12.0, 25.0)),
        )
