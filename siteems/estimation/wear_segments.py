"""How full each wear segment of the battery is, which decides what the next kWh discharged costs.

The energy of the battery is divided into segments of equal size, the shallowest first; a deeper
segment wears more per kWh (see `BatteryModel.wear_per_kwh`).
"""

from __future__ import annotations

from optimisation.problem.battery import after_one_discharge, follow
from siteems.site.assets import wear_costs
from siteems.site.model import Battery


class WearSegments:
    """Tracks the energy in each segment from measured states of charge.

    The shallow segments empty first and fill first, so the result depends on the turning points of
    the state of charge, as in rainflow counting. Before the first measurement, the battery counts
    as discharged once from full.
    """

    def __init__(self, battery: Battery) -> None:
        self._capacity_kwh, self._count = battery.capacity_kwh, len(wear_costs(battery))
        self._segment_kwh: tuple[float, ...] | None = None

    def resize(self, capacity_kwh: float) -> None:
        """From now on the battery has this capacity; its segments are as full as before."""
        factor = capacity_kwh / self._capacity_kwh
        self._capacity_kwh = capacity_kwh
        if self._segment_kwh is not None:
            self._segment_kwh = tuple(kwh * factor for kwh in self._segment_kwh)

    def learn(self, soc: float | None) -> None:
        """Take one measured state of charge; None (unknown) changes nothing."""
        if soc is not None:
            self._segment_kwh = self.at(soc)

    def at(self, soc: float) -> tuple[float, ...]:
        """Energy in kWh by segment, shallowest first, if the battery moves straight to `soc`."""
        stored_kwh = min(1.0, max(0.0, soc)) * self._capacity_kwh
        if self._segment_kwh is None:
            return after_one_discharge(stored_kwh, self._capacity_kwh, self._count)
        return follow(self._segment_kwh, stored_kwh, self._capacity_kwh)
