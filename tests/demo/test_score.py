"""The score of a day, on small records reckoned by hand: cost, reserve, cap."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from siteems.control.reasons import FOLLOW_PLAN
from siteems.demand_response.event import DrEvent
from siteems.demo.score import check_cap, check_reserve, day_cost
from siteems.history.records import Sample
from siteems.site.model import Site
from siteems.site.reserve import hours_left
from siteems.tariff.model import Calendar, TariffVersion
from siteems.tariff.schedule import TariffSchedule

NOON = datetime(2026, 7, 15, 4, 0, tzinfo=UTC)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


def sample(minutes: float, **values: float | None) -> Sample:
    return Sample(NOON + minutes * MINUTE, values, "plan", FOLLOW_PLAN())


def schedule(site: Site) -> TariffSchedule:
    """0.50 until 13:00 at the site, 1.00 from then on."""
    tariff = TariffVersion(
        name="two",
        source="test",
        valid_from=date(2026, 1, 1),
        prices={"low": 0.5, "high": 1.0},
        calendars=(
            Calendar(
                months=tuple(range(1, 13)),
                periods={"low": ("00:00-13:00",), "high": ("13:00-24:00",)},
            ),
        ),
    )
    return TariffSchedule((tariff,), site.site.zone)


class TestCost:
    def test_by_counter_price_and_wear(self, hangzhou: Site) -> None:
        """Two hours, a reading each half: 2 kWh at 0.50, 6 kWh at 1.00; 4 kW of discharge for half
        an hour.
        """
        record = [
            sample(0, energy_import_kwh=1000.0, soc=0.50, battery_kw=0.0, pv_kw=2.0),
            sample(5, energy_import_kwh=1001.0, soc=0.50, battery_kw=-4.0, pv_kw=2.0),
            sample(10, energy_import_kwh=1002.0, soc=0.49, battery_kw=3.0, pv_kw=0.0),
            sample(60, energy_import_kwh=1002.0, soc=0.49, battery_kw=0.0, pv_kw=0.0),
            sample(65, energy_import_kwh=1008.0, soc=0.52, battery_kw=0.0, pv_kw=0.0),
        ]
        cost = day_cost(record, hangzhou, schedule(hangzhou))
        assert cost.import_kwh == 8.0
        assert cost.energy_cost == pytest.approx(2 * 0.5 + 6 * 1.0)
        assert cost.wear_cost == pytest.approx(4.0 * 5 / 60 * 0.43)
        assert cost.pv_kwh == pytest.approx(2.0 * 10 / 60)
        assert cost.stored_change_kwh == pytest.approx(0.02 * 47.04)
        credit_kwh = 0.02 * 47.04 / (0.922 * 0.965)
        assert cost.stored_credit_kwh == pytest.approx(credit_kwh)
        assert cost.stored_credit == pytest.approx(credit_kwh * 0.5), (
            "at the cheapest price of the day"
        )
        assert cost.net_cost == pytest.approx(7.0 + 4.0 * 5 / 60 * 0.43 - credit_kwh * 0.5)
        assert cost.net_kwh == pytest.approx(8.0 - credit_kwh)

    def test_a_gap_is_reported_and_its_energy_still_counted(self, hangzhou: Site) -> None:
        """The counter runs on over a gap; powers in it are unknown and count as nothing."""
        record = [
            sample(0, energy_import_kwh=10.0, soc=0.5, pv_kw=3.0),
            sample(10, energy_import_kwh=11.0, soc=0.5, pv_kw=3.0),
            sample(40, energy_import_kwh=14.0, soc=0.5, pv_kw=3.0),
        ]
        cost = day_cost(record, hangzhou, schedule(hangzhou))
        assert cost.gaps == ((NOON + 10 * MINUTE, NOON + 40 * MINUTE),)
        assert cost.import_kwh == 4.0
        assert cost.pv_kwh == pytest.approx(0.5)

    def test_an_unread_meter_is_a_gap_too(self, hangzhou: Site) -> None:
        record = [
            sample(5 * i, energy_import_kwh=None if 0 < i < 4 else 10.0 + i, soc=0.5)
            for i in range(6)
        ]
        assert day_cost(record, hangzhou, schedule(hangzhou)).gaps == ((NOON, NOON + 20 * MINUTE),)

    def test_a_battery_that_ends_emptier_costs(self, hangzhou: Site) -> None:
        record = [sample(5 * i, energy_import_kwh=10.0, soc=0.6 - i / 10) for i in range(2)]
        cost = day_cost(record, hangzhou, schedule(hangzhou))
        assert cost.stored_credit < 0
        assert cost.net_cost == pytest.approx(0.1 * 47.04 / (0.922 * 0.965) * 0.5)

    @pytest.mark.parametrize(
        "record",
        [
            [],
            [sample(0, energy_import_kwh=1.0, soc=0.5)],
            [sample(i, energy_import_kwh=1.0) for i in range(3)],
        ],
    )
    def test_too_little_to_judge(self, record: list[Sample], hangzhou: Site) -> None:
        with pytest.raises(ValueError, match="too few readings"):
            day_cost(record, hangzhou, schedule(hangzhou))


def moment(
    minutes: float, soc: float | None, mains_v: float | None = 225.0, reserve: float | None = 0.40
) -> Sample:
    return sample(
        minutes, soc=soc, mains_v=mains_v, reserve_soc=reserve, dc_load_kw=3.0, battery_c=25.0
    )


class TestReserve:
    def test_held(self, hangzhou: Site) -> None:
        check = check_reserve([moment(0, 0.6), moment(1, 0.41), moment(2, 0.5)], hangzhou)
        assert check.held
        assert check.lowest_margin_soc == pytest.approx(0.01)
        assert check.lowest_margin_at == NOON + MINUTE
        assert check.lowest_backup_h == pytest.approx(hours_left(hangzhou.battery, 3.0, 0.41, 25.0))
        assert check.outage_used_kwh == 0

    @pytest.mark.parametrize(
        ("soc", "held"), [(0.400, True), (0.3951, True), (0.3949, False), (0.30, False)]
    )
    def test_broken_beyond_the_resolution_of_the_sensor(
        self, soc: float, held: bool, hangzhou: Site
    ) -> None:
        assert check_reserve([moment(0, 0.6), moment(1, soc)], hangzhou).held is held

    def test_a_mains_failure_may_use_it_and_the_recovery_is_no_breach(self, hangzhou: Site) -> None:
        record = [
            moment(0, 0.45),
            moment(1, 0.44, mains_v=0.0),
            moment(2, 0.30, mains_v=0.0),
            moment(3, 0.31),
            moment(4, 0.39),
            moment(5, 0.42),
        ]
        check = check_reserve(record, hangzhou)
        assert check.held
        assert check.lowest_margin_soc == pytest.approx(0.02)
        assert check.outage_used_kwh == pytest.approx(0.15 * 47.04)

    def test_after_the_recovery_it_counts_again(self, hangzhou: Site) -> None:
        record = [
            moment(0, 0.45),
            moment(1, 0.30, 0.0),
            moment(2, 0.35),
            moment(3, 0.41),
            moment(4, 0.38),
        ]
        check = check_reserve(record, hangzhou)
        assert not check.held
        assert check.lowest_margin_at == NOON + 4 * MINUTE

    def test_a_breach_before_the_failure_is_one(self, hangzhou: Site) -> None:
        assert not check_reserve(
            [moment(0, 0.35), moment(1, 0.30, 0.0), moment(2, 0.5)], hangzhou
        ).held

    def test_two_failures_each_count_from_their_own_start(self, hangzhou: Site) -> None:
        record = [
            moment(0, 0.60),
            moment(1, 0.55, 0.0),
            moment(2, 0.58),
            moment(3, 0.50, 0.0),
            moment(4, 0.50),
        ]
        assert check_reserve(record, hangzhou).outage_used_kwh == pytest.approx(0.08 * 47.04)

    @pytest.mark.parametrize("name", ["soc", "mains_v", "reserve_soc"])
    def test_moments_with_unknowns_say_nothing(self, name: str, hangzhou: Site) -> None:
        low = moment(1, 0.2)
        unknown = replace(low, values=dict(low.values) | {name: None})
        assert check_reserve([moment(0, 0.6), unknown], hangzhou).held
        with pytest.raises(ValueError, match="no moment with mains"):
            check_reserve([unknown], hangzhou)


class TestCap:
    CALL = DrEvent("a", 0, "limit-import", 2.0, NOON, NOON + HOUR, "test", NOON - HOUR)

    def metered(self, *quarters_kw: float) -> list[Sample]:
        """A minute record of a meter under these quarter-hour means."""
        kwh, record = 100.0, []
        for i in range(len(quarters_kw) * 15 + 1):
            record.append(sample(i, energy_import_kwh=kwh))
            kwh += quarters_kw[min(i // 15, len(quarters_kw) - 1)] / 60
        return record

    def test_held_by_quarter_hours(self) -> None:
        check = check_cap(
            self.metered(1.0, 2.0, 1.5, 1.9), self.metered(4.0, 4.0, 5.0, 5.0), self.CALL
        )
        assert check.held
        assert check.highest_quarter_kw == pytest.approx(2.0)
        assert check.mean_kw == pytest.approx(1.6)
        assert check.uncontrolled_mean_kw == pytest.approx(4.5)

    def test_one_quarter_above_breaks_it_though_the_mean_is_below(self) -> None:
        check = check_cap(
            self.metered(1.0, 2.1, 1.0, 1.0), self.metered(4.0, 4.0, 4.0, 4.0), self.CALL
        )
        assert not check.held
        assert check.mean_kw < 2.0

    def test_a_peak_within_a_quarter_is_settled_by_its_mean(self) -> None:
        record = self.metered(1.9, 1.9, 1.9, 1.9)
        bump = [*record[:7], replace(record[7], values={"energy_import_kwh": 100.9}), *record[15:]]
        assert check_cap(bump, record, self.CALL).held

    def test_a_call_that_does_not_last_whole_quarters(self) -> None:
        short = replace(self.CALL, end=NOON + 20 * MINUTE)
        check = check_cap(self.metered(1.0, 3.0), self.metered(1.0, 1.0), short)
        assert check.highest_quarter_kw == pytest.approx(3.0)
        assert not check.held

    @pytest.mark.parametrize(
        ("drawn_kw", "measured", "held", "highest_kw"),
        [
            (1.9, True, True, 1.9),
            (2.2, True, False, 2.2),
            (3.0, True, False, 3.2),
            (1.9, False, False, 2.4),
        ],
    )
    def test_steps_of_a_counter_behind_transformers_break_no_cap(
        self, drawn_kw: float, measured: bool, held: bool, highest_kw: float
    ) -> None:
        """0.2 kWh each: 1.9 kW for a quarter hour is 0.475 kWh, of which the counter shows 0.4 or
        0.6.
        """
        coarse = []
        for row in self.metered(*[drawn_kw] * 4):
            counter = row.values["energy_import_kwh"]
            assert counter is not None
            values: dict[str, float | None] = {"energy_import_kwh": round(counter // 0.2 * 0.2, 3)}
            if measured:
                values["grid_kw"] = drawn_kw
            coarse.append(replace(row, values=values))
        check = check_cap(coarse, coarse, self.CALL)
        assert check.held is held
        assert check.highest_quarter_kw == pytest.approx(highest_kw)

    def test_a_fine_counter_settles_whatever_the_power_says(self) -> None:
        record = [
            replace(row, values={**row.values, "grid_kw": 1.9})
            for row in self.metered(2.1, 2.1, 2.1, 2.1)
        ]
        check = check_cap(record, record, self.CALL)
        assert not check.held
        assert check.highest_quarter_kw == pytest.approx(2.1)

    def test_a_record_that_does_not_cover_the_call(self) -> None:
        with pytest.raises(ValueError, match="does not cover"):
            check_cap(self.metered(1.0, 1.0), self.metered(1.0, 1.0), self.CALL)
