"""`make quarters`: every profile of ../shared/data/profiles at every site that it fits, by quarter
and with every policy; the last line is one JSON object.

Options: `--half a` or `--half b` runs one half of the profiles, so that parameters can be chosen on
one and reported on the other (both years of one site are in the same half); `--quarters 1,3` and
`--policies idle,bound` run a part; `--table` prints the table of docs/replay.md. All of it takes
about an hour and a half on two cores.
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any

import structlog
from score import PROFILES, at_home
from years import CHINA, HOME_COLUMNS, HOMES, home

from siteems.cli.arguments import parse_policies
from siteems.config.seeds import seed_path
from siteems.replay.data import read_replay_data
from siteems.replay.engine import run_replay
from siteems.replay.executors import executor_for
from siteems.replay.outcome import POLICIES, Policy, ReplayResult
from siteems.site.model import Site
from siteems.site.read_file import load_site

HALVES = {
    "a": ("cn_site_2019", "cn_site_2020", "us_home_1"),
    "b": ("cn_northwest_2019", "us_home_5"),
}
READY = ("hangzhou-macro", "rural-lfp")
QUARTER = timedelta(days=91)


@dataclass(frozen=True)
class Case:
    """One quarter of a profile at a site."""

    profile: str
    site: str
    """A ready site, or `home`."""
    quarter: int
    policies: tuple[Policy, ...]

    @property
    def name(self) -> str:
        return f"{self.profile} {self.site} q{self.quarter}"


def cases(
    profiles: Sequence[str], quarters: Sequence[int], policies: tuple[Policy, ...]
) -> Iterator[Case]:
    for profile in profiles:
        for site in ("home",) if profile in HOMES else READY:
            for quarter in quarters:
                yield Case(profile, site, quarter, policies)


def replayed(case: Case) -> dict[str, Any]:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    site = site_of(case.profile, case.site)
    columns = HOME_COLUMNS if case.profile in HOMES else None
    path = PROFILES / f"{case.profile}.csv.gz"
    data = read_replay_data(path, site.site.zone, site.tariffs, columns)
    first = data.profile.start.astimezone(site.site.zone)
    midnight = datetime.combine(first.date(), time(), tzinfo=first.tzinfo)
    start = midnight if midnight >= first else midnight + timedelta(days=1)
    start += (case.quarter - 1) * QUARTER
    result = run_replay(site, data.profile, case.policies, start=start, end=start + QUARTER)
    return figures(result)


def site_of(profile: str, site: str) -> Site:
    """A ready site where the profile was recorded, or the home that it is of."""
    if profile in HOMES:
        return home(profile)
    return at_home(load_site(seed_path(site)), profile)


def figures(result: ReplayResult) -> dict[str, Any]:
    """Costs; what `optimal` costs more than the best simple rule, in percent of the energy cost of
    `idle`; its regret in percent of what the bound saves, and of the bill where it saves little.
    """
    outcomes = result.policies
    found: dict[str, Any] = {policy: round(each.cost, 2) for policy, each in outcomes.items()}
    best = result.best_simple()
    if best is not None and "optimal" in outcomes and "idle" in outcomes:
        more = outcomes["optimal"].cost - outcomes[best].cost
        energy_cost = outcomes["idle"].balance.energy_cost
        found |= {"best_simple": best, "above_best_percent": round(100.0 * more / energy_cost, 3)}
    for reference in ("bound", "foresight"):
        regret = result.regret(reference)
        if regret is not None:
            money, share = regret
            found[f"regret_to_{reference}_percent"] = round(100.0 * share, 2)
            found[f"above_{reference}_percent"] = round(100.0 * money / outcomes["idle"].cost, 3)
    if "bound" in outcomes and outcomes["bound"].planned_cost:
        bound = outcomes["bound"]
        found["bound_gap_percent"] = round(100.0 * (bound.cost / bound.planned_cost - 1.0), 3)
    found["reserve_violations"] = sum(each.reserve_violations for each in outcomes.values())
    found["cpu_s"] = {policy: round(each.cpu_s, 1) for policy, each in outcomes.items()}
    return found


def table(rows: Mapping[str, Mapping[str, Any]], policies: Sequence[Policy]) -> str:
    heads = ("quarter", *policies, "above best simple, %", "regret, %", "above bound, %", "reserve")
    lines = [f"| {' | '.join(heads)} |", f"|{'---|' * len(heads)}"]
    for name, row in rows.items():
        costs = [
            f"**{row[policy]:,.1f}**" if policy == row.get("best_simple") else f"{row[policy]:,.1f}"
            for policy in policies
        ]
        shares = [
            "-" if row.get(key) is None else f"{row[key]:.2f}"
            for key in ("above_best_percent", "regret_to_bound_percent", "above_bound_percent")
        ]
        cells = (name, *costs, *shares, str(row["reserve_violations"]))
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--half", choices=sorted(HALVES))
    parser.add_argument("--profiles", default="")
    parser.add_argument("--quarters", default="1,2,3,4")
    parser.add_argument("--policies", default=",".join(POLICIES))
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--table", action="store_true")
    options = parser.parse_args()
    names = HALVES[options.half] if options.half else (*CHINA, *HOMES)
    if options.profiles:
        names = tuple(options.profiles.split(","))
    present = [name for name in names if (PROFILES / f"{name}.csv.gz").is_file()]
    if not present:
        print("skipped: no profiles beside this project", file=sys.stderr)
        return 0
    quarters = [int(number) for number in options.quarters.split(",")]
    policies = parse_policies(options.policies)
    to_run = list(cases(present, quarters, policies))
    rows: dict[str, dict[str, Any]] = {}
    with executor_for(options.jobs) as executor:
        for case, row in zip(to_run, executor.map(replayed, to_run), strict=True):
            rows[case.name] = row
            shown = {key: value for key, value in row.items() if key != "cpu_s"}
            print(f"{case.name:36} {shown}", flush=True)
    if options.table:
        print(table(rows, policies))
    print(json.dumps(rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())
