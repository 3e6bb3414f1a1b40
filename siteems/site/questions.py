"""What a site file may state but a person should look at: asked about or warned of, not refused."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from drivers.modbus.device_map import DeviceMap
from drivers.roles import COMMAND_POINTS
from siteems.site.assets import battery_command_of, device_map_of, is_drivable
from siteems.site.model import Site

FULL_SCALE_KW: Final = 3 * 0.230 * 6.0
"""The most that a three-phase meter behind current transformers shows before its ratio: 230 V and
6 A, the usual upper limit of transformers of 5 A.
"""
USUAL_FULL_SCALE: Final = 20.0
"""Transformers that are this many times larger than the grid connection measure it with a class
error of tens of percent; behind voltage transformers of 10 kV : 100 V the factor is a quarter of
what is computed with 230 V.
"""


def ratio_questions(site: Site) -> Iterator[str]:
    """A line for each transformer ratio that does not fit the grid connection."""
    limit_kw = site.grid.import_limit_kw
    for entry in site.devices:
        if entry.ratio == 1.0:
            continue
        most_kw = entry.ratio * FULL_SCALE_KW
        shown = f"{entry.name}: ratio = {entry.ratio:g}: is it meant? behind such transformers a"
        if most_kw < limit_kw:
            yield (
                f"{shown} meter shows at most {most_kw:.3g} kW, and the grid connection carries "
                f"{limit_kw:g} kW"
            )
        elif most_kw > USUAL_FULL_SCALE * limit_kw:
            yield (
                f"{shown} meter shows up to {most_kw:.3g} kW, and the grid connection carries "
                f"{limit_kw:g} kW; 100 A : 5 A is a ratio of 20, and a meter that computes with it "
                "itself needs none here"
            )


def lease_warnings(site: Site) -> Iterator[str]:
    """A line for each device that is driven, and keeps the last setpoint without a controller."""
    if not is_drivable(site):
        return
    driven = {*COMMAND_POINTS[battery_command_of(site)], "rectifier_limit_a"}
    for entry in site.devices:
        device_map = device_map_of(entry)
        if not isinstance(device_map, DeviceMap) or device_map.lease is not None:
            continue
        kept = [name for name in device_map.setpoints if name in driven]
        if kept:
            yield (
                f"{entry.name} ({device_map.name}) has no time-out: when the controller or its "
                f"link fails, it may hold the last {', '.join(kept)} for good; set its own minimum "
                "state of charge to the backup reserve"
            )
