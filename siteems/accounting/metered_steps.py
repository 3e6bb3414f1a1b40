"""Steps of a meter that are longer than those of prices and demand charges."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np

from siteems.recordings.metered import Metered
from siteems.tariff.schedule import TariffSchedule


def with_step_notes(schedule: TariffSchedule, metered: Metered) -> Metered:
    """The meter's values with a note where prices change within a step, whose energy a bill splits
    evenly, and one on what steps that are longer than a billing interval cannot show. Raises
    `TariffGap` where no tariff is valid.
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
    part_s = schedule.part_s(epoch_s, step_s)
    if part_s < step_s:
        parts = (epoch_s[:, None] + np.arange(0, step_s, part_s)).ravel()
        priced = schedule.prices(parts)
        per_kwh, label = priced.per_kwh.reshape(count, -1), priced.label.reshape(count, -1)
        changes = ((per_kwh != per_kwh[:, :1]) | (label != label[:, :1])).any(axis=1)
        if changed := int(changes.sum()):
            notes.append(
                f"{changed} steps of {step_s / 60:g} min have a change of price within: their "
                "energy is split evenly"
            )
    return replace(metered, notes=tuple(notes))
