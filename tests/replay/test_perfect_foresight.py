"""Perfect foresight: the recorded future up to the end of the window; `optimal` does no better."""

from datetime import timedelta

import numpy as np
import pytest
from made_profiles import START, STEP, made_profile

from siteems.config.seeds import seed_path
from siteems.forecast.learning_forecaster import LearningForecaster
from siteems.replay.engine import run_replay
from siteems.replay.perfect_foresight import PerfectForecaster
from siteems.replay.window import ReplayWindow
from siteems.site.read_file import load_site

TOLERANCE = 0.002
"""Of the cost without control: ties between equally expensive hours, and the difference between the
plan's curves and the site's.
"""


def test_it_returns_the_recording_to_the_end_of_the_window_and_nothing_after() -> None:
    site, profile = load_site(seed_path("hangzhou-macro")), made_profile(2)
    window, ac_load_kw = ReplayWindow(START, 100), np.full(100, 0.5)
    forecaster = PerfectForecaster(site, profile, window, ac_load_kw, LearningForecaster(site))
    now = START + 96 * STEP
    seen = forecaster.forecast(now, [now, now + 2 * STEP, now + 6 * STEP], [0.5, 1.0, 1.0])
    dc, pv = profile.dc_load_kw, profile.pv_kw
    assert seen.dc_load_kw == pytest.approx([dc[96:98].mean(), dc[98:100].sum() / 4, 0.0])
    assert seen.pv_kw == pytest.approx([pv[96:98].mean(), pv[98:100].sum() / 4, 0.0])
    assert seen.ac_load_kw == pytest.approx([0.5, 0.25, 0.0])


@pytest.mark.parametrize(
    ("seed", "source"), [(1, "hangzhou-macro"), (5, "hangzhou-macro"), (3, "rural-lfp")]
)
def test_optimal_does_no_better(seed: int, source: str) -> None:
    site, profile, end = (
        load_site(seed_path(source)),
        made_profile(4, seed),
        START + timedelta(days=3),
    )
    result = run_replay(site, profile, ("idle", "optimal", "foresight"), end=end)
    cost = {policy: outcome.cost for policy, outcome in result.policies.items()}
    assert cost["foresight"] <= cost["optimal"] + TOLERANCE * cost["idle"], cost
