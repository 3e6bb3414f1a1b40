"""Whether a day's control ever used the backup reserve, from the record alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from math import inf

from siteems.accounting.reserve_tolerance import DISCHARGING_KW, RESERVE_TOLERANCE_SOC
from siteems.estimation.process_image import MAINS_PRESENT_V
from siteems.history.records import Sample
from siteems.site.model import Site
from siteems.site.reserve import hours_left


@dataclass(frozen=True)
class ReserveCheck:
    """Whether the reserve was held. Margins are shares of capacity."""

    held: bool
    lowest_margin_soc: float
    lowest_margin_at: datetime
    lowest_backup_h: float
    """How long the battery would have carried the measured load, at the worst moment with mains."""
    outage_used_kwh: float
    """Energy that the battery gave in the mains failure, the largest of several."""


def check_reserve(samples: Sequence[Sample], site: Site) -> ReserveCheck:
    """Check every sample with mains.

    A mains failure may use the reserve. After it the battery recovers: samples below the reserve
    count again only once it was reached, or where the battery discharges. Raises `ValueError` where
    no sample has mains, state of charge and reserve.
    """
    lowest: tuple[float, datetime] | None = None
    lowest_backup_h, outage_used_kwh = inf, 0.0
    soc_before_failure: float | None = None
    recovering = False
    last_soc: float | None = None
    for sample in samples:
        soc, reserve_soc, mains_v = map(sample.values.get, ("soc", "reserve_soc", "mains_v"))
        if soc is None or reserve_soc is None or mains_v is None:
            continue
        if mains_v < MAINS_PRESENT_V:
            if soc_before_failure is None:
                soc_before_failure = soc if last_soc is None else last_soc
            recovering = True
            used_kwh = (soc_before_failure - soc) * site.battery.capacity_kwh
            outage_used_kwh = max(outage_used_kwh, used_kwh)
        elif not recovering or soc >= reserve_soc or _discharging(sample):
            recovering, soc_before_failure = False, None
            if lowest is None or soc - reserve_soc < lowest[0]:
                lowest = (soc - reserve_soc, sample.time)
            lowest_backup_h = min(lowest_backup_h, _backup_h(sample, soc, site))
        last_soc = soc
    if lowest is None:
        raise ValueError("the record holds no moment with mains, state of charge and reserve")
    margin_soc, time = lowest
    held = margin_soc >= -RESERVE_TOLERANCE_SOC
    return ReserveCheck(held, margin_soc, time, lowest_backup_h, outage_used_kwh)


def _discharging(sample: Sample) -> bool:
    battery_kw = sample.values.get("battery_kw")
    return battery_kw is not None and battery_kw < -DISCHARGING_KW


def _backup_h(sample: Sample, soc: float, site: Site) -> float:
    """How long the battery would carry the load of a sample; infinite where that is unknown."""
    load_kw, battery_c = sample.values.get("dc_load_kw"), sample.values.get("battery_c")
    if load_kw is None or load_kw <= 0:
        return inf
    coldest_c = site.backup.coldest_c
    return hours_left(site.battery, load_kw, soc, coldest_c if battery_c is None else battery_c)
