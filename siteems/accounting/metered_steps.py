"""Steps of a meter that are longer than those of prices and demand charges."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from math import gcd

import numpy as np

from siteems.recordings.metered import Metered
from siteems.tariff.local_clock import QUARTER_S
from siteems.tariff.schedule import TariffSchedule


def split_at_prices(schedule: TariffSchedule, metered: Metered) -> Metered:
    """The meter's steps, in parts of a quarter hour at most where prices change within a step.

    The energy of a step counts evenly to its parts; a note says so, and another one what steps that
    are longer than a billing interval cannot show. Raises `TariffGap` where no tariff is valid.
    """
    step_s = round(metered.step.total_seconds())
    count = len(metered.import_kw)
    notes = list(metered.notes)
    epoch_s = int(metered.start.timestamp()) + step_s * np.arange(count, dtype=np.int64)
    intervals_min = {
        term.interval_min
        for day in np.unique(schedule.prices(epoch_s).day)
        for term in schedule.version(date.fromordinal(int(day))).demand
        if term.mode != "capacity" and 60 * term.interval_min < step_s
    }
    if intervals_min:
        notes.append(
            f"demand is billed by {min(intervals_min)} min, but metered by {step_s // 60} min: a "
            "shorter peak cannot be seen, and the bill may be higher"
        )
    parts = step_s // gcd(step_s, QUARTER_S)
    if parts > 1:
        starts_s = (epoch_s[:, None] + (step_s // parts) * np.arange(parts)).ravel()
        priced = schedule.prices(starts_s)
        per_kwh = priced.per_kwh.reshape(count, parts)
        label = priced.label.reshape(count, parts)
        changes = ((per_kwh != per_kwh[:, :1]) | (label != label[:, :1])).any(axis=1)
        changed = int(changes.sum())
        if changed:
            notes.append(
                f"{changed} steps of {step_s // 60} min have a change of price within: their "
                "energy is split evenly"
            )
            exported = metered.export_kw
            metered = replace(
                metered,
                step=timedelta(seconds=step_s // parts),
                import_kw=np.repeat(metered.import_kw, parts),
                export_kw=None if exported is None else np.repeat(exported, parts),
            )
    return replace(metered, notes=tuple(notes))
