"""Energy from a meter's counter, by stated rules where the counter fails.

A counter of energy never falls and cannot rise faster than the connection limit. Where it does, or
where it stands still while power flows, it is repaired by these rules, and each is named:

- blip: wrong readings after which the counter jumps back (0 for some minutes, a digit too many,
  a reading that is too high) are left out;
- overflow: a counter that passes the end of its digits or bits goes on from 0, if no more energy
  flowed then than usual;
- reset: a counter that begins at 0 every day ("energy today") lacks what flowed from its last
  reading of a day to midnight, which is taken as the neighbouring steps show;
- restart: a counter that starts anew at another value counts from there on;
- still: a counter that stands still while power is measured.

The energy of a repaired span is what the sound readings around it differ by, where that is possible
for the connection; else what was measured as power; else unknown. Within the span it is shared out
as the measured power was, or evenly where no power was measured.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt

from siteems.recordings.finding import runs

Array = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
Indices = npt.NDArray[np.intp] | int

MOST_SHARE = 1.5
"""Of the connection's power; a fuse carries more for a while, and readings are not simultaneous."""
LAG_H = 1.0 / 60.0
"""How far apart the times of two readings may be in truth: meters answer late, and some count by
the minute.
"""
SLACK_KWH = 0.01
"""The usual resolution of a counter; smaller differences prove nothing."""
LONGEST_BLIP_H = 24.0
"""A counter that has not returned by then has started anew."""
USUAL_SHARE, TIMES_USUAL = 0.99, 2.0
"""An overflow is taken as one where at most so many times the usual highest power flowed."""
DAY_H, DAY_REACH_H = 24.0, 1.25
"""Resets are so far apart, or a multiple, give or take an hour of a change of clocks."""
LONGEST_HIGH = 12
"""Readings in succession that are too high at most; more are a counter that was exchanged."""
STILL_LEAST_STEPS, STILL_LEAST_KWH, STILL_MOVES = 3, 0.25, 3.0
"""A counter stands still where it does not move for as many steps, in which as much energy was
measured, and as many counts: counters behind transformers move in coarse steps.
"""
WRAPS_KWH: Array = np.outer(
    (*(10.0**digits for digits in range(4, 11)), 2.0**31, 2.0**32), (0.001, 0.01, 0.1, 1.0)
).ravel()
"""Where counters overflow: 4 to 10 digits, 31 or 32 bits, in units of 1 Wh to 1 kWh."""
FAILURES = {
    "blip": "showed a wrong value",
    "overflow": "passed its highest value",
    "reset": "began at 0, as every day",
    "restart": "started anew at another value",
    "still": "stood still",
}
"""What a counter did, by the kind of its repair."""


@dataclass(frozen=True)
class Repair:
    """A span of a counter that was repaired: readings `first` to `last` are its sound ends."""

    kind: str
    """blip, overflow, reset, restart or still."""
    first: int
    last: int
    kwh: float
    """Energy of the span; NaN where it is unknown."""


@dataclass(frozen=True, eq=False)
class CounterEnergy:
    """Energy between successive readings, shape (n - 1,), kWh; NaN where it is unknown."""

    kwh: Array
    repairs: tuple[Repair, ...]


def counter_energy(
    hours: Array, counter_kwh: Array, most_kw: float, power_kw: Array | None = None
) -> CounterEnergy:
    """The energy between the readings of a counter, all of shape (n,), n >= 1, none unknown.

    `hours` are the times of the readings, rising, `most_kw` is the connection limit.
    `power_kw` is the measured import, holding from its reading to the next; NaN = not measured.
    """
    kwh, repairs = np.diff(counter_kwh), []
    measured = np.full(kwh.size, np.nan)
    if power_kw is not None:
        measured = np.maximum(0.0, power_kw[:-1]) * np.diff(hours)
    moves = kwh[kwh > 0.0]
    step_kwh = min(most_kw * 1.0, float(moves.min())) if moves.size else 0.0
    judged = _Counter(
        hours,
        counter_kwh,
        MOST_SHARE * most_kw,
        max(SLACK_KWH, step_kwh),
        _usual_kw(np.diff(hours), kwh),
    )
    steps = np.arange(kwh.size)
    good = 0
    for step in np.flatnonzero(~judged.possible(steps, steps + 1)).tolist():
        if step >= good:
            repairs.append(judged.repair_after(step, good))
            good = repairs[-1].last
    repaired = np.zeros(kwh.size, dtype=np.bool_)
    for repair in repairs:
        repaired[repair.first : repair.last] = True
    least_kwh = max(STILL_LEAST_KWH, STILL_MOVES * step_kwh)
    for first, last in runs((kwh == 0.0) & ~repaired):
        if last - first >= STILL_LEAST_STEPS and np.nansum(measured[first:last]) > least_kwh:
            repairs.append(Repair("still", first, last, np.nan))
    named = []
    for repair in sorted(repairs, key=lambda repair: repair.first):
        span = slice(repair.first, repair.last)
        total = float(measured[span].sum()) if np.isnan(repair.kwh) else repair.kwh
        kwh[span] = _shared(total, measured[span], np.diff(hours)[span])
        named.append(replace(repair, kwh=total))
    return CounterEnergy(kwh, tuple(named))


@dataclass(frozen=True, eq=False)
class _Counter:
    """Readings of a counter and what they are judged by."""

    hours: Array
    kwh: Array
    most_kw: float
    step_kwh: float
    """The smallest move of the counter, which may fall on any moment."""
    usual_kw: float
    """The highest power that usually flows."""

    def possible(self, first: Indices, last: Indices, more_kwh: Array | float = 0.0) -> Mask:
        """Whether the counter can have moved as it did between two readings, and so much more."""
        moved = self.kwh[last] - self.kwh[first] + more_kwh
        hours = self.hours[last] - self.hours[first]
        return _may_move(moved, hours, self.most_kw, self.step_kwh)

    def repair_after(self, good: int, earliest: int) -> Repair:
        """The repair from a sound reading on, after which the counter cannot move as it did; it
        begins at `earliest` at the earliest.
        """
        after = good + 1
        back = self._back(good)
        if back is not None:
            return Repair("blip", good, back, max(0.0, self.kwh[back] - self.kwh[good]))
        moved = self.kwh[after] - self.kwh[good]
        wraps = WRAPS_KWH[self.possible(good, after, WRAPS_KWH) & (self.kwh[good] < WRAPS_KWH)]
        times = 1.0 if good in self._resets else TIMES_USUAL
        most_kwh = times * self.usual_kw * (self.hours[after] - self.hours[good])
        if wraps.size and moved + wraps.min() <= most_kwh + self.step_kwh:
            return Repair("overflow", good, after, self.kwh[after] - self.kwh[good] + wraps.min())
        if good in self._resets:
            return Repair("reset", good, after, self._across_midnight(good))
        still = good
        while still > 0 and self.kwh[still - 1] == self.kwh[good]:
            still -= 1
        if still < good and self.possible(still, after):
            return Repair("still", still, after, self.kwh[after] - self.kwh[good])
        high = self._too_high(good, earliest)
        if high is not None:
            return Repair("blip", high, after, self.kwh[after] - self.kwh[high])
        return Repair("restart", good, after, np.nan)

    @cached_property
    def _resets(self) -> frozenset[int]:
        """The readings before which a counter began at 0 every day; none where it did not."""
        moved, hours = np.diff(self.kwh), np.diff(self.hours)
        falls = np.flatnonzero(moved < -SLACK_KWH)
        most_kwh = TIMES_USUAL * self.usual_kw * hours[falls] + self.step_kwh
        falls = falls[self.kwh[falls + 1] <= np.minimum(most_kwh, self.kwh[falls] / 2.0)]
        apart_h = np.diff(self.hours[falls + 1])
        days = np.maximum(1.0, np.round(apart_h / DAY_H))
        if falls.size < 2 or (np.abs(apart_h - DAY_H * days) > DAY_REACH_H).any():
            return frozenset()
        return frozenset(falls.tolist())

    def _across_midnight(self, good: int) -> float:
        """The energy from the last reading of a day to the first of the next one: as the steps
        before and after it show, and no less than the counter has by then.
        """
        kwh, hours = np.diff(self.kwh), np.diff(self.hours)
        beside = [each for each in (good - 1, good + 1) if 0 <= each < kwh.size and kwh[each] >= 0]
        rates = [kwh[each] / hours[each] for each in beside]
        shown = float(np.mean(rates)) * float(hours[good]) if rates else 0.0
        return max(float(self.kwh[good + 1]), shown)

    def _too_high(self, good: int, earliest: int) -> int | None:
        """The reading before readings up to `good` that were too high, and from which the counter
        goes on as it usually does.
        """
        after = good + 1
        for before in range(good - 1, max(earliest, good - LONGEST_HIGH) - 1, -1):
            rose = self.kwh[before + 1] - self.kwh[before]
            fell = self.kwh[good] - self.kwh[after]
            moved = self.kwh[after] - self.kwh[before]
            most_kwh = TIMES_USUAL * self.usual_kw * (self.hours[after] - self.hours[before])
            if rose >= fell / 2.0 and -SLACK_KWH <= moved <= most_kwh + self.step_kwh:
                return before
        return None

    def _back(self, good: int) -> int | None:
        """The reading with which a counter comes back from a blip.

        It comes back by another step that is not possible, or from a number that it stood at.
        """
        end = int(np.searchsorted(self.hours, self.hours[good] + LONGEST_BLIP_H, "right"))
        after = np.arange(good + 2, end)
        stood = np.logical_and.accumulate(self.kwh[after - 1] == self.kwh[good + 1])
        steps = self.kwh[after] - self.kwh[after - 1]
        hours = self.hours[after] - self.hours[after - 1]
        jumps = ~_may_move(steps, hours, self.most_kw, self.step_kwh)
        found = after[self.possible(good, after) & (jumps | stood)]
        return int(found[0]) if found.size else None


def _usual_kw(hours: Array, kwh: Array) -> float:
    rates = (kwh / hours)[kwh > 0.0]
    return float(np.quantile(rates, USUAL_SHARE)) if rates.size else 0.0


def is_possible(moved_kwh: float, hours: float, limit_kw: float) -> bool:
    """Whether a counter behind a connection of `limit_kw` can have moved so far in these hours."""
    return bool(_may_move(np.array(moved_kwh), np.array(hours), MOST_SHARE * limit_kw, SLACK_KWH))


def _may_move(moved_kwh: Array, hours: Array, most_kw: float, step_kwh: float) -> Mask:
    most_kwh = most_kw * (hours + LAG_H) + step_kwh
    return np.asarray((moved_kwh >= -SLACK_KWH) & (moved_kwh <= most_kwh))


def _shared(total_kwh: float, measured_kwh: Array, hours: Array) -> Array:
    """An energy over the steps of a span: as power was measured, or evenly; shape (n,)."""
    known = np.isfinite(measured_kwh).all() and measured_kwh.sum() > 0.0
    shape = measured_kwh if known else hours
    shared: Array = total_kwh * shape / shape.sum()
    return shared
