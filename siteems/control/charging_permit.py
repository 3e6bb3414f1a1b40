"""Whether safe values may charge the battery, by its temperature: those that are written now, and
those that are stored in the devices for the time after a loss of the controller.

A lithium battery that is charged below freezing is destroyed, and one that is never recharged after
a mains failure breaks the backup promise. So the stored values follow the battery's temperature: a
warm battery is recharged without a controller, a cold one is not.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from siteems.site.model import Battery, Site

TEMPERATURE_RECOVERY_C: Final = 1.0
"""Hysteresis of the battery's temperature limits. Safe values that change are written to every
device, and the noise of a sensor near a limit must not write them again and again. More would
delay the recharge after a cold night.
"""
FROST_AHEAD_C: Final = 5.0
"""Stored values charge only a battery that is so far above its lowest temperature for charging. A
battery indoors cools by a few kelvin in a night, and a lost controller is noticed within a day.
"""
TEMPERATURE_HOLDS: Final = timedelta(hours=12)
"""A temperature that is no longer measured says nothing about the battery after half a day."""


@dataclass(frozen=True, slots=True)
class ChargingPermit:
    """Whether safe values may charge the battery."""

    now: bool = True
    """Those that a released device holds."""
    stored: bool = True
    """Those that are stored in a device, which it takes when the controller is lost."""
    unknown_since: datetime | None = None
    """Since when the temperature has not been measured."""


CHARGING_PERMITTED: Final = ChargingPermit()


def frost_expected(site: Site) -> bool:
    """Whether the battery may become too cold to charge, by the site file."""
    return site.backup.coldest_c < site.battery.min_charge_temp_c


def first_permit(site: Site) -> ChargingPermit:
    """The permit before the temperature was measured."""
    allowed = not frost_expected(site)
    return ChargingPermit(now=allowed, stored=allowed)


def next_permit(
    site: Site, temp_c: float | None, now: datetime, before: ChargingPermit
) -> ChargingPermit:
    """The permit at a battery temperature, degC (None = unknown), at a steady time.

    While the temperature is unknown the permit stays, but where frost is to be expected for no
    longer than `TEMPERATURE_HOLDS`.
    """
    if temp_c is None:
        if before.unknown_since is None:
            return replace(before, unknown_since=now)
        outdated = now - before.unknown_since > TEMPERATURE_HOLDS and frost_expected(site)
        if outdated and (before.now or before.stored):
            return replace(before, now=False, stored=False)
        return before
    ahead_c = FROST_AHEAD_C if frost_expected(site) else 0.0
    allowed = _allowed(site.battery, temp_c, 0.0, before=before.now)
    stored = _allowed(site.battery, temp_c, ahead_c, before=before.stored)
    if (allowed, stored, None) == (before.now, before.stored, before.unknown_since):
        return before
    return ChargingPermit(allowed, stored)


def _allowed(battery: Battery, temp_c: float, ahead_c: float, *, before: bool) -> bool:
    """Whether the battery is warm and cool enough; one that was not, must be
    `TEMPERATURE_RECOVERY_C` inside its range.
    """
    margin_c = 0.0 if before else TEMPERATURE_RECOVERY_C
    low_c = battery.min_charge_temp_c + ahead_c + margin_c
    return low_c <= temp_c <= battery.max_temp_c - margin_c
