"""Checks of times: time zone, control cycle, leases, sample interval."""

from __future__ import annotations

import math
from collections.abc import Iterator
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from drivers.modbus.device_map import DeviceMap
from siteems.config.validation_error import ValidationError, choices
from siteems.site.checks.devices import map_or_none
from siteems.site.model import Control, DeviceEntry, Identity, Recording

CYCLES_PER_LEASE = 4
"""A setpoint is refreshed at half its lease. Four cycles per lease leave one cycle to spare when a
refresh is late.
"""


def check_zone(site: Identity) -> Iterator[ValidationError]:
    """The time zone exists."""
    try:
        ZoneInfo(site.timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        hint = choices(site.timezone, available_timezones())
        if not hint.startswith("did you mean"):
            hint = "allowed: an IANA name such as Asia/Shanghai"
        yield ValidationError(("site", "timezone"), "no such time zone", hint)


def check_cycle_times(
    control: Control, recording: Recording, devices: tuple[DeviceEntry, ...]
) -> Iterator[ValidationError]:
    """A lease lasts several cycles, and samples are not recorded faster than values are read.

    A device whose lease cannot be set limits the cycle time too.
    """
    for index, device in enumerate(devices):
        device_map = map_or_none(device.map)
        lease = device_map.lease if isinstance(device_map, DeviceMap) else None
        if lease is None or lease.timeout_point is not None:
            continue
        if lease.max_s < CYCLES_PER_LEASE * control.cycle_s:
            yield ValidationError(
                ("control", "cycle_s"),
                f"too long for devices[{index}], which drops its setpoint after {lease.max_s:g} s",
                f"at most {lease.max_s / CYCLES_PER_LEASE:g} s",
            )
    if control.lease_s < CYCLES_PER_LEASE * control.cycle_s:
        yield ValidationError(
            ("control", "lease_s"),
            f"{control.lease_s:g} s is too short for a cycle of {control.cycle_s:g} s",
            f"at least {CYCLES_PER_LEASE} cycles",
        )
    if recording.sample_s < control.cycle_s:
        yield ValidationError(
            ("recording", "sample_s"),
            f"shorter than control.cycle_s, which is {control.cycle_s:g} s",
            "at least one cycle",
        )


def check_retention(recording: Recording) -> Iterator[ValidationError]:
    """Roll-ups outlast the samples that they are made of."""
    if 365 * recording.keep_rollup_years < recording.keep_days:
        yield ValidationError(
            ("recording", "keep_rollup_years"),
            f"shorter than recording.keep_days, which is {recording.keep_days}",
            f"at least {math.ceil(recording.keep_days / 365)}",
        )
