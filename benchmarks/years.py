"""`make years`: every recorded year of ../shared/data/profiles with every policy; the last line is
one JSON object.

Takes about twenty minutes on two cores. The table of the years in docs/replay.md comes from here.
"""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import date

import numpy as np
import structlog
from score import PROFILES, at_home

from siteems.config.seeds import seed_path
from siteems.recordings.column_map import ColumnMap, ColumnSource
from siteems.replay.data import read_replay_data
from siteems.replay.engine import run_replay
from siteems.replay.executors import executor_for
from siteems.replay.outcome import POLICIES, SIMPLE, ReplayResult
from siteems.site.model import Site
from siteems.site.read_file import load_site
from siteems.tariff.model import PriceVector, TariffVersion

CHINA = ("cn_site_2019", "cn_site_2020", "cn_northwest_2019")
HOMES = ("us_home_1", "us_home_5")
HOME_COLUMNS = ColumnMap(
    columns={
        "dc_load_kw": ColumnSource(column="ac_load_kw"),
        "pv_kw": ColumnSource(column="pv_kw"),
        "outdoor_temp_c": ColumnSource(column="outdoor_temp_c"),
    }
)
JOBS = 2


def home(name: str) -> Site:
    """A home of the set with its published battery and panels (6.4 kWh, 5 kW, 0.9 round trip; 4
    kWp).

    Its load is put on the -48 V bus, as our sites have no inverter from there to the AC side.
    Prices are the file's own. Its clock has neither the missing nor the doubled hour, so it is
    taken as one that is never changed. Assumed: wear of 300 USD/kWh over 6,000 cycles of 80 %.
    Backup is the least that a site file allows, half an hour.
    """
    site = load_site(seed_path("rural-lfp"))
    assert site.pv is not None
    prices = PriceVector(file=str(PROFILES / f"{name}.csv.gz"), column="import_price_per_kwh")
    tariff = TariffVersion(
        name="sce-tou", source="CityLearn 2022", valid_from=date(2016, 8, 1), vector=prices
    )
    return replace(
        site,
        site=replace(
            site.site,
            id=name.replace("_", "-"),
            timezone="Etc/GMT+8",
            latitude_deg=34.09,
            longitude_deg=-117.44,
            altitude_m=380.0,
            currency="USD",
        ),
        grid=replace(site.grid, import_limit_kw=15.0),
        load=replace(site.load, typical_dc_kw=(1.0,) * 24, typical_ac_kw=(0.0,) * 24),
        rectifier=replace(site.rectifier, rated_kw=12.0),
        battery=replace(
            site.battery,
            rated_ah=6400.0 / 48.0,
            state_of_health=1.0,
            charge_efficiency=0.949,
            discharge_efficiency=0.949,
            max_charge_kw=5.0,
            max_discharge_kw=5.0,
            wear_per_kwh=0.0625,
        ),
        backup=replace(site.backup, hours=0.5),
        pv=replace(site.pv, rated_kwp=4.0, tilt_deg=20.0),
        genset=None,
        tariffs=(tariff,),
    )


def year(name: str) -> ReplayResult:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    path = PROFILES / f"{name}.csv.gz"
    if name in HOMES:
        site, column_map = home(name), HOME_COLUMNS
    else:
        site, column_map = at_home(load_site(seed_path("hangzhou-macro")), name), None
    data = read_replay_data(path, site.site.zone, site.tariffs, column_map)
    return run_replay(site, data.profile, notes=data.notes)


def figures(result: ReplayResult) -> dict[str, float]:
    """Costs of each policy, and percent: savings of the cost without control, regret of the bound's
    saving.
    """
    cost = {policy: outcome.cost for policy, outcome in result.policies.items()}
    ours, idle, bound = cost["optimal"], cost["idle"], cost["bound"]
    return {
        **cost,
        "saved_vs_idle": 100.0 * (idle - ours) / idle,
        "saved_vs_best_rule": 100.0 * (min(cost[rule] for rule in SIMPLE) - ours) / idle,
        "regret": 100.0 * (ours - bound) / (idle - bound),
        "reserve_violations": float(
            sum(outcome.reserve_violations for outcome in result.policies.values())
        ),
        "cpu_s": result.policies["optimal"].cpu_s,
    }


def rows(names: tuple[str, ...]) -> Iterator[tuple[str, dict[str, float]]]:
    with executor_for(JOBS) as executor:
        for name, result in zip(names, executor.map(year, names), strict=True):
            yield name, figures(result)


def main() -> int:
    names = tuple(name for name in (*CHINA, *HOMES) if (PROFILES / f"{name}.csv.gz").is_file())
    if not names:
        print(f"skipped: no profiles at {PROFILES.name} beside this project", file=sys.stderr)
        return 0
    print(
        f"{'':20}{''.join(f'{policy:>17}' for policy in POLICIES)}"
        f"{'vs idle':>9}{'vs best':>9}{'regret':>8}"
    )
    found = {}
    for name, row in rows(names):
        found[name] = row
        costs = "".join(f"{row[policy]:17.1f}" for policy in POLICIES)
        print(
            f"{name:20}{costs}{row['saved_vs_idle']:8.1f}%{row['saved_vs_best_rule']:8.1f}%"
            f"{row['regret']:7.1f}%",
            flush=True,
        )
    median = float(np.median([row["regret"] for row in found.values()]))
    print(json.dumps({"median_regret_percent": round(median, 2), **found}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
