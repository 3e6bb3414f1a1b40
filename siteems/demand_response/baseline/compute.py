"""The baseline of an event: computed before it, stored, and never changed afterwards."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from siteems.demand_response.baseline.days import (
    STEP,
    STEPS,
    DayFacts,
    Exclusion,
    MeteredDays,
    exclusion_of,
    step_of,
)
from siteems.demand_response.baseline.rules import (
    MOST_DAYS_BACK,
    Adjustment,
    BeforeEventRule,
    DayRule,
    Rule,
    SubMeterRule,
)

Array = npt.NDArray[np.float64]

HOUR: Final = timedelta(hours=1)
LEAST_BASE_KW: Final = 0.01
"""Below this a baseline is nothing, and a factor on it would have no meaning."""


class NoBaseline(Exception):
    """There is no baseline, and none is made up. The text says why."""


@dataclass(frozen=True, eq=False)
class Baseline:
    """Mean import in kW of the quarter hours of an event without it, shape (n,)."""

    rule: str
    start: datetime
    kw: Array
    days: tuple[date, ...] = ()
    """Those that were averaged."""
    excluded: tuple[tuple[date, Exclusion], ...] = ()
    """Recent days that were not eligible, and why."""
    adjusted_kw: float = 0.0
    """Mean of what the adjustment has added."""
    capped: bool = False
    """The adjustment would have been larger than its rule allows."""

    def mean_kw(self, start: datetime, end: datetime) -> float:
        """The mean over a span within the event. Raises ValueError for one that is not."""
        edges = [self.start + n * STEP for n in range(len(self.kw) + 1)]
        overlap_h = np.array(
            [
                max(0.0, (min(end, later) - max(start, earlier)) / HOUR)
                for earlier, later in pairwise(edges)
            ]
        )
        if abs(overlap_h.sum() - (end - start) / HOUR) > 1e-6:
            raise ValueError(f"{start} to {end} is not within the baseline")
        return float(self.kw @ overlap_h / overlap_h.sum())

    def to_dict(self) -> dict[str, Any]:
        """For the record."""
        return {
            "rule": self.rule,
            "start": self.start.isoformat(),
            "kw": [round(value, 6) for value in self.kw.tolist()],
            "days": [day.isoformat() for day in self.days],
            "excluded": [[day.isoformat(), why] for day, why in self.excluded],
            "adjusted_kw": round(self.adjusted_kw, 6),
            "capped": self.capped,
        }

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Baseline:
        """The inverse of `to_dict`."""
        return cls(
            data["rule"],
            datetime.fromisoformat(data["start"]),
            np.array(data["kw"], dtype=np.float64),
            tuple(date.fromisoformat(day) for day in data["days"]),
            tuple((date.fromisoformat(day), why) for day, why in data["excluded"]),
            data["adjusted_kw"],
            data["capped"],
        )


def baseline(
    rule: Rule,
    days: MeteredDays,
    facts: DayFacts,
    start: datetime,
    end: datetime,
    notice: datetime,
) -> Baseline:
    """The baseline of an event from `start` until `end`, of which the site heard at `notice`.

    It covers the whole quarter hours that the event touches. Nothing after the notice goes into it.
    Raises `NoBaseline`.
    """
    first = _quarter(start, days)
    count = -(-(end - first) // STEP)
    if isinstance(rule, SubMeterRule):
        return Baseline(rule.name, first, np.zeros(count))
    if isinstance(rule, BeforeEventRule):
        return _before_event(rule, days, first, count)
    return _of_days(rule, days, facts, first, count, min(notice, start))


def _before_event(
    rule: BeforeEventRule, days: MeteredDays, first: datetime, count: int
) -> Baseline:
    before = days.between(first - rule.minutes * timedelta(minutes=1), first)
    if not before.size or np.isnan(before).any():
        raise NoBaseline(f"the {rule.minutes} min before the event are not metered")
    return Baseline(rule.name, first, np.full(count, float(before.mean())))


def _of_days(
    rule: DayRule,
    days: MeteredDays,
    facts: DayFacts,
    first: datetime,
    count: int,
    notice: datetime,
) -> Baseline:
    event_day = first.astimezone(days.zone).date()
    steps = [step_of((first + n * STEP).astimezone(days.zone).time()) for n in range(count)]
    window = _window(rule.adjustment, notice, days) if rule.adjustment else None
    needed = set(range(STEPS)) if rule.ranked_by == "day" else set(steps)
    eligible: list[date] = []
    excluded: list[tuple[date, Exclusion]] = []
    # Days count until the notice: the site may already act on it on the days that follow.
    newest = min(event_day, notice.astimezone(days.zone).date())
    for back in range(1, MOST_DAYS_BACK + 1):
        day = newest - timedelta(days=back)
        if (event_day - day).days < rule.days_back:
            continue
        why = exclusion_of(day, event_day, days, facts, needed)
        if why is None:
            eligible.append(day)
            if len(eligible) == rule.days:
                break
        elif day in days.kw:
            excluded.append((day, why))
    if len(eligible) < rule.days:
        found = f"{len(eligible)} of {rule.days} eligible days"
        raise NoBaseline(f"{found} in the {MOST_DAYS_BACK} days before the event")
    ranked = range(STEPS) if rule.ranked_by == "day" else steps
    by_energy = sorted(eligible, key=lambda day: -float(days.kw[day][list(ranked)].sum()))
    used = sorted(by_energy[: rule.used])
    mean = np.mean([days.kw[day] for day in used], axis=0)
    base = mean[steps]
    if rule.adjustment is None or window is None:
        return Baseline(rule.name, first, base, tuple(used), tuple(excluded))
    adjusted, capped = _adjusted(rule.adjustment, base, mean, days, *window)
    added_kw = float((adjusted - base).mean())
    return Baseline(rule.name, first, adjusted, tuple(used), tuple(excluded), added_kw, capped)


def _window(
    adjustment: Adjustment, notice: datetime, days: MeteredDays
) -> tuple[datetime, datetime]:
    end = _quarter(notice - adjustment.before_notice_h * HOUR, days)
    return end - adjustment.window_h * HOUR, end


def _adjusted(
    adjustment: Adjustment,
    base: Array,
    mean: Array,
    days: MeteredDays,
    start: datetime,
    end: datetime,
) -> tuple[Array, bool]:
    """The baseline as the window shows, and whether its cap held it; unadjusted where the window
    was not metered.
    """
    metered = days.between(start, end)
    count = len(metered)
    steps = [step_of((start + n * STEP).astimezone(days.zone).time()) for n in range(count)]
    expected = mean[steps]
    if np.isnan(metered).any() or np.isnan(expected).any():
        return base, False
    most = adjustment.most_share
    if adjustment.kind == "additive":
        wanted_kw = float((metered - expected).mean())
        limit_kw = most * abs(float(base.mean()))
        return base + np.clip(wanted_kw, -limit_kw, limit_kw), abs(wanted_kw) > limit_kw
    if abs(float(expected.mean())) < LEAST_BASE_KW:
        return base, False
    factor = float(metered.mean() / expected.mean())
    return base * np.clip(factor, 1.0 - most, 1.0 + most), abs(factor - 1.0) > most


def _quarter(when: datetime, days: MeteredDays) -> datetime:
    """The quarter hour of the local clock in which a time lies. UTC offsets are whole quarters."""
    local = when.astimezone(days.zone)
    past = timedelta(
        minutes=local.minute % 15, seconds=local.second, microseconds=local.microsecond
    )
    return when - past
