"""What the record holds for a controller that starts: read once, and each part on its own, so that
a damaged part costs no other one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, TypeVar

import structlog

from siteems.control.hold import Hold
from siteems.demand_response.opt_out import OPT_OUTS, OptOut, recorded_opt_outs
from siteems.estimation.site_state import FULL_SOC
from siteems.forecast.learning_forecaster import LEARNING_WINDOW
from siteems.history.records import AlarmRecord, RecordError, Sample
from siteems.history.store import History
from siteems.operations.battery_sign import BATTERY_SIGN
from siteems.operations.daemon_alarms import RECORD_AHEAD
from siteems.operations.hold_record import HOLDS, recorded_holds
from siteems.planning.published_plan import USABLE, PublishedPlan
from siteems.planning.recorded_plan import newest_plan
from siteems.site.model import Site
from siteems.site.ratings import Range, plausible_ranges

log = structlog.get_logger()

SOC_RANGE: Final = (0.0, 1.05)
"""A gauge may read a little above full."""

AHEAD_LEAST: Final = timedelta(minutes=1)
"""Samples that are further ahead of the clock are reported."""

T = TypeVar("T")


@dataclass(frozen=True)
class Recalled:
    """What is taken up; by default that of an empty record."""

    samples: Sequence[Sample] = ()
    """Of the learning window, oldest first; only plausible values."""
    plan: PublishedPlan | None = None
    """The newest usable plan that can be read."""
    last_full: datetime | None = None
    """When the battery was last fully charged."""
    newest: datetime | None = None
    """The time of the newest sample. Where it is still to come, the clock was or is wrong."""
    holds: tuple[Hold, ...] = ()
    """Those that are not over."""
    opt_outs: tuple[OptOut, ...] = ()
    """Of DR events."""
    battery_sign: str | None = None
    """The result of the last proof of its sign, as kept."""

    def alarm_of_times_to_come(self, now: datetime) -> AlarmRecord | None:
        """The alarm that says how far the newest sample is ahead of the clock, where it is."""
        if self.newest is None or self.newest - now <= AHEAD_LEAST:
            return None
        ahead_h = (self.newest - now) / timedelta(hours=1)
        return RECORD_AHEAD.at(now, newest=self.newest.isoformat(), ahead_h=ahead_h)


def recall(history: History, site: Site, now: datetime) -> Recalled:
    """Read the record up to now. Never raises: what cannot be read is taken up as if it were not
    there. Rows of times to come are left out: they were recorded while the clock was wrong.
    """
    ranges, since = _ranges(site), now - LEARNING_WINDOW
    nothing: list[Sample] = []
    samples = _part("samples", lambda: history.samples(since, now), nothing)
    full = (FULL_SOC, SOC_RANGE[1])
    return Recalled(
        samples=[_plausible(sample, ranges) for sample in samples],
        plan=_part("plan", lambda: newest_plan(history.last_plans(USABLE, now)), None),
        last_full=_part("last-full", lambda: history.last_time_at("soc", *full, now), None),
        newest=_part("newest", history.newest_sample_time, None),
        holds=_part("holds", lambda: recorded_holds(history.fact(HOLDS), now), ()),
        opt_outs=_part("opt-outs", lambda: recorded_opt_outs(history.fact(OPT_OUTS)), ()),
        battery_sign=_part("sign of the battery", lambda: history.fact(BATTERY_SIGN), None),
    )


def _part(name: str, read: Callable[[], T], otherwise: T) -> T:
    try:
        return read()
    except RecordError as error:
        log.error("record-unreadable", part=name, error=str(error))
        return otherwise


def _ranges(site: Site) -> dict[str, Range]:
    """What the samples of a site may hold, with the values that no device map bounds here."""
    ranges = dict(plausible_ranges(site))
    return ranges | {"soc": SOC_RANGE, "ac_load_kw": ranges["grid_kw"]}


def _plausible(sample: Sample, ranges: dict[str, Range]) -> Sample:
    """The sample without values that the site cannot have had."""
    values = {
        name: value
        for name, value in sample.values.items()
        if value is None or name not in ranges or ranges[name][0] <= value <= ranges[name][1]
    }
    return sample if len(values) == len(sample.values) else replace(sample, values=values)
