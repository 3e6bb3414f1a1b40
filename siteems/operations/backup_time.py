"""How long the battery carries the site now, for the status while the mains are out."""

from __future__ import annotations

from dataclasses import dataclass, replace

from siteems.estimation.process_image import MAINS_PRESENT_V
from siteems.history.records import Sample
from siteems.site.model import Site
from siteems.site.reserve import hours_left


@dataclass(frozen=True)
class BackupTime:
    """Hours until the battery is empty, without PV and without a genset."""

    load_kw: float
    """The telecom load as last recorded."""
    hours: float
    """At this load."""
    shed_hours: float | None
    """At what is left of it when the site has shed load; None where the site file states none."""


def backup_time(site: Site, sample: Sample, capacity_kwh: float | None) -> BackupTime | None:
    """None while the mains are present, and where mains, state of charge or load are unknown.

    `capacity_kwh` is the battery's actual capacity where it is known better than by the site file.
    """
    mains_v, soc, load_kw = (sample.values.get(n) for n in ("mains_v", "soc", "dc_load_kw"))
    if mains_v is None or mains_v >= MAINS_PRESENT_V or soc is None or load_kw is None:
        return None
    battery, temp_c = site.battery, sample.values.get("battery_c")
    if capacity_kwh is not None:
        health = min(1.0, capacity_kwh / battery.rated_kwh)
        battery = replace(battery, state_of_health=health)
    celsius = site.backup.coldest_c if temp_c is None else temp_c
    share = site.backup.shed_share
    shed_kw = None if share is None else (1.0 - share) * load_kw
    return BackupTime(
        load_kw,
        hours_left(battery, load_kw, soc, celsius),
        None if shed_kw is None else hours_left(battery, shed_kw, soc, celsius),
    )
