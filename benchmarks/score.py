"""`make score`: scenarios with all policies, one table, committed as docs/scores.md and compared
with the last one.

Recorded scenarios are five days of the profiles in ../shared/data (skipped, with a note, where
these are missing); made ones are drawn with a fixed seed. Everything but the plan's time is the
same on every machine. Exits with 1 when a figure has got worse than in the last commit by more than
its tolerance.
"""

from __future__ import annotations

import json
import logging
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import numpy as np
import structlog
from score_variants import VARIANTS

from siteems.config.seeds import seed_path
from siteems.recordings.profile import Profile
from siteems.replay.data import read_replay_data
from siteems.replay.engine import run_replay
from siteems.replay.outcome import ReplayResult
from siteems.site.model import Site
from siteems.site.read_file import load_site

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "scores.md"
PROFILES = ROOT.parent / "shared" / "data" / "profiles"
DAYS = 5
QUARTER = timedelta(minutes=15)

RECORDED = (
    *(("hangzhou-macro", "cn_site_2019", day) for day in ("01-14", "04-08", "07-15", "10-01")),
    *(("hangzhou-macro", "cn_site_2020", day) for day in ("02-10", "05-18", "08-24", "11-16")),
    *(("rural-lfp", "cn_northwest_2019", day) for day in ("01-14", "04-08", "07-15", "10-01")),
    *(("hangzhou-macro", "cn_northwest_2019", day) for day in ("03-04", "09-09")),
)
"""Site, profile, and the day of its year on which the scenario begins."""
HOMES = {"cn_northwest_2019": (36.4, 96.0, 900.0, 8.0)}
"""Latitude, longitude and altitude as its publisher's figures let them be inferred; kWp of the
profile.
"""
MADE = (
    ("calm", 0.02, 0.8, 0, 1.0),
    ("cloudy", 0.05, 0.35, 0, 1.0),
    ("restless load", 0.20, 0.7, 0, 1.0),
    ("load steps up", 0.05, 0.7, 0, 1.6),
    ("mains fail each night", 0.05, 0.7, 3, 1.0),
    ("mains fail in expensive hours", 0.05, 0.6, 18, 1.0),
)
"""Name, noise of the load, cloudiness, hour of a daily mains failure (0 = none), factor on the load
from day 3 on.
"""

HEADS = (
    "idle cost",
    "saved vs best rule, %",
    "regret, %",
    "reserve broken",
    "travel, kW/d",
    "writes/d",
)
COLUMNS = ("idle", "vs best rule", "regret", "reserve", "travel", "writes", "p95")
TOLERANCES = {"vs best rule": -0.3, "regret": 0.3, "reserve": 0.0, "travel": 20.0}
"""How much worse a figure may get, in its own unit (travel: percent); `vs best rule` is better when
larger.
"""


@dataclass(frozen=True)
class Row:
    """One scenario's figures: cost without control, saving against the timer and regret to
    foresight as shares of it in percent, cycles below the reserve, kW of setpoint travel a day,
    writes a day, ms of the slower plans.
    """

    name: str
    figures: Mapping[str, float]


def scenarios() -> Iterator[tuple[str, Site, Profile, int]]:
    """Name, site, profile and days of each."""
    for seed, source, day in RECORDED:
        site, path = load_site(seed_path(seed)), PROFILES / f"{source}.csv.gz"
        if not path.is_file():
            print(
                f"skipped: {source} {day}: {path.name} is not beside this project", file=sys.stderr
            )
            continue
        profile = read_replay_data(path, site.site.zone, site.tariffs).profile
        yield f"{seed} {source} {day}", at_home(site, source), cut(profile, day, site), DAYS
    for number, (name, noise, clear, hour, factor) in enumerate(MADE):
        site = load_site(seed_path("hangzhou-macro"))
        yield f"made: {name}", site, made(site, number, noise, clear, hour, factor), DAYS
    for variant in VARIANTS:
        path = PROFILES / f"{variant.source}.csv.gz"
        if not path.is_file():
            print(f"skipped: {variant.name}: needs {path.name}", file=sys.stderr)
            continue
        site = variant.site(at_home(load_site(seed_path(variant.seed)), variant.source))
        profile = read_replay_data(path, site.site.zone, site.tariffs).profile
        part = variant.profile(cut(profile, variant.day, site, variant.days))
        yield variant.name, site, part, variant.days


def at_home(site: Site, source: str) -> Site:
    """The site where the recording is from, with panels as large as its."""
    if source not in HOMES:
        return site
    latitude, longitude, altitude, rated_kwp = HOMES[source]
    assert site.pv is not None
    where = replace(site.site, latitude_deg=latitude, longitude_deg=longitude, altitude_m=altitude)
    return replace(site, site=where, pv=replace(site.pv, rated_kwp=rated_kwp))


def cut(profile: Profile, day: str, site: Site, days: int = DAYS) -> Profile:
    """So many days from the first such day of the (moved) recording on; the rest is cut off."""
    first = profile.start.astimezone(site.site.zone).date()
    wanted = date.fromisoformat(f"{first.year}-{day}")
    wanted = wanted if wanted >= first else wanted.replace(year=first.year + 1)
    begin = datetime.combine(wanted, time(), tzinfo=site.site.zone).astimezone(UTC)
    offset = round((begin - profile.start) / profile.step)
    part = slice(offset, offset + round(timedelta(days=days + 1) / profile.step))
    names = ("dc_load_kw", "pv_kw", "outdoor_c", "mains_ok", "ac_load_kw")
    series = {n: None if getattr(profile, n) is None else getattr(profile, n)[part] for n in names}
    return replace(profile, start=begin, **series)


def made(site: Site, seed: int, noise: float, clear: float, hour: int, factor: float) -> Profile:
    from siteems.forecast.clear_sky import ClearSky

    rng = np.random.default_rng(seed)
    start = datetime(2026, 8, 2, 16, tzinfo=UTC)
    steps = (DAYS + 1) * 96
    hours = np.arange(steps) / 4.0
    assert site.pv is not None
    sky = ClearSky(site.site, site.pv).powers_kw(start, hours + 0.125)
    clouds = np.clip(
        clear + 0.25 * np.repeat(rng.normal(size=DAYS + 1), 96) + 0.1 * rng.normal(size=steps),
        0.02,
        1.0,
    )
    shape = np.interp(hours % 24, np.arange(24) + 0.5, site.load.typical_dc_kw, period=24)
    load = shape * (1.0 + noise * rng.normal(size=steps)) * np.where(hours >= 48, factor, 1.0)
    mains = (
        np.ones(steps, dtype=np.bool_)
        if not hour
        else (hours % 24 < hour) | (hours % 24 >= hour + 1.5)
    )
    warm_c = 29.0 + 4.0 * np.sin((hours - 9.0) / 24.0 * 2.0 * np.pi)
    return Profile(start, QUARTER, np.maximum(load, 0.2), clouds * sky, warm_c, None, mains, "made")


def figures(result: ReplayResult) -> dict[str, float]:
    ours, idle = result.policies["optimal"], result.policies["idle"]
    best = result.best_simple() or "idle"
    saved, regret = result.saving(best) or 0.0, ours.cost - result.policies["bound"].cost
    return {
        "idle": idle.cost,
        "vs best rule": 100.0 * saved / idle.cost,
        "regret": 100.0 * regret / idle.cost,
        "reserve": float(sum(policy.reserve_violations for policy in result.policies.values())),
        "travel": ours.travel_kw / result.days,
        "writes": sum(ours.writes_per_day.values()),
        "p95": 1000.0 * ours.plan_p95_s,
    }


def table(rows: list[Row]) -> str:
    lines = [
        f"| {' | '.join(('scenario', *HEADS))} | plan p95, ms |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        f = row.figures
        lines.append(
            f"| {row.name} | {f['idle']:.2f} | {f['vs best rule']:.2f} | {f['regret']:.2f} | "
            f"{f['reserve']:.0f} | {f['travel']:.1f} | {f['writes']:.0f} | {f['p95']:.1f} |"
        )
    return "\n".join(lines)


def parse(text: str) -> dict[str, dict[str, float]]:
    """The rows of an earlier page; none of a page with other columns."""
    if HEADS[1] not in text:
        return {}
    found = re.findall(r"^\| ([^|]+) \| ([\d.,| -]+) \|$", text, re.MULTILINE)
    return {
        name: dict(zip(COLUMNS, map(float, cells.split(" | ")), strict=True))
        for name, cells in found
    }


def worse(row: Row, before: Mapping[str, float]) -> Iterator[str]:
    for name, most in TOLERANCES.items():
        change = row.figures[name] - before[name]
        if name == "travel":
            change = 100.0 * change / before[name] if before[name] else 0.0
        if (change < most) if name == "vs best rule" else (change > most):
            yield f"{row.name}: {name} was {before[name]:.2f}, is {row.figures[name]:.2f}"


def last_page() -> str:
    shown = subprocess.run(
        ["git", "show", f"HEAD:docs/{PAGE.name}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    return shown.stdout if shown.returncode == 0 else ""


def main() -> int:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    rows = []
    for name, site, profile, days in scenarios():
        result = run_replay(site, profile, end=profile.start + timedelta(days=days))
        rows.append(Row(name, figures(result)))
        print(
            f"{name:44} {'  '.join(f'{k} {v:.2f}' for k, v in rows[-1].figures.items())}",
            flush=True,
        )
    before = parse(last_page())
    complaints = [
        text for row in rows if row.name in before for text in worse(row, before[row.name])
    ]
    median = {name: float(np.median([row.figures[name] for row in rows])) for name in COLUMNS}
    whole = len(rows) == len(RECORDED) + len(MADE) + len(VARIANTS)
    if whole:
        PAGE.write_text(page(rows, median), encoding="utf-8")
    print("\n".join(complaints) or "nothing is worse than in the last commit")
    print(
        json.dumps(
            {
                "scenarios": len(rows),
                "worse": len(complaints),
                **{k: round(v, 3) for k, v in median.items()},
            }
        )
    )
    return 1 if complaints else 0


PAGE_TEXT = """# Scores

Written by `make score`: {days} days of each scenario (some of the last ones 8 to 30) with every \
policy (docs/replay.md), nothing learned before.
Money is in the site's currency, cost includes wear. *Saved vs best rule* (the cheapest simple \
rule) and *regret* (against the bound) are in
percent of the cost without control. `make score` compares with the last commit and fails where \
saving or regret is
worse by more than 0.3 percent points, setpoint travel by more than 20 %, or the reserve was \
broken more often.

{table}

Medians: {medians}.
"""


def page(rows: list[Row], median: Mapping[str, float]) -> str:
    medians = (
        f"saved against the best simple rule {median['vs best rule']:.2f} %, "
        f"regret {median['regret']:.2f} %,\nplan p95 {median['p95']:.1f} ms "
        "(this one depends on the machine)"
    )
    return PAGE_TEXT.format(days=DAYS, table=table(rows), medians=medians)


if __name__ == "__main__":
    sys.exit(main())
