"""Which wear segments of the battery the cycles so far have emptied: what the next kWh out will
wear.
"""

from __future__ import annotations

from optimisation.problem.battery import after_one_discharge, follow
from siteems.site.assets import wear_costs
from siteems.site.model import Battery


class WearSegments:
    """Follows the measured state of charge through its turning points, as rainflow counting would.

    Before anything was measured, what is missing counts as one discharge from full.
    """

    def __init__(self, battery: Battery) -> None:
        self._capacity_kwh, self._count = battery.capacity_kwh, len(wear_costs(battery))
        self._segment_kwh: tuple[float, ...] | None = None

    def learn(self, soc: float | None) -> None:
        """Take one measured state of charge; unknown says nothing."""
        if soc is not None:
            self._segment_kwh = self.at(soc)

    def at(self, soc: float) -> tuple[float, ...]:
        """Stored energy by segment, kWh, shallowest first, at a state of charge that was just
        measured.
        """
        stored_kwh = min(1.0, max(0.0, soc)) * self._capacity_kwh
        if self._segment_kwh is None:
            return after_one_discharge(stored_kwh, self._capacity_kwh, self._count)
        return follow(self._segment_kwh, stored_kwh, self._capacity_kwh)
