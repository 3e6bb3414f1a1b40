"""The AC load beside the program of the bound: the air conditioner also carries away the losses of
the rectifiers, and their efficiency has points that no convex curve has.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from siteems.replay.outcome import Series
from siteems.replay.window import INTERVAL_H
from siteems.simulation.plant import BASE_AC_KW, COOLING_PER_K, rectifier_input
from siteems.site.assets import rectifier_curve
from siteems.site.model import Site

Array = npt.NDArray[np.float64]


class BoundAcLoad:
    """AC load of a window by interval, shape (n,), as it follows from the DC output of the
    rectifiers.

    It starts from the AC load of the `known` run and replaces what the losses of that run added by
    what those of a plan add. The simulated room follows losses as a first-order lag, so this is
    exact as long as the air conditioner runs.
    """

    def __init__(self, site: Site, known: Series) -> None:
        self._cooler, self._curve = site.air_conditioner, rectifier_curve(site)
        points = rectifier_input(site.rectifier)
        self._input_kw = np.vectorize(points.at, otypes=[float])
        self._mains = known.mains_ok
        dc_kw = known.dc_load_kw + known.battery_kw - known.pv_kw
        self._dc_kw = np.maximum(0.0, np.where(self._mains > 0.0, dc_kw, 0.0))
        self._without_losses_kw = known.ac_load_kw - self._for_losses_kw()

    def plan(self, seen: slice, rectifier_dc_kw: Array) -> None:
        """Take over the rectifier output of a plan for a part of the window."""
        self._dc_kw[seen] = rectifier_dc_kw

    def powers_kw(self, seen: slice) -> Array:
        """The AC load of a part of the window, with what the rectifiers draw more or less than the
        convex curve of the program has it.
        """
        dc_kw = self._dc_kw[seen]
        load_kw = self._without_losses_kw[seen] + self._for_losses_kw()[seen]
        if self._cooler is not None:
            load_kw = np.maximum(load_kw, np.where(self._mains[seen] > 0.0, BASE_AC_KW, 0.0))
        beside_kw = self._mains[seen] * (self._input_kw(dc_kw) - self._curve.ac_kw(dc_kw))
        powers_kw: Array = np.maximum(0.0, load_kw + beside_kw)
        return powers_kw

    def _for_losses_kw(self) -> Array:
        """What the air conditioner draws for the losses of the rectifiers."""
        cooler, dc_kw = self._cooler, self._dc_kw
        if cooler is None:
            return np.zeros(len(dc_kw))
        losses_kw = self._mains * (self._input_kw(dc_kw) - dc_kw)
        kept = math.exp(-INTERVAL_H * COOLING_PER_K / cooler.heat_capacity_kwh_per_k)
        # Mean over an interval of a lag that moves towards the losses from where it was before.
        span = (1.0 - kept) * cooler.heat_capacity_kwh_per_k / (INTERVAL_H * COOLING_PER_K)
        lagged_kw = np.empty(len(dc_kw))
        state_kw = float(losses_kw[0])
        for index, kw in enumerate(losses_kw.tolist()):
            lagged_kw[index] = kw + (state_kw - kw) * span
            state_kw = kw + (state_kw - kw) * kept
        return lagged_kw / cooler.cop
