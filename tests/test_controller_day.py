"""One virtual day of the Hangzhou site: the controller follows the tariff, and backup and DR events
come before money.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import pytest
from replay_rig import Rig

from siteems.config.local_time import local_time
from siteems.config.seeds import seed_path
from siteems.demand_response.event import DrEvent
from siteems.demand_response.event_log import EventLog
from siteems.demand_response.manual import place_import_limit
from siteems.demo.day_balance import day_balance
from siteems.demo.idle_day import idle_day
from siteems.demo.import_cap_check import check_import_cap
from siteems.demo.reserve_check import check_reserve
from siteems.history.records import AlarmRecord, Sample
from siteems.simulation.scenario import demo_scenario
from siteems.site.model import Site
from siteems.site.read_file import load_site
from siteems.tariff.schedule import TariffSchedule

HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class Day:
    """The outcome of the day: the record, and the meters of the simulated site."""

    site: Site
    samples: list[Sample]
    uncontrolled: list[Sample]
    plans: list[tuple[datetime, str, str]]
    alarms: list[AlarmRecord]
    event: DrEvent
    unserved_kwh: float
    fallbacks: int

    def at(self, clock: str) -> datetime:
        """A local time of the day."""
        assert self.site.demo is not None
        return local_time(clock, self.site.demo.date, self.site.site.zone)

    def mean(self, name: str, start: str, end: str) -> float:
        """Mean of a recorded column between two local times."""
        span = [s.values.get(name) for s in self.samples if self.at(start) <= s.time < self.at(end)]
        known = [v for v in span if v is not None]
        assert len(known) > 0.9 * len(span)
        return float(np.mean(known))


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Day:
    folder = seed_path("hangzhou-macro")
    site = load_site(folder)
    scenario = demo_scenario(site, folder)
    rig = Rig.make(
        site, scenario.at, scenario.start, scenario.start_soc, tmp_path_factory.mktemp("day")
    )
    start = scenario.start + timedelta(hours=14, minutes=30)

    def place_event() -> None:
        place_import_limit(EventLog(rig.history), 1.5, start, HOUR, rig.clock.now(), "test")

    async def whole_day() -> None:
        await rig.begin()
        await rig.run_until(scenario.end, {start - HOUR: place_event})

    asyncio.run(whole_day())
    always = (scenario.start, scenario.end + HOUR)
    [event] = EventLog(rig.history).open(scenario.start)
    recorded = Day(
        site=site,
        samples=rig.history.samples(*always),
        uncontrolled=idle_day(site, scenario),
        plans=rig.history.plan_log(*always),
        alarms=rig.history.alarms(*always),
        event=event,
        unserved_kwh=rig.plant.meters.unserved_kwh,
        fallbacks=rig.plant.meters.fallbacks,
    )
    rig.history.close()
    return recorded


def test_every_minute_is_recorded_and_every_quarter_planned(day: Day) -> None:
    assert len(day.samples) == 24 * 60
    scheduled = [status for _, status, trigger in day.plans if trigger == "schedule"]
    assert len(scheduled) >= 90, "all quarters but those of the mains failure"
    assert {status for _, status, _ in day.plans} == {"optimal"}


def test_the_reserve_is_never_touched_for_money(day: Day) -> None:
    check = check_reserve(day.samples, day.site)
    assert check.held, f"{check.lowest_margin_soc:.3f} at {check.lowest_margin_at}"
    assert check.lowest_backup_h >= day.site.backup.hours
    assert day.unserved_kwh == 0
    assert day.fallbacks == 0


def test_it_charges_in_the_valley_and_discharges_at_the_sharp_price(day: Day) -> None:
    assert day.mean("battery_kw", "00:00", "07:00") > 1.0
    assert day.mean("battery_kw", "18:00", "21:30") < -1.0
    assert day.mean("grid_kw", "18:00", "21:30") < 0.5 * day.mean("dc_load_kw", "18:00", "21:30")


def test_it_is_cheaper_than_no_control(day: Day) -> None:
    schedule = TariffSchedule(day.site.tariffs, day.site.site.zone)
    controlled, plain = (
        day_balance(samples, day.site, schedule) for samples in (day.samples, day.uncontrolled)
    )
    assert controlled.span.cost < 0.97 * plain.span.cost
    assert controlled.gaps == ()


def test_pv_is_not_curtailed(day: Day) -> None:
    schedule = TariffSchedule(day.site.tariffs, day.site.site.zone)
    available_kwh = day_balance(day.uncontrolled, day.site, schedule).pv_kwh
    assert day_balance(day.samples, day.site, schedule).pv_kwh > 0.98 * available_kwh


def test_a_dr_event_leads_to_a_plan_at_once_and_its_cap_holds(day: Day) -> None:
    replans = [time for time, _, trigger in day.plans if trigger == "dr-event-changed"]
    assert replans[0] == day.event.start - HOUR
    check = check_import_cap(day.samples, day.uncontrolled, day.event, day.site)
    assert check.held, f"{check.highest_quarter_kw:.2f} kW"
    assert check.uncontrolled_mean_kw > 1.5
    assert "cap-exceeded" not in {i.code for i in day.alarms}


def test_a_mains_failure_releases_and_recovers(day: Day) -> None:
    failed, returned = day.at("21:40"), day.at("22:00")
    during = [s for s in day.samples if failed <= s.time < returned]
    assert {s.source for s in during} == {"release"}
    assert {s.reason.code for s in during} == {"release-mains-failed"}
    assert all(s.values["battery_kw"] < -3 for s in during if s.values["battery_kw"] is not None)
    after = [s for s in day.samples if returned <= s.time < returned + HOUR]
    assert [s.source for s in after] == ["last-plan"] + ["plan"] * 59, (
        "no plan is made without mains; then at once"
    )
    assert (returned, "optimal", "mains-return") in day.plans
    codes = [i.code for i in day.alarms if i.code.startswith("mains")]
    assert codes == ["mains-failed", "mains-returned"]


def test_the_plan_is_followed_but_for_the_failure(day: Day) -> None:
    sources = [s.source for s in day.samples]
    assert {name: sources.count(name) for name in set(sources)} == {
        "plan": 1419,
        "release": 20,
        "last-plan": 1,
    }
