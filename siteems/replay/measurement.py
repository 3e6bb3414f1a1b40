"""What is measured of a policy: the site's meters by interval, and the margin above the reserve."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from siteems.accounting.reserve_tolerance import DISCHARGING_KW, RESERVE_TOLERANCE_SOC
from siteems.replay.outcome import Series
from siteems.replay.window import INTERVAL_H
from siteems.simulation.plant import Plant

Array = npt.NDArray[np.float64]

METERS = (
    "import_kwh",
    "pv_kwh",
    "pv_available_kwh",
    "charged_kwh",
    "discharged_kwh",
    "dc_load_kwh",
    "ac_load_kwh",
    "mains_h",
)
"""Counters of the simulated site that a result is made from."""


class Measurement:
    """Reads the meters of a simulated site at the end of each of `count` intervals.

    It also checks, at the end of each control cycle, whether the backup reserve was kept.
    """

    def __init__(self, plant: Plant, count: int) -> None:
        self._plant = plant
        self._counters = self._read()
        self._counted = np.empty((count, len(METERS)))
        self._done = 0
        self._soc, self._reserve_soc = np.empty(count), np.full(count, np.nan)
        self._last_reserve_soc = np.nan
        self.reserve_violations = 0
        self.lowest_margin_soc = np.inf

    def end_cycle(self, reserve_soc: float) -> None:
        """Check a control cycle against the reserve that held when it began.

        It counts where the battery discharges with the mains present: a mains failure may use the
        reserve.
        """
        self._last_reserve_soc = reserve_soc
        flows = self._plant.flows
        if flows.mains_ok and flows.battery_kw < -DISCHARGING_KW:
            margin_soc = self._plant.soc - reserve_soc
            self.lowest_margin_soc = min(self.lowest_margin_soc, margin_soc)
            self.reserve_violations += int(margin_soc < -RESERVE_TOLERANCE_SOC)

    def end_interval(self, index: int) -> None:
        """Read the meters at the end of an interval, counted from 0."""
        counters = self._read()
        self._counted[index] = counters - self._counters
        self._counters = counters
        self._done = index + 1
        self._soc[index], self._reserve_soc[index] = self._plant.soc, self._last_reserve_soc

    @property
    def import_kw_so_far(self) -> Array:
        """Mean grid import of the intervals that are over, shape (done,)."""
        counted = self._counted[: self._done, METERS.index("import_kwh")]
        return np.maximum(counted, 0.0) / INTERVAL_H

    @property
    def import_kwh(self) -> Array:
        """By interval, like the next three."""
        return self._of("import_kwh")

    @property
    def pv_kwh(self) -> Array:
        """PV energy used."""
        return self._of("pv_kwh")

    @property
    def pv_available_kwh(self) -> Array:
        """PV energy available."""
        return self._of("pv_available_kwh")

    @property
    def discharged_kwh(self) -> Array:
        """From the battery, at the bus."""
        return self._of("discharged_kwh")

    def series(self, price_per_kwh: Array) -> Series:
        """The series of the whole window."""
        battery_kwh = self._of("charged_kwh") - self._of("discharged_kwh")
        return Series(
            price_per_kwh=price_per_kwh,
            grid_import_kw=self.import_kwh / INTERVAL_H,
            battery_kw=battery_kwh / INTERVAL_H,
            pv_kw=self.pv_kwh / INTERVAL_H,
            pv_available_kw=self.pv_available_kwh / INTERVAL_H,
            dc_load_kw=self._of("dc_load_kwh") / INTERVAL_H,
            ac_load_kw=self._of("ac_load_kwh") / INTERVAL_H,
            soc=self._soc,
            reserve_soc=self._reserve_soc,
            mains_ok=self._of("mains_h") / INTERVAL_H,
        )

    def _of(self, meter: str) -> Array:
        return self._counted[:, METERS.index(meter)]

    def _read(self) -> Array:
        meters = self._plant.meters
        return np.array([getattr(meters, name) for name in METERS])
