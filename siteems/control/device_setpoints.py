"""From a decision to the setpoints of each device, given those that were sent before.

Pure: the daemon and the replay hand in the previous state and write what comes out.

Four rules of both are applied here:

- a value within the deadband of the one sent last is not changed (`siteems/control/deadband.py`);
- a forced power is 0 until its direction has been read back from the device: before that, the
  device would give the power in the direction that it still holds;
- a closed-loop command moves by the time that has passed since the devices were driven last;
- on release a battery that is too cold or too hot gets safe values that do not charge it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Protocol

from drivers.roles import BatteryCommand
from siteems.control.deadband import steady, toward_grid
from siteems.control.decision import Drive
from siteems.control.safe_state import without_charging
from siteems.control.setpoints import setpoints
from siteems.site.model import Site


class SettablePoint(Protocol):
    """A point that takes setpoints, as its device map describes it."""

    @property
    def step(self) -> float | None:
        """The smallest change that justifies a write, where the map states one."""

    def nearest(self, value: float) -> float:
        """The nearest value that the point takes."""


@dataclass(frozen=True, slots=True)
class SettableDevice:
    """A device with the points that take setpoints (volatile ones, made for frequent writes)."""

    name: str
    points: Mapping[str, SettablePoint]


Confirmed = Callable[[str, str, float], bool]
"""Whether a device (by name) was read back to hold this value of a point."""


@dataclass(frozen=True, slots=True)
class SentSetpoints:
    """The setpoints that were sent last, and when."""

    time: datetime
    """When a decision, also one to release, was brought to the devices last; a steady time."""
    values: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    """By device and point; nothing of a device that has been released since."""

    def without(self, device: str) -> SentSetpoints:
        """The same, when this device was released or may have restarted."""
        kept = {name: values for name, values in self.values.items() if name != device}
        return replace(self, values=kept)


def device_setpoints(
    decision: Drive,
    site: Site,
    battery_command: BatteryCommand,
    devices: Iterable[SettableDevice],
    previous: SentSetpoints,
    steady: datetime,
    confirmed: Confirmed,
) -> SentSetpoints:
    """The setpoints of each device for a decision to drive.

    `devices` are those that can be commanded now; the result has new values of them, and of all
    others what they were sent before.
    """
    held = {point: value for sent in previous.values.values() for point, value in sent.items()}
    elapsed_s = max(0.0, (steady - previous.time).total_seconds())
    wanted = setpoints(decision, site, battery_command, held, elapsed_s)
    values = dict(previous.values)
    for device in devices:
        values[device.name] = _of_device(
            device, wanted, previous.values.get(device.name, {}), confirmed
        )
    return SentSetpoints(steady, values)


def _of_device(
    device: SettableDevice,
    wanted: Mapping[str, float],
    sent: Mapping[str, float],
    confirmed: Confirmed,
) -> Mapping[str, float]:
    asked = {name: value for name, value in wanted.items() if name in device.points}
    if "forced_mode" in asked and not confirmed(device.name, "forced_mode", asked["forced_mode"]):
        asked["forced_kw"] = 0.0
    values = {}
    for name, value in asked.items():
        point, last = device.points[name], sent.get(name)
        nearest = point.nearest(value)
        if nearest != last:
            nearest = steady(name, nearest, last, point.step, toward_grid(name, asked))
        values[name] = nearest
    return values


def safe_setpoints(
    device: SettableDevice, safe_values: Mapping[str, float], *, charging_allowed: bool
) -> dict[str, float]:
    """The setpoints that release a device."""
    safe = safe_values if charging_allowed else without_charging(safe_values)
    return {
        name: point.nearest(safe[name]) for name, point in device.points.items() if name in safe
    }
