"""Alarms of the daemon itself: its clock, its start and stop; part of the catalogue of alarms."""

from __future__ import annotations

from typing import Final

from siteems.operations.alarm_type import NOTHING_TO_DO, AlarmType

# -- the clock -------------------------------------------------------------------------------------

CLOCK_SET: Final = AlarmType(
    "clock-set",
    "the clock was set by {by_s:+.0f} s",
    "warning",
    "The time of day changed by more than 5 s against the time that has passed. Delays, leases and "
    "ages are not affected; a new plan is made at once, and nothing old is deleted for a day.",
    "Check the time and the time service of the gateway (`timedatectl`). A single step after a "
    "start is normal on a gateway without a battery-backed clock.",
)
RECORD_AHEAD: Final = AlarmType(
    "record-ahead",
    "the record has samples up to {newest}, {ahead_h:.1f} h ahead of the clock; they are not used",
    "warning",
    "Samples were recorded while the clock was ahead, or the clock is behind now. They count "
    "neither as the present nor as the past of the site; they stay in the record.",
    "Check the time of the gateway (`timedatectl`). If it is right, there is nothing to do.",
)

# -- the daemon ------------------------------------------------------------------------------------

STOPPED: Final = AlarmType(
    "stopped",
    "the daemon stopped; the devices hold their safe values",
    "info",
    "The daemon ended and all devices took their safe values.",
    NOTHING_TO_DO,
    of_one_run=True,
)
STOPPED_READ_ONLY: Final = AlarmType(
    "stopped-read-only",
    "the daemon stopped; read-only, it has written to no device",
    "info",
    "A read-only daemon ended.",
    NOTHING_TO_DO,
    of_one_run=True,
)
STOPPED_UNRELEASED: Final = AlarmType(
    "stopped-unreleased",
    "the daemon stopped; these keep their last setpoints until their time-out: {devices}",
    "alarm",
    "The daemon ended, and some devices did not take their safe values. They fall back by "
    "themselves when their communication time-out has passed.",
    "Check the named devices.",
)

SITE_FILE_REFUSED: Final = AlarmType(
    "site-file-refused",
    "the site file cannot be used, the old one stays in force: {detail}",
    "warning",
    "The daemon was asked to read the site file again (SIGHUP), and it has an error.",
    "Run `siteems check` on the file, correct it, and reload again.",
)
SITE_RELOADED: Final = AlarmType(
    "site-reloaded",
    "the site file was read again; the daemon goes on with it",
    "info",
    "The daemon released its devices and acquired those of the new site file.",
    NOTHING_TO_DO,
    clears=(SITE_FILE_REFUSED.code,),
)

# -- holds -----------------------------------------------------------------------------------------

BATTERY_HELD: Final = AlarmType(
    "battery-held",
    "the battery is held at {battery_kw:+.2f} kW by {owner} until {until}",
    "warning",
    "Someone holds the battery by hand (`siteems hold`). Plans are not followed until it ends.",
    "Nothing, or end it with `siteems hold --release`.",
)
HOLD_ENDED: Final = AlarmType(
    "hold-ended",
    "the battery is no longer held by hand",
    "info",
    "All holds have ended or were released.",
    NOTHING_TO_DO,
    clears=(BATTERY_HELD.code,),
)

DAEMON_ALARMS: Final = tuple(each for each in globals().values() if isinstance(each, AlarmType))
"""All of the above, in this order."""
