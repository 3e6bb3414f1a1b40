"""The daemon's devices over real Modbus beside the replay's simulated devices: the same site, the
same clock, the same decisions.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import timedelta
from pathlib import Path

from served_rig import START, ServedRig

from siteems.control.decision import Decision
from siteems.control.timing import Timing
from siteems.replay.simulated_devices import SimulatedDevices
from siteems.simulation.plant import Plant, make_plant
from siteems.site.assets import battery_command_of
from siteems.site.model import Site

SECOND = timedelta(seconds=1)


@dataclass(frozen=True)
class Cycle:
    """What the devices hold after a cycle, and how many setpoints were changed in it."""

    setpoints: dict[str, float]
    changed: int


class BothShells:
    """A site twice. `drive` brings one decision to both."""

    def __init__(self, site: Site, folder: Path, soc: float = 0.6) -> None:
        self.daemon = ServedRig(site, folder, soc)
        self.plant = make_plant(self.daemon.site, lambda _: self.daemon.surroundings, START, soc)
        timing = Timing(cycle_s=1.0, lease_s=60.0, max_age=timedelta(seconds=3))
        self.command = battery_command_of(site)
        self.replay = SimulatedDevices(self.daemon.site, self.plant, self.daemon.clock, timing)

    async def drive(
        self, decision: Decision, cycles: int = 1, period: timedelta = SECOND
    ) -> list[tuple[Cycle, Cycle]]:
        """The cycles of the daemon and of the replay."""
        passed = []
        for _ in range(cycles):
            self.daemon.clock.advance(period)
            await self.daemon.devices.read()
            await self.replay.read()
            sent, written = self._sent_by_daemon(), sum(self.replay.writes.values())
            await self.daemon.devices.drive(decision)
            await self.replay.drive(decision)
            passed.append(
                (
                    Cycle(_held(self.daemon.plant), self._sent_by_daemon() - sent),
                    Cycle(_held(self.plant), sum(self.replay.writes.values()) - written),
                )
            )
        return passed

    def _sent_by_daemon(self) -> int:
        """Setpoints that were written because they changed, not to refresh a lease."""
        history, clock = self.daemon.history, self.daemon.clock
        commands = history.commands(START, clock.now() + SECOND)
        setpoints = {field.name for field in fields(self.plant.setpoints)}
        return sum(each.outcome == "written" and each.point in setpoints for each in commands)


def _held(plant: Plant) -> dict[str, float]:
    return dict(vars(plant.setpoints))
