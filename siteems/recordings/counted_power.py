"""A recorded counter of energy as mean power, with the counter's failures repaired."""

from __future__ import annotations

import numpy as np
import pandas as pd

from siteems.recordings.counter import FAILURES, Array, CounterEnergy, counter_energy

MOST_TIMES_USUAL = 20.0
"""A step of more than so many times the usual largest one (99 %) is no energy that flowed."""
LEAST_READINGS, RISING_SHARE = 48, 0.98
"""Readings that rise in so many of their changes are those of a counter."""
HOUR = pd.Timedelta(hours=1)


def is_counter(values: Array) -> bool:
    """Whether values, shape (n,) in order of time, are readings of a counter: they hardly ever
    fall, and rise far beyond what they rise by in a step.
    """
    changes = np.diff(values[~np.isnan(values)])
    changes = changes[changes != 0.0]
    if changes.size < LEAST_READINGS:
        return False
    rising = changes > 0.0
    usual = float(np.quantile(changes[rising], 0.99)) if rising.any() else np.inf
    total = float(changes[rising & (changes <= MOST_TIMES_USUAL * usual)].sum())
    return bool(rising.mean() >= RISING_SHARE and total > 10.0 * usual)


def repaired_energy(times: pd.DatetimeIndex, counter_kwh: Array) -> tuple[CounterEnergy, list[str]]:
    """The energy between readings, in order and none unknown, and a sentence for each repair."""
    hours = np.asarray((times - times[0]) / HOUR, dtype=np.float64)
    rates = np.diff(counter_kwh) / np.diff(hours)
    rising = rates[rates > 0.0]
    most_kw = MOST_TIMES_USUAL * float(np.quantile(rising, 0.99)) if rising.size else 0.0
    energy = counter_energy(hours, counter_kwh, most_kw)
    sentences = []
    for repair in energy.repairs:
        known = not np.isnan(repair.kwh)
        counted = f"repaired, {repair.kwh:.2f} kWh counted" if known else "its energy is unknown"
        sentences.append(
            f"the counter {FAILURES[repair.kind]} between {times[repair.first]:%Y-%m-%d %H:%M} and "
            f"{times[repair.last]:%Y-%m-%d %H:%M}: {counted}"
        )
    return energy, sentences


def counted_power(
    times: pd.DatetimeIndex, counter_kwh: Array, *, end_of_step: bool
) -> tuple[Array, list[str]]:
    """Mean power in the step of each row, shape (n,), kW, in the order of the rows, and a sentence
    for each repair.

    `times` are the starts of the steps. A counter is read at the stamp of its row: at the start of
    the step or, with `end_of_step`, at its end. A step with only one reading is NaN.
    """
    order = np.argsort(times.asi8, kind="stable")
    order = order[~np.isnan(counter_kwh[order])]
    order = order[np.append(np.diff(times.asi8[order]) > 0, True)] if order.size else order
    power = np.full(counter_kwh.shape, np.nan)
    if order.size < 2:
        return power, []
    hours = np.asarray((times - times.min()) / HOUR, dtype=np.float64)
    read_h = hours[order]
    energy, sentences = repaired_energy(times[order], counter_kwh[order])
    mean_kw = energy.kwh / np.diff(read_h)
    step = np.searchsorted(read_h, hours, "left" if end_of_step else "right") - 1
    within = (step >= 0) & (step < mean_kw.size)
    power[within] = mean_kw[step[within]]
    return power, sentences
