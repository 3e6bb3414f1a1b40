"""The numbers of the LP: reserve series, DR caps, penalties, limits by temperature."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from optimisation.problem.site_problem import SiteProblem
from siteems.demand_response.event import DrEvent, import_cap_event
from siteems.estimation.site_state import SiteState
from siteems.forecast.forecast import Forecast
from siteems.planning.futures import futures
from siteems.planning.horizon import Horizon, charge_states, import_caps_kw
from siteems.planning.problem import ProblemBuilder, battery_model
from siteems.planning.reserve_series import reserve_series_kwh
from siteems.planning.time_grid import TimeGrid, time_grid
from siteems.site.assets import rectifier_curve
from siteems.site.model import Site
from siteems.site.reserve import reserve_kwh
from siteems.tariff.schedule import Price, TariffSchedule

NOW = datetime(2026, 7, 15, 4, 7, tzinfo=UTC)
HOUR = timedelta(hours=1)


def forecast_on(grid: TimeGrid, dc_load_kw: np.typing.NDArray[np.float64]) -> Forecast:
    n = len(grid.starts)
    return Forecast(
        NOW, grid.starts, dc_load_kw, dc_load_kw * 1.1, np.full(n, 0.8), np.zeros(n), np.zeros(n)
    )


def event(start: datetime, hours: float, limit_kw: float = 1.5) -> DrEvent:
    return import_cap_event("a", 0, limit_kw, start, start + hours * HOUR, "test", NOW)


def problem(
    site: Site,
    soc: float = 0.6,
    prices: np.typing.NDArray[np.float64] | None = None,
    forecast: Forecast | None = None,
    events: tuple[DrEvent, ...] = (),
) -> SiteProblem:
    grid = time_grid(NOW, 15, 12)
    n = len(grid.starts)
    prices = np.linspace(0.3, 1.2, n) if prices is None else prices
    horizon = Horizon(
        grid=grid,
        forecast=forecast or forecast_on(grid, np.full(n, 3.0)),
        prices=tuple(Price(float(price), "flat", "made") for price in prices),
        reserve_kwh=np.full(n, 18.0),
        import_cap_kw=import_caps_kw(events, grid),
        charge_kwh=site.battery.capacity_kwh * charge_states(events, grid),
    )
    builder = ProblemBuilder(site, TariffSchedule(site.tariffs, site.site.zone))
    return builder.problem(SiteState(NOW, soc, battery_c=25.0), horizon)


class TestReserveSeries:
    def series(
        self, site: Site, load_kw: Any, battery_c: float | None = 25.0, horizon_h: int = 12
    ) -> Any:
        """The reserve over a horizon for a load given as a function of hours from now."""
        grid = time_grid(NOW, 15, horizon_h)
        longer = time_grid(NOW, 15, horizon_h + math.ceil(site.backup.hours) + 1)
        load = np.array([load_kw((s - NOW) / HOUR) for s in longer.starts])
        return reserve_series_kwh(site, grid, longer, 1.1 * load, battery_c)

    @pytest.mark.parametrize("battery_c", [25.0, 5.0, None])
    def test_under_a_constant_load_it_is_the_reserve_of_that_load(
        self, hangzhou: Site, battery_c: float | None
    ) -> None:
        expected = reserve_kwh(hangzhou.battery, hangzhou.backup, 3.0 * 1.1, battery_c)
        assert self.series(hangzhou, lambda h: 3.0, battery_c) == pytest.approx(expected)

    def test_it_looks_the_backup_hours_ahead(self, hangzhou: Site) -> None:
        """A load that doubles in six hours is in the reserve from three hours before, and all of it
        from then on.
        """
        series = self.series(hangzhou, lambda h: 3.0 if h < 6 else 6.0)
        low, high = (
            reserve_kwh(hangzhou.battery, hangzhou.backup, kw * 1.1, 25.0) for kw in (3.0, 6.0)
        )
        hours = [(s - NOW) / HOUR for s in time_grid(NOW, 15, 12).starts]
        assert all(r == pytest.approx(low) for r, h in zip(series, hours, strict=True) if h < 2.75)
        assert all(r > low + 0.1 for r, h in zip(series, hours, strict=True) if h > 3.1)
        assert all(r == pytest.approx(high) for r, h in zip(series, hours, strict=True) if h > 6.1)
        assert np.all(np.diff(series) >= -1e-9)

    def test_of_both_ends_of_a_step_the_larger_counts(self, hangzhou: Site) -> None:
        falling = self.series(hangzhou, lambda h: max(1.0, 6.0 - h))
        grid = time_grid(NOW, 15, 12)
        edges = np.concatenate(([0.0], np.cumsum(time_grid(NOW, 15, 16).step_h)))
        load = np.maximum(1.0, 6.0 - edges[:-1]) * 1.1
        energy = np.concatenate(([0.0], np.cumsum(load * np.diff(edges))))
        starts = np.array([(s - NOW) / HOUR for s in grid.starts])
        mean_kw = (np.interp(starts + 3, edges, energy) - np.interp(starts, edges, energy)) / 3
        expected = [reserve_kwh(hangzhou.battery, hangzhou.backup, kw, 25.0) for kw in mean_kw]
        assert falling == pytest.approx(expected)

    def test_it_is_never_more_than_the_battery(self, rural: Site) -> None:
        series = self.series(rural, lambda h: 8.0)
        assert series == pytest.approx(rural.battery.capacity_kwh)

    def test_backup_hours_beyond_the_horizon_are_covered(self, rural: Site) -> None:
        """Eight hours of backup at the end of a six-hour horizon: the load of hour 13 counts."""
        plain, rising = (
            self.series(rural, lambda h: 1.0, horizon_h=6),
            self.series(rural, lambda h: 1.0 + (h > 12), horizon_h=6),
        )
        assert rising[-1] > plain[-1]
        assert rising[0] == pytest.approx(plain[0])


class TestCaps:
    def caps(self, site: Site, *events: DrEvent) -> Any:
        return problem(site, events=events).import_cap_kw

    def test_without_an_event_there_is_none(self, hangzhou: Site) -> None:
        assert np.isinf(self.caps(hangzhou)).all()

    @pytest.mark.parametrize(
        ("start_min", "minutes", "steps"),
        [
            (8, 15, [1]),  # exactly the second step, 04:15 to 04:30
            (9, 1, [1]),  # within it
            (22, 2, [1, 2]),  # across a boundary
            (8, 60, [1, 2, 3, 4]),
            (-30, 31, [0]),  # under way, nearly over
            (-30, 30, []),  # just over
        ],
    )
    def test_a_cap_that_touches_a_step_binds_all_of_it(
        self, start_min: int, minutes: int, steps: list[int], hangzhou: Site
    ) -> None:
        caps = self.caps(hangzhou, event(NOW + timedelta(minutes=start_min), minutes / 60))
        assert list(np.flatnonzero(np.isfinite(caps))) == steps
        assert all(caps[steps] == 1.5)

    def test_of_two_events_the_tighter_one_counts(self, hangzhou: Site) -> None:
        caps = self.caps(hangzhou, event(NOW, 2, 1.5), event(NOW + HOUR, 2, 1.0))
        assert (caps[0], caps[6], caps[10], caps[20]) == (1.5, 1.0, 1.0, math.inf)


def test_two_other_futures_lie_on_either_side_of_the_expected_one(hangzhou: Site) -> None:
    grid = time_grid(NOW, 15, 12)
    n = len(grid.starts)
    forecast = replace(
        forecast_on(grid, np.full(n, 3.0)), pv_kw=np.full(n, 1.0), pv_high_kw=np.full(n, 2.0)
    )
    more, less = futures(forecast, n - 1)
    assert more.pv_kw == pytest.approx(np.full(n - 1, 1.8))
    assert more.dc_load_kw == pytest.approx(np.full(n - 1, 2.7))
    assert less.pv_kw == pytest.approx(np.full(n - 1, 0.7))
    assert less.dc_load_kw == pytest.approx(np.full(n - 1, 3.3))


def test_what_is_certain_has_no_other_future(hangzhou: Site) -> None:
    grid = time_grid(NOW, 15, 12)
    forecast = forecast_on(grid, np.full(len(grid.starts), 3.0))
    assert len(futures(forecast, 4)) == 2
    assert futures(replace(forecast, certain=True), 4) == ()


def test_the_plan_itself_counts_on_the_expected_loads_and_pv(hangzhou: Site) -> None:
    grid = time_grid(NOW, 15, 12)
    n = len(grid.starts)
    forecast = replace(
        forecast_on(grid, np.full(n, 3.0)), pv_kw=np.full(n, 1.0), pv_high_kw=np.full(n, 2.0)
    )
    planned = problem(hangzhou, forecast=forecast)
    assert planned.pv_kw == pytest.approx(np.ones(n))
    assert planned.dc_load_kw == pytest.approx(np.full(n, 3.0))


def test_penalties_rise_from_cap_to_reserve_to_load(hangzhou: Site) -> None:
    built = problem(hangzhou)
    assert built.reserve_penalty_per_kwh_h == pytest.approx(100 * 1.2)
    assert built.cap_penalty_per_kwh == pytest.approx(10 * 1.2)
    assert (
        built.unserved_penalty_per_kwh
        > built.reserve_penalty_per_kwh_h
        > built.cap_penalty_per_kwh
        > 1.2
    )


def test_energy_left_at_the_end_has_less_value_than_buying_it_costs(hangzhou: Site) -> None:
    curve, built = rectifier_curve(hangzhou), problem(hangzhou)
    refill = 0.3 * curve.ac_per_dc[0] / hangzhou.battery.charge_efficiency
    assert 0.9 * refill < built.terminal_value_per_kwh < refill
    free = problem(hangzhou, prices=np.linspace(-0.2, 1.0, 48))
    assert free.terminal_value_per_kwh == 0.0


@pytest.mark.parametrize(
    ("soc", "kwh"), [(0.6, 0.6 * 47.04), (1.02, 47.04), (-0.01, 0.0), (0.0, 0.0)]
)
def test_any_measured_charge_is_accepted(soc: float, kwh: float, hangzhou: Site) -> None:
    assert problem(hangzhou, soc=soc).stored_kwh == pytest.approx(kwh)


def test_free_or_paid_prices_still_leave_penalties(hangzhou: Site) -> None:
    built = problem(hangzhou, prices=np.zeros(48))
    assert built.cap_penalty_per_kwh > 0
    assert problem(hangzhou, prices=np.full(48, -0.5)).cap_penalty_per_kwh == pytest.approx(5.0)


@pytest.mark.parametrize(
    ("battery_c", "charge_kw", "discharge_kw"),
    [
        (25.0, 9.6, 12.0),
        (None, 9.6, 12.0),
        (0.0, 9.6, 12.0),
        (-0.1, 0.0, 12.0),
        (50.0, 9.6, 12.0),
        (50.1, 0.0, 0.0),
    ],
)
def test_too_cold_to_charge_too_hot_to_cycle(
    battery_c: float | None, charge_kw: float, discharge_kw: float, hangzhou: Site
) -> None:
    model = battery_model(hangzhou.battery, SiteState(NOW, 0.6, battery_c=battery_c))
    assert (model.max_charge_kw, model.max_discharge_kw) == (charge_kw, discharge_kw)


def test_the_planned_rectifier_draws_no_more_than_its_table(hangzhou: Site) -> None:
    curve = rectifier_curve(hangzhou)
    for share, efficiency in hangzhou.rectifier.efficiency:
        dc_kw = share * hangzhou.rectifier.rated_kw
        assert float(curve.ac_kw(dc_kw)) == pytest.approx(dc_kw / efficiency, rel=0.02)
        assert float(curve.ac_kw(dc_kw)) <= dc_kw / efficiency + 1e-9
