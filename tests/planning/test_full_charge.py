"""The full charge of a lead battery: when it falls due, and where the plan puts it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from optimisation.problem.site_problem import FullCharge
from optimisation.solving.solver import PlanSolver
from siteems.control.reasons import FOLLOW_PLAN
from siteems.estimation.site_state import SiteState
from siteems.forecast.learning_forecaster import LearningForecaster
from siteems.history.records import Sample
from siteems.history.store import History
from siteems.planning.full_charge import full_charge_due
from siteems.planning.problem import ProblemBuilder
from siteems.planning.time_grid import time_grid
from siteems.site.model import Battery, Site
from siteems.tariff.schedule import TariffSchedule

NIGHT = datetime(2026, 7, 14, 18, 0, tzinfo=UTC)  # 02:00 in Hangzhou
DAY = timedelta(days=1)


class TestFullCharge:
    grid = time_grid(NIGHT, 15, 36)

    def prices(self, site: Site) -> np.ndarray:
        return TariffSchedule(site.tariffs, site.site.zone).price_series(self.grid.starts)[0]

    def due(
        self,
        battery: Battery,
        last_full: datetime | None,
        prices: np.ndarray,
        later: timedelta = 0 * DAY,
        soc: float = 0.5,
    ) -> FullCharge | None:
        """For a site that was first measured at `NIGHT`, planned so much later."""
        grid = time_grid(NIGHT + later, 15, 36)
        surplus = np.zeros(len(prices), dtype=np.bool_)
        return full_charge_due(
            battery, grid, last_full, prices, surplus, known_since=NIGHT, soc=soc
        )

    def test_it_is_planned_for_the_end_of_the_last_cheap_hours_before_it_is_due(
        self, hangzhou: Site
    ) -> None:
        due = self.due(hangzhou.battery, None, self.prices(hangzhou))
        assert due is not None
        end = self.grid.starts[due.by_step] + timedelta(minutes=15)
        assert end == NIGHT + timedelta(hours=11), "13:00 local, an hour before the valley ends"

    @pytest.mark.parametrize(
        ("days_ago", "planned"), [(0.0, False), (5.0, False), (6.0, True), (30.0, True)]
    )
    def test_it_is_planned_when_it_falls_due_within_the_horizon(
        self, hangzhou: Site, days_ago: float, planned: bool
    ) -> None:
        due = self.due(hangzhou.battery, NIGHT - days_ago * DAY, self.prices(hangzhou))
        assert (due is not None) == planned

    def test_lithium_needs_none(self, rural: Site) -> None:
        assert self.due(rural.battery, None, self.prices(rural)) is None

    def test_a_flat_tariff_has_no_cheap_hours(self, hangzhou: Site) -> None:
        due = self.due(hangzhou.battery, None, np.full(len(self.grid.starts), 0.9))
        assert due is not None
        assert self.grid.starts[due.by_step] < NIGHT + DAY <= self.grid.starts[due.by_step + 1]

    def test_under_one_price_it_ends_with_the_last_pv_beyond_the_load(self, hangzhou: Site) -> None:
        flat = np.full(len(self.grid.starts), 0.9)
        surplus = np.zeros(len(flat), dtype=np.bool_)
        surplus[30:50] = True
        due = full_charge_due(
            hangzhou.battery, self.grid, None, flat, surplus, known_since=NIGHT, soc=0.5
        )
        assert due is not None
        assert due.by_step == 49

    @pytest.mark.parametrize(
        ("last_full", "deadline_h"), [(None, 24), (NIGHT - 7 * DAY, 6), (NIGHT - 8 * DAY, 6)]
    )
    def test_the_deadline_of_an_overdue_charge_stays(
        self, hangzhou: Site, last_full: datetime | None, deadline_h: int
    ) -> None:
        """However late it is planned; a deadline that moves on with each plan is never reached."""
        flat = np.full(len(self.grid.starts), 0.9)
        for later_h in range(0, deadline_h - 3):
            due = self.due(hangzhou.battery, last_full, flat, timedelta(hours=later_h))
            assert due is not None
            assert due.by_step == 4 * (deadline_h - later_h) - 1

    @pytest.mark.parametrize(("soc", "steps"), [(0.5, 11), (0.9, 3), (0.97, 1)])
    def test_after_the_deadline_it_is_charged_as_fast_as_it_can_be(
        self, hangzhou: Site, soc: float, steps: int
    ) -> None:
        flat = np.full(len(self.grid.starts), 0.9)
        due = self.due(hangzhou.battery, None, flat, timedelta(days=3), soc)
        assert due is not None
        assert due.by_step == steps - 1

    def test_the_plan_gets_there(self, hangzhou: Site) -> None:
        builder = ProblemBuilder(hangzhou, TariffSchedule(hangzhou.tariffs, hangzhou.site.zone))
        state = SiteState(NIGHT, 0.5, battery_c=25.0, last_full=None)
        problem = builder.build(state, LearningForecaster(hangzhou), ()).problem
        plan = PlanSolver().solve(problem)
        [battery] = problem.batteries
        assert battery.full_charge is not None
        assert plan.stored_kwh[battery.full_charge.by_step] > 0.985 * battery.capacity_kwh


def test_the_record_knows_when_the_battery_was_last_full(tmp_path: Path) -> None:
    history = History(tmp_path / "history.sqlite3")
    assert history.last_time_at("soc", 0.985) is None
    levels = (0.9, 0.99, 0.97)
    history.add_samples(
        Sample(NIGHT + i * DAY, {"soc": soc}, "plan", FOLLOW_PLAN()) for i, soc in enumerate(levels)
    )
    assert history.last_time_at("soc", 0.985) == NIGHT + DAY
    with pytest.raises(ValueError, match="not a sample column"):
        history.last_time_at("soc; DROP TABLE samples", 0.5)
