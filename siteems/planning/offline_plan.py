"""`siteems plan`: one plan without a daemon, at any time, from a recorded profile or from the
typical day.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from math import isnan
from pathlib import Path

from optimisation.problem.site_problem import ProblemError
from optimisation.solving.solver import PlanSolver
from siteems.errors import UserError
from siteems.estimation.site_state import SiteState
from siteems.forecast.learning_forecaster import (
    LEARNING_WINDOW,
    LearningForecaster,
    learning_times,
)
from siteems.planning.explanation import Explanation
from siteems.planning.model_cache import ModelCache, cache_folder
from siteems.planning.problem import ProblemBuilder
from siteems.planning.remarks import remarks_text
from siteems.planning.stored_value import stored_value
from siteems.recordings.profile import Profile
from siteems.recordings.read import read_profile_with_gaps
from siteems.site.model import Site
from siteems.site.possible_profile import refuse_impossible
from siteems.tariff.schedule import TariffSchedule


def plan_offline(
    site: Site, at: datetime, soc: float, profile_file: Path | None, month_peak_kw: float = 0.0
) -> Explanation:
    """Make the plan that the daemon would have made at `at`, had it measured the profile until
    then. Nothing after `at` is used.

    `soc` is a share of the actual capacity. `month_peak_kw` is the peak for which this month's
    demand charge is due already. Raises `UserError` when no plan can be made.
    """
    forecaster = LearningForecaster(site)
    if profile_file is not None:
        profile = read_profile_with_gaps(profile_file, site.site.zone)
        refuse_impossible(profile, site)
        _learn(forecaster, profile, at)
    # A profile does not show when the battery was last full, so no full charge is due.
    state = SiteState(at, soc, last_full=at, month_peak_kw=month_peak_kw)
    builder = ProblemBuilder(site, TariffSchedule(site.tariffs, site.site.zone))
    try:
        inputs = builder.build(state, forecaster, ())
    except ProblemError as error:
        raise UserError(f"no plan can be made: {error}") from error
    solver = PlanSolver(ModelCache(cache_folder()))
    plan = solver.solve(inputs.problem, site.planning.solve_limit_s)
    if not plan.usable:
        raise UserError(f"no plan can be made: {plan.status}, {remarks_text(plan.remarks)}")
    value = stored_value(inputs.problem, plan, solver, site.planning.solve_limit_s)
    return Explanation(site, inputs, plan, value)


def _learn(forecaster: LearningForecaster, profile: Profile, until: datetime) -> None:
    """Teach the forecaster the last two weeks of the profile before `until`.

    For times after the end of the profile, the same dates in its last year are used.
    """
    shift = timedelta(0)
    while until - shift > profile.end:
        shift += timedelta(days=364)  # whole weeks, so that weekdays stay weekdays
    end = until - shift
    if end <= profile.start:
        raise UserError(
            f"{profile.source}: begins at {profile.start:%Y-%m-%d %H:%M} UTC, "
            "after the time to plan at"
        )
    time = max(profile.start, end - LEARNING_WINDOW)
    while time < end:
        for part in learning_times(time, profile.step):
            instant = profile.at(part)
            measured = {
                "dc_load_kw": instant.dc_load_kw,
                "ac_load_kw": instant.ac_load_kw,
                "pv_kw": instant.pv_available_kw,
            }
            known = {
                name: None if value is None or isnan(value) else value
                for name, value in measured.items()
            }
            forecaster.learn(part + shift, known)
        time += profile.step
