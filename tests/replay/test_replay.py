"""The replay: reserve and load kept, policies in order, no look-ahead, balances that add up."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from made_profiles import START, STEP

from siteems.accounting.wear import wear_by_cycles
from siteems.config.seeds import seed_path
from siteems.recordings.profile import Profile
from siteems.replay.engine import run_replay
from siteems.replay.outcome import POLICIES, ReplayResult
from siteems.site.read_file import load_site
from siteems.tariff.model import DemandTerm

HANGZHOU = load_site(seed_path("hangzhou-macro"))


@pytest.fixture(scope="module")
def result(profile: Profile) -> ReplayResult:
    return run_replay(HANGZHOU, profile, start_soc=0.6)


def test_policies_come_in_their_order(result: ReplayResult) -> None:
    cost = {policy: outcome.cost for policy, outcome in result.policies.items()}
    assert tuple(cost) == POLICIES
    assert cost["optimal"] < cost["rules"] < cost["idle"]
    assert cost["foresight"] <= cost["optimal"] + 0.002 * cost["idle"]
    assert result.best_simple() == "rules"
    summary = result.summary()
    assert summary["best_simple_rule"] == "rules"
    assert summary["saving_vs_best_simple_rule"] == summary["saving_vs_rules"]
    assert summary["saving_vs_rules"] == pytest.approx(cost["rules"] - cost["optimal"], abs=1e-3)
    for best in ("foresight", "bound"):
        assert summary[f"regret_to_{best}"] == pytest.approx(cost["optimal"] - cost[best], abs=1e-3)
    wanted = {
        "cost",
        "energy_cost",
        "demand_cost",
        "wear_cost",
        "import_kwh",
        "pv_used_kwh",
        "co2_kg",
    }
    assert (
        wanted | {"reserve_violations", "plans", "wall_s"} <= summary["policies"]["optimal"].keys()
    )


def test_demand_charges_are_as_billed(profile: Profile) -> None:
    """Four days of July: 4/31 of the month's charge on the highest quarter hour."""
    term = DemandTerm(mode="measured", price_per_kw=42.0)
    site = replace(
        HANGZHOU, tariffs=tuple(replace(version, demand=(term,)) for version in HANGZHOU.tariffs)
    )
    outcome = run_replay(site, profile, ("idle",)).policies["idle"]
    balance = outcome.balance
    highest_kw = float(outcome.series.grid_import_kw.max())
    assert outcome.balance.demand_cost == pytest.approx(42.0 * highest_kw * 4 / 31, abs=0.01)
    assert outcome.cost == pytest.approx(
        balance.energy_cost + balance.demand_cost + balance.wear_cost - balance.stored_credit
    )


def test_a_demand_charge_is_planned_for(profile: Profile, result: ReplayResult) -> None:
    """The same four days at the end of a month, on a two-part tariff: less is paid than by plans
    for a tariff without demand charge.
    """
    moved = replace(profile, start=START + timedelta(days=21))
    term = DemandTerm(mode="measured", price_per_kw=42.0)
    site = replace(
        HANGZHOU, tariffs=tuple(replace(version, demand=(term,)) for version in HANGZHOU.tariffs)
    )
    charged = run_replay(site, moved, ("optimal",)).policies["optimal"]
    blind = run_replay(HANGZHOU, moved, ("optimal",)).policies["optimal"]
    peaks = [float(outcome.series.grid_import_kw.max()) for outcome in (charged, blind)]
    assert peaks[0] < peaks[1] - 0.5
    billed = blind.cost + 42.0 * peaks[1] * 4 / 31
    assert charged.cost < billed - 3.0


def test_the_reserve_and_the_load_are_kept(result: ReplayResult) -> None:
    for outcome in result.policies.values():
        assert outcome.reserve_violations == 0
        assert outcome.unserved_kwh == pytest.approx(0.0, abs=1e-9)
    optimal = result.policies["optimal"]
    assert (optimal.plans, optimal.failed_plans) == (pytest.approx(4 * 96, abs=20), 0)
    assert optimal.series.mains_ok.min() == 0.0, "the replay must contain the mains failure"
    assert optimal.alarms["mains-failed"] == 1


def test_energy_balances(result: ReplayResult) -> None:
    """Battery power explains the state of charge; imported energy times price is the bill."""
    battery = HANGZHOU.battery
    for outcome in result.policies.values():
        series = outcome.series
        assert outcome.balance.energy_cost == pytest.approx(
            float(series.price_per_kwh @ series.grid_import_kw) / 4, rel=1e-9
        )
        net_kwh = float(series.battery_kw.sum()) / 4
        gained_kwh = (series.soc[-1] - 0.6) * battery.capacity_kwh
        assert (
            gained_kwh < max(net_kwh, 0.0) * battery.charge_efficiency + 1e-6
            or net_kwh < 0
            or net_kwh < gained_kwh * 3
        )
        assert (series.pv_kw <= series.pv_available_kw + 1e-9).all()
        assert series.grid_import_kw[series.mains_ok == 0.0] == pytest.approx(0.0, abs=1e-9)


def test_a_corrupted_future_changes_no_past_decision(profile: Profile) -> None:
    """Bit for bit: what is recorded after a moment is replaced by noise, and everything before it
    stays as it was.
    """
    moment = 2 * 96 + 50
    rng = np.random.default_rng(1)
    noise = {
        name: np.concatenate(
            (getattr(profile, name)[: moment + 1], rng.uniform(0.0, 6.0, 4 * 96 - moment - 1))
        )
        for name in ("dc_load_kw", "pv_kw", "outdoor_c")
    }
    end = START + (moment + 12) * STEP
    runs = [
        run_replay(HANGZHOU, each, ("optimal",), end=end).policies["optimal"].series
        for each in (profile, replace(profile, **noise))
    ]
    for name in ("grid_import_kw", "battery_kw", "pv_kw", "soc", "reserve_soc"):
        before, after = (getattr(run, name) for run in runs)
        assert before[:moment].tobytes() == after[:moment].tobytes(), name
    assert not np.array_equal(runs[0].grid_import_kw, runs[1].grid_import_kw), (
        "the noise must have been replayed"
    )


def test_a_span_within_the_data(profile: Profile) -> None:
    start = START + timedelta(days=1)
    result = run_replay(HANGZHOU, profile, ("idle",), start=start, end=start + timedelta(hours=6))
    assert (result.start, result.end) == (start, start + timedelta(hours=6))
    assert len(result.policies["idle"].series.soc) == 24


def test_wear_is_counted_by_rainflow() -> None:
    """One cycle of 60 % depth of a battery of 700 CNY/kWh x 47.04 kWh.

    The table made convex is a straight line from 1/4800 of a life at 40 % to 1/2000 at 80 %: at 60
    % the mean of both, 0.00035417, so 11.66 CNY.
    """
    soc = np.array([1.0, 0.4, 1.0])
    found = wear_by_cycles(HANGZHOU.battery, soc, 0.0)
    assert found.full_cycles == pytest.approx(0.6)
    assert found.cost == pytest.approx(700 * 47.04 * (1 / 4800 + 1 / 2000) / 2, rel=1e-6)
    without = replace(HANGZHOU.battery, wear=None)
    assert wear_by_cycles(without, soc, 10.0).cost == pytest.approx(
        10.0 * HANGZHOU.battery.wear_per_kwh
    )
    assert wear_by_cycles(HANGZHOU.battery, np.full(5, 0.7), 0.0).cost == 0.0


def test_self_consumption_needs_neither_forecast_nor_tariff(profile: Profile) -> None:
    """It makes no plan, takes all PV, imports less than without control and keeps the reserve. The
    price changes nothing.
    """
    flat = tuple(
        replace(version, floating_per_kwh=0.0, fixed_per_kwh=0.5) for version in HANGZHOU.tariffs
    )
    runs = [
        run_replay(site, profile, ("idle", "self-consumption"))
        for site in (HANGZHOU, replace(HANGZHOU, tariffs=flat))
    ]
    ours, idle = (runs[0].policies[name] for name in ("self-consumption", "idle"))
    assert (ours.plans, ours.reserve_violations) == (0, 0)
    assert "battery-not-following" not in ours.alarms
    assert ours.pv_used_kwh == pytest.approx(ours.pv_available_kwh, rel=1e-6)
    assert ours.balance.import_kwh < idle.balance.import_kwh
    series = ours.series
    assert float(np.maximum(0.0, -series.battery_kw).max()) > 2.0, "it must have carried the load"
    assert (
        runs[1].policies["self-consumption"].series.grid_import_kw.tobytes()
        == series.grid_import_kw.tobytes()
    )
