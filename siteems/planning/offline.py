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
from siteems.estimation.peak_meter import PeakMeter
from siteems.forecast.forecast import LEARN_FROM, Forecaster
from siteems.planning.explain import Explanation
from siteems.planning.prepare import prepare
from siteems.recordings.profile import Profile, read_profile
from siteems.site.assets import rectifier_curve
from siteems.site.model import Site
from siteems.tariff.lookup import TariffSchedule


def plan_offline(
    site: Site, at: datetime, soc: float, profile_file: Path | None, month_peak_kw: float = 0.0
) -> Explanation:
    """Plan at a time as the daemon would have, had it measured the profile until then; it sees
    nothing after.

    `month_peak_kw` is the highest import that this month's demand charge is due on already. Raises
    `UserError` when no plan can be made.
    """
    forecaster = Forecaster(site)
    if profile_file is not None:
        _learn(forecaster, read_profile(profile_file, site.site.zone, keep_holes=True), at)
    schedule = TariffSchedule(site.tariffs, site.site.zone)
    peak = PeakMeter(schedule, site.grid)
    peak.known(at, month_peak_kw)
    try:
        run = prepare(
            site,
            rectifier_curve(site),
            schedule,
            forecaster,
            (),
            now=at,
            soc=soc,
            battery_c=None,
            last_full=at,  # a profile does not tell; no full charge is due then
            peak=peak,
        )
    except ProblemError as error:
        raise UserError(f"no plan can be made: {error}") from error
    plan = PlanSolver().solve(run.problem, site.planning.solve_limit_s)
    if not plan.usable:
        raise UserError(f"no plan can be made: {plan.status}, {plan.reason}")
    return Explanation(site, run, plan)


def _learn(forecaster: Forecaster, profile: Profile, until: datetime) -> None:
    """Show the forecaster the profile's last two weeks before a time.

    A year is enough for any date: outside the recorded one, the same day of the recorded year
    stands in.
    """
    shift = timedelta(0)
    while until - shift > profile.end:
        shift += timedelta(days=364)  # whole weeks, so that weekdays stay weekdays
    end = until - shift
    if end <= profile.start:
        raise UserError(
            f"{profile.source}: begins at {profile.start:%Y-%m-%d %H:%M} UTC, after the time to plan at"
        )
    time = max(profile.start, end - LEARN_FROM)
    while time < end:
        instant = profile.at(time)
        found = {
            "dc_load_kw": instant.dc_load_kw,
            "ac_load_kw": instant.ac_load_kw,
            "pv_kw": instant.pv_available_kw,
        }
        values = {
            name: None if value is None or isnan(value) else value for name, value in found.items()
        }
        forecaster.learn(time + shift, values)
        time += profile.step
