"""The scenario of a simulated day: its profile, mains failures, and scheduled faults of devices."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from pathlib import Path

from drivers.simulated.faults import Fault
from siteems.config.local_time import local_time
from siteems.errors import UserError
from siteems.recordings.complete_profile import read_complete_profile
from siteems.recordings.profile import Instant, Profile
from siteems.site.demo_day import DemoDay
from siteems.site.model import Site


@dataclass(frozen=True)
class Outage:
    """A mains failure."""

    start: datetime
    end: datetime


@dataclass(frozen=True)
class ScheduledFault:
    """A fault of one device, from one time to another."""

    start: datetime
    end: datetime
    link: str
    fault: Fault


@dataclass(frozen=True)
class Scenario:
    """One day of a site."""

    profile: Profile
    start: datetime
    end: datetime
    start_soc: float
    outages: tuple[Outage, ...]
    faults: tuple[ScheduledFault, ...] = ()

    def at(self, when: datetime) -> Instant:
        """The surroundings at a time."""
        instant = self.profile.at(when)
        if any(o.start <= when < o.end for o in self.outages):
            return replace(instant, mains_ok=False)
        return instant


def demo_scenario(
    site: Site, folder: Path, profile_file: Path | None = None, recorded_day: date | None = None
) -> Scenario:
    """The demo day of a site, on its own profile or on a recorded one.

    A recorded day is moved to the date of the site file's `[demo]`, where the site's tariff is
    valid. Raises `UserError` when the site file has no demo day or the profile does not hold the
    day.
    """
    demo = site.demo
    if demo is None:
        raise UserError(
            "this site file has no [demo] section; it names the day, the profile and the state of "
            "charge to start with"
        )
    zone = site.site.zone
    profile = read_complete_profile(profile_file or folder / demo.profile, zone, recorded_day)
    if (
        profile_file is not None
        and recorded_day is None
        and profile.end - profile.start > timedelta(days=2)
    ):
        raise UserError(
            f"{profile_file}: holds {(profile.end - profile.start).days} days; "
            "choose one with --day YYYY-MM-DD"
        )
    profile = profile.moved_to(demo.date, zone)
    start = local_time("00:00", demo.date, zone)
    end = local_time("00:00", demo.date + timedelta(days=1), zone)
    if profile.start > start or profile.end < end:
        raise UserError(
            f"{profile.source}: does not cover a whole day; it holds {profile.end - profile.start}"
        )
    outages: tuple[Outage, ...] = ()
    if demo.mains_failure is not None:
        failed = local_time(demo.mains_failure.start, demo.date, zone)
        outages = (Outage(failed, failed + timedelta(minutes=demo.mains_failure.minutes)),)
    return Scenario(
        profile, start, end, demo.start_soc, outages, tuple(_scheduled_faults(site, demo))
    )


def _scheduled_faults(site: Site, demo: DemoDay) -> Iterator[ScheduledFault]:
    devices = {entry.name: entry for entry in site.devices}
    for each in demo.faults:
        entry, start = devices[each.device], local_time(each.start, demo.date, site.site.zone)
        fault = Fault(each.kind, entry.unit or 0, each.point, each.value, entry.address)
        yield ScheduledFault(start, start + timedelta(minutes=each.minutes), entry.link, fault)
