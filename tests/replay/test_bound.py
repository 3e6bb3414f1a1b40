"""The bound: its plan can be carried out, costs what it says, and no policy costs less."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from made_profiles import START

from siteems.accounting.wear import wear_by_cycles
from siteems.config.seeds import seed_path
from siteems.recordings.profile import Profile
from siteems.replay.bound_battery import mean_acceptance, wear_by_segment
from siteems.replay.bound_reserve import kept_soc, lowest_soc
from siteems.replay.data import read_replay_data
from siteems.replay.engine import run_replay
from siteems.replay.full_charges import full_charge_intervals
from siteems.replay.outcome import Policy, ReplayResult
from siteems.site.model import Site
from siteems.site.read_file import load_site
from siteems.tariff.model import DemandTerm

HANGZHOU, RURAL = (load_site(seed_path(name)) for name in ("hangzhou-macro", "rural-lfp"))
SHORT_BACKUP = replace(RURAL, backup=replace(RURAL.backup, hours=3.0))
"""With its own backup hours, the load of the made profile would need more than its battery."""
CHARGED = replace(
    HANGZHOU,
    tariffs=tuple(
        replace(version, demand=(DemandTerm(mode="measured", price_per_kw=42.0),))
        for version in HANGZHOU.tariffs
    ),
)
PROFILES = Path(__file__).resolve().parents[3] / "shared" / "data" / "profiles"
GAP, ABOVE = 0.003, 0.001
"""Most that the bound costs beyond its plan, as a share of that, and more than any policy, as a
share of the cost without control.
"""


def holds(result: ReplayResult) -> None:
    bound, idle = result.policies["bound"], result.policies["idle"]
    assert (bound.reserve_violations, bound.unserved_kwh) == (0, 0.0)
    assert bound.planned_cost is not None
    assert bound.cost == pytest.approx(bound.planned_cost, rel=GAP)
    for policy, outcome in result.policies.items():
        assert bound.cost <= outcome.cost + ABOVE * idle.cost, policy


@pytest.mark.parametrize(
    "site", [HANGZHOU, SHORT_BACKUP, CHARGED], ids=["lead", "lithium", "demand"]
)
def test_no_policy_costs_less(site: Site, profile: Profile) -> None:
    """The end of a month lies in the window, and a mains failure."""
    moved = replace(profile, start=START + timedelta(days=24))
    policies: tuple[Policy, ...] = ("idle", "rules", "self-consumption", "optimal", "bound")
    holds(run_replay(site, moved, policies, start_soc=0.9))


@pytest.mark.parametrize(
    ("seed", "name", "day", "days", "start_soc"),
    [
        ("hangzhou-macro", "cn_site_2020", "2027-03-18", 9, 0.9),
        ("rural-lfp", "cn_northwest_2019", "2027-11-07", 6, 0.5),
    ],
)
def test_recorded_spans(seed: str, name: str, day: str, days: int, start_soc: float) -> None:
    path = PROFILES / f"{name}.csv.gz"
    if not path.is_file():
        pytest.skip(f"needs {path.name} beside this project")
    site = load_site(seed_path(seed))
    profile = read_replay_data(path, site.site.zone, site.tariffs).profile
    start = datetime.fromisoformat(day).replace(tzinfo=site.site.zone)
    policies: tuple[Policy, ...] = ("idle", "rules", "self-consumption", "bound")
    holds(
        run_replay(
            site,
            profile,
            policies,
            start=start,
            end=start + timedelta(days=days),
            start_soc=start_soc,
        )
    )


def test_a_plan_pays_for_the_wear_that_is_accounted_for() -> None:
    """Discharges from full to 70, 35 and 5 % with recharges between, by segment and by rainflow."""
    battery = HANGZHOU.battery
    costs = wear_by_segment(battery)
    width = battery.capacity_kwh / len(costs)
    soc = np.array([1.0, 0.7, 0.9, 0.35, 0.6, 0.05, 1.0])
    filled = [width] * len(costs)
    paid = 0.0
    for change_kwh in np.diff(soc) * battery.capacity_kwh:
        left = change_kwh
        for k, kwh in enumerate(filled):
            moved = min(width - kwh, left) if left > 0.0 else max(-kwh, left)
            filled[k] += moved
            paid += max(0.0, -moved) * battery.discharge_efficiency * costs[k]
            left -= moved
    assert wear_by_cycles(battery, soc, 0.0).cost == pytest.approx(paid)


def test_acceptance_is_the_mean_of_an_interval() -> None:
    """Three cycles of 5 minutes from an SoC at which the limit falls already."""
    for site in (HANGZHOU, RURAL):
        battery = site.battery
        socs, limits_kw = np.array(mean_acceptance(battery)).T
        for start_soc in (0.2, 0.9, 0.93, 0.96):
            soc, taken_kwh = start_soc, 0.0
            for _ in range(3):
                kw = float(np.interp(soc, *np.array(battery.acceptance).T))
                taken_kwh += kw / 12
                soc += kw / 12 * battery.charge_efficiency / battery.capacity_kwh
            allowed_kw = float(np.interp(start_soc, socs, limits_kw))
            assert allowed_kw == pytest.approx(taken_kwh * 4, rel=0.12)


def test_the_reserve_as_control_keeps_it() -> None:
    reserve = np.array([0.40, 0.41, 0.415, 0.44, 0.40, 0.0, 0.40])
    assert lowest_soc(reserve) == pytest.approx([0.38, 0.39, 0.395, 0.42, 0.40, 0.0, 0.38])
    planned = np.array([0.50, 0.405, 0.40, 0.42, 0.45, 0.30, 0.39])
    kept = kept_soc(reserve, planned, 0.5)
    assert kept == pytest.approx([0.40, 0.41, 0.41, 0.42, 0.40, 0.0, 0.39])


def test_full_charges_are_added_where_the_battery_is_fullest() -> None:
    battery = replace(HANGZHOU.battery, full_charge_days=2.0)
    hours = np.arange(10 * 96) / 4.0
    daily = (0.75 + 0.2 * np.sin(2 * np.pi * hours / 24.0)) * battery.capacity_kwh
    mains = np.ones(len(daily))
    found = full_charge_intervals(battery, daily, mains, 0)
    assert np.diff([0, *found]).max() <= 2 * 96
    assert all(index % 96 == 24 for index in found)
    assert full_charge_intervals(battery, daily + 0.1 * battery.capacity_kwh, mains, 0) == []
    assert full_charge_intervals(RURAL.battery, daily, mains, 0) == []
