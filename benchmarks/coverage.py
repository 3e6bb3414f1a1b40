"""`make coverage`: how often the confidence interval of a saving holds, by simulation; the last
line is one JSON object.

The savings of a year of days come from the profiles of one half (`quarters.py`), so that the
constants of `siteems/replay/savings.py` can be chosen on one half and checked on the other. A
simulated span takes the season of a random part of such a year, which is the truth that has to be
found, and adds days that scatter and correlate as the recorded ones do around their season.
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import structlog
from quarters import HALVES
from score import PROFILES, at_home
from years import HOME_COLUMNS, HOMES, home

from siteems.config.seeds import seed_path
from siteems.replay.daily import daily
from siteems.replay.data import read_replay_data
from siteems.replay.engine import run_replay
from siteems.replay.outcome import Policy
from siteems.replay.savings import confidence
from siteems.site.read_file import load_site

Array = npt.NDArray[np.float64]

LENGTHS = (14, 30, 90, 365)
SEASON_DAYS = 45
"""Days of a moving mean that are taken for the season."""
SPANS = 2000
SETTLE_DAYS = 60
"""Days that a simulated series runs before it is used."""


def recorded(name: str) -> Array:
    """What a simple rule saves against no control on each day of a profile: self-consumption at a
    home, the timer at the site with three prices.
    """
    at_a_home = name in HOMES
    site = home(name) if at_a_home else at_home(load_site(seed_path("hangzhou-macro")), name)
    rule: Policy = "self-consumption" if at_a_home else "rules"
    path = PROFILES / f"{name}.csv.gz"
    columns = HOME_COLUMNS if at_a_home else None
    profile = read_replay_data(path, site.site.zone, site.tariffs, columns).profile
    return daily(site, run_replay(site, profile, ("idle", rule))).saving("idle", rule)


def simulated(days: Array, length: int, rng: np.random.Generator) -> Iterator[tuple[Array, float]]:
    """Series of `length` days, each with the sum that its interval should hold."""
    wrapped = np.concatenate((days[-SEASON_DAYS:], days, days[:SEASON_DAYS]))
    season = np.convolve(wrapped, np.full(SEASON_DAYS, 1.0 / SEASON_DAYS), "same")
    season = season[SEASON_DAYS:-SEASON_DAYS]
    scatter = days - season
    memory = float(scatter[1:] @ scatter[:-1] / (scatter @ scatter))
    news = scatter[1:] - memory * scatter[:-1]
    news -= news.mean()
    for _ in range(SPANS):
        drawn = rng.choice(news, SETTLE_DAYS + length)
        state, course = 0.0, np.empty(len(drawn))
        for index, change in enumerate(drawn.tolist()):
            state = memory * state + change
            course[index] = state
        first = int(rng.integers(len(season)))
        expected = season[(first + np.arange(length)) % len(season)]
        yield expected + course[SETTLE_DAYS:], float(expected.sum())


def coverage(days: Array, length: int, rng: np.random.Generator) -> float:
    held = 0
    for series, truth in simulated(days, length, rng):
        found = confidence(series)
        held += found.low <= truth <= found.high
    return held / SPANS


def main() -> int:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    parser = argparse.ArgumentParser()
    parser.add_argument("--half", choices=sorted(HALVES))
    parser.add_argument("--profiles", default="")
    options = parser.parse_args()
    names = [name for half in sorted(HALVES) for name in HALVES[half]]
    if options.half:
        names = list(HALVES[options.half])
    if options.profiles:
        names = options.profiles.split(",")
    rng = np.random.default_rng(20261126)
    found: dict[str, dict[int, float]] = {}
    for name in names:
        if not (PROFILES / f"{name}.csv.gz").is_file():
            print(f"skipped: {name} is not beside this project", file=sys.stderr)
            continue
        days = recorded(name)
        found[name] = {length: round(coverage(days, length, rng), 4) for length in LENGTHS}
        print(f"{name:20} {found[name]}", flush=True)
    print(json.dumps(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
