"""Days of a replay: they add up to the cost, with demand charges by month; ranked days."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from made_profiles import START, made_profile

from siteems.config.seeds import seed_path
from siteems.replay.daily import Daily, daily
from siteems.replay.engine import run_replay
from siteems.replay.outcome import ReplayResult
from siteems.replay.ranked_days import ranked_days
from siteems.site.read_file import load_site
from siteems.tariff.model import DemandTerm

HANGZHOU = load_site(seed_path("hangzhou-macro"))
CHARGED = replace(
    HANGZHOU,
    tariffs=tuple(
        replace(version, demand=(DemandTerm(mode="measured", price_per_kw=42.0),))
        for version in HANGZHOU.tariffs
    ),
)


@pytest.fixture(scope="module")
def replayed() -> tuple[ReplayResult, Daily]:
    profile = replace(made_profile(16), start=START + timedelta(days=18))
    result = run_replay(CHARGED, profile, ("idle", "rules"))
    return result, daily(CHARGED, result)


def test_the_days_add_up_to_the_cost(replayed: tuple[ReplayResult, Daily]) -> None:
    result, days = replayed
    for policy, outcome in result.policies.items():
        whole = float(days.cost[policy].sum() + days.demand_cost[policy].sum())
        assert whole == pytest.approx(outcome.cost, abs=0.02)
    assert len(days.demand_cost["idle"]) == 2, "the window crosses the end of a month"
    saving = days.whole_saving("idle", "rules")
    costs = {policy: outcome.cost for policy, outcome in result.policies.items()}
    assert saving.total == pytest.approx(costs["idle"] - costs["rules"], abs=0.02)
    assert saving.low < saving.total < saving.high
    months = days.by_month("idle", "rules")
    assert sum(each.total for each in months.values()) == pytest.approx(saving.total)


def test_ranked_days(replayed: tuple[ReplayResult, Daily]) -> None:
    _, days = replayed
    saving = days.saving("idle", "rules")
    as_ours = replace(days, cost=dict(days.cost) | {"optimal": days.cost["rules"]})
    ranked = list(ranked_days(as_ours, "idle"))
    assert [day.rank for day in ranked] == [1, 2, 3, 8, 9, 10, 14, 15, 16]
    assert [day.saving for day in ranked] == sorted((d.saving for d in ranked), reverse=True)
    assert ranked[0].saving == pytest.approx(float(np.max(saving)))
    assert ranked[-1].saving == pytest.approx(float(np.min(saving)))
