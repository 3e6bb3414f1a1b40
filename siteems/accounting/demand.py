"""Demand charges (需量電費): when import counts, and the highest mean of a billing interval."""

from __future__ import annotations

from datetime import date

import numpy as np
import numpy.typing as npt

from siteems.tariff.calendar import in_season
from siteems.tariff.holidays import day_type
from siteems.tariff.hours import parse_hours
from siteems.tariff.local_clock import Seconds, billing_interval_s, local_clock
from siteems.tariff.model import DemandTerm, TariffVersion
from siteems.tariff.schedule import TariffSchedule

Array = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


def highest_mean_kw(
    term: DemandTerm,
    version: TariffVersion,
    schedule: TariffSchedule,
    epoch_s: Seconds,
    import_kw: Array,
) -> float:
    """The highest mean of a billing interval among those that count; 0 where none does.

    `import_kw` are mean powers of steps that begin at `epoch_s`, both of shape (n,). Billing
    intervals begin at whole multiples of their length on the local clock.
    """
    interval = billing_interval_s(epoch_s, 60 * term.interval_min, schedule.zone)
    edges = np.flatnonzero(np.diff(interval, prepend=interval[0] - 1))
    means = np.add.reduceat(import_kw, edges) / np.diff(np.append(edges, len(import_kw)))
    counts = counting(term, version, schedule, epoch_s[edges])
    return float(means[counts].max()) if counts.any() else 0.0


def counting(
    term: DemandTerm, version: TariffVersion, schedule: TariffSchedule, epoch_s: Seconds
) -> Bools:
    """Whether import counts for a charge in billing intervals that begin at `epoch_s`, shape
    (n,).
    """
    days, minutes = local_clock(epoch_s, schedule.zone)
    unique, day_of = np.unique(days, return_inverse=True)
    counts = np.array(
        [_day_counts(term, version, date.fromordinal(int(day))) for day in unique], dtype=np.bool_
    )[day_of]
    if term.hours:
        in_hours = np.zeros(len(minutes), dtype=np.bool_)
        for hours in term.hours:
            first, end = parse_hours(hours)
            in_hours |= (minutes >= first) & (minutes < end)
        counts &= in_hours
    return counts


def _day_counts(term: DemandTerm, version: TariffVersion, day: date) -> bool:
    seasonal = bool(term.months or term.dates)
    if seasonal and not in_season(term.months, term.dates, day.month, day.day):
        return False
    return not term.day_types or day_type(version, day) in term.day_types
