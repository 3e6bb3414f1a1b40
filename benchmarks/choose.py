"""`make choose`: the constants of the other futures, chosen on one half of the profiles and
reported on the other, both ways round; the last line is one JSON object.

Each setting replays four weeks of winter and four of summer of every profile at every site that it
fits. Its figure is the mean over these spans of the cost with control in percent of the cost
without. The setting with the lowest mean of a half is the choice of that half. The shipped one has
the lowest mean over all spans. Takes half an hour on one core.
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, time, timedelta

import numpy as np
import structlog
from quarters import HALVES, READY, site_of
from score import PROFILES
from years import HOME_COLUMNS, HOMES

from siteems.planning import futures
from siteems.replay.data import read_replay_data
from siteems.replay.engine import run_replay
from siteems.replay.executors import executor_for

SETTINGS = ((0.8, 0.5), (0.5, 0.5), (1.0, 0.5), (0.8, 0.3), (0.8, 0.7))
"""`HIGH_PV` and `LOW_PV` of siteems/planning/futures.py."""
FIRST_DAYS = (46, 228)
"""Of the profile: in winter and in summer."""
SPAN = timedelta(days=28)


@dataclass(frozen=True)
class Case:
    """Four weeks of a profile at a site, with one setting."""

    half: str
    profile: str
    site: str
    first_day: int
    setting: tuple[float, float]


def cases() -> Iterator[Case]:
    for half, profiles in HALVES.items():
        for profile in profiles:
            if not (PROFILES / f"{profile}.csv.gz").is_file():
                continue
            for site in ("home",) if profile in HOMES else READY:
                for day in FIRST_DAYS:
                    for setting in SETTINGS:
                        yield Case(half, profile, site, day, setting)


def cost_percent(case: Case) -> float:
    """Cost of `optimal` in percent of that of `idle`."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    futures.HIGH_PV, futures.LOW_PV = case.setting
    site = site_of(case.profile, case.site)
    columns = HOME_COLUMNS if case.profile in HOMES else None
    path = PROFILES / f"{case.profile}.csv.gz"
    data = read_replay_data(path, site.site.zone, site.tariffs, columns)
    first = data.profile.start.astimezone(site.site.zone) + timedelta(days=case.first_day)
    start = datetime.combine(first.date(), time(), tzinfo=first.tzinfo)
    policies = run_replay(
        site, data.profile, ("idle", "optimal"), start=start, end=start + SPAN
    ).policies
    return 100.0 * policies["optimal"].cost / policies["idle"].cost


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    found: dict[str, dict[tuple[float, float], list[float]]] = {
        half: {setting: [] for setting in SETTINGS} for half in HALVES
    }
    to_run = list(cases())
    if not to_run:
        print("skipped: no profiles beside this project", file=sys.stderr)
        return 0
    with executor_for(options.jobs) as executor:
        for case, percent in zip(to_run, executor.map(cost_percent, to_run), strict=True):
            found[case.half][case.setting].append(percent)
            print(
                f"{case.profile} {case.site} {case.first_day} {case.setting}: {percent:.3f} %",
                flush=True,
            )
    means = {
        half: {setting: float(np.mean(each)) for setting, each in settings.items() if each}
        for half, settings in found.items()
    }
    for half, other in (("a", "b"), ("b", "a")):
        choice = min(means[half], key=means[half].__getitem__)
        best = min(means[other].values())
        here, there = means[half][choice], means[other][choice]
        print(
            f"chosen on half {half}: HIGH_PV, LOW_PV = {choice}: {here:.3f} % there, "
            f"{there:.3f} % on half {other}, whose own choice has {best:.3f} %"
        )
    rows = {
        half: {f"{high},{low}": round(mean, 4) for (high, low), mean in settings.items()}
        for half, settings in means.items()
    }
    print(json.dumps(rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())
