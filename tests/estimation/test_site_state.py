"""The site state: learned live and learned again from the record it is the same; what a restart
loses.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from drivers.points import Quality
from siteems.control.reasons import FOLLOW_PLAN
from siteems.estimation.process_image import Image, Measurement
from siteems.estimation.site_state import FULL_SOC, SiteState, StateEstimator
from siteems.history.records import Sample
from siteems.history.store import History
from siteems.site.model import Site
from siteems.tariff.model import DemandTerm
from siteems.tariff.schedule import TariffSchedule

START = datetime(2026, 7, 1, 16, 0, tzinfo=UTC)
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
Row = tuple[datetime, dict[str, float | None]]


@pytest.fixture
def site(hangzhou: Site) -> Site:
    """A lead-carbon battery with four wear segments, and a tariff with a demand charge."""
    term = DemandTerm(mode="measured", price_per_kw=42.0)
    return replace(
        hangzhou, tariffs=tuple(replace(tariff, demand=(term,)) for tariff in hangzhou.tariffs)
    )


def estimator(site: Site, rows: Iterable[Row] = ()) -> StateEstimator:
    made = StateEstimator(site, TariffSchedule(site.tariffs, site.site.zone))
    for time, values in rows:
        made.learn(time, values)
    return made


def state(made: StateEstimator, now: datetime, soc: float | None = 0.55) -> SiteState | None:
    measured = {"battery_c": Measurement(24.0, now, Quality.GOOD)}
    if soc is not None:
        measured["soc"] = Measurement(soc, now, Quality.GOOD)
    return made.state(Image(now, MINUTE, measured), now)


def rows(days: float, step: timedelta = 5 * MINUTE) -> list[Row]:
    """Cycles of different depth with gaps in the measurements; once in four days it gets full."""
    made: list[Row] = []
    for i in range(round(days * DAY / step)):
        hours = i * (step / timedelta(hours=1))
        depth = 0.05 if math.floor(hours / 24) % 4 == 0 else 0.2
        soc = min(1.0, 1.0 - depth - 0.3 * (1.0 - math.cos(hours / 5.0)) / 2.0 + 0.06)
        grid_kw = 4.0 + 3.0 * math.sin(hours / 3.0)
        known = i % 7 != 3
        made.append(
            (
                START + i * step,
                {"soc": soc if known else None, "grid_kw": grid_kw if known else None},
            )
        )
    return made


def recorded(folder: Path, samples: Iterable[Row]) -> History:
    history = History(folder / "history.sqlite3")
    history.add_samples(Sample(time, values, "plan", FOLLOW_PLAN()) for time, values in samples)
    return history


def test_learned_live_and_from_the_record_it_is_the_same(site: Site, tmp_path: Path) -> None:
    lived = rows(10)
    end = lived[-1][0] + MINUTE
    history = recorded(tmp_path, lived)
    restored = estimator(site, ((s.time, s.values) for s in history.samples(START, end)))
    live = state(estimator(site, lived), end)
    assert live is not None
    assert live == state(restored, end)
    assert live.last_full is not None
    assert live.month_peak_kw == pytest.approx(7.0, abs=0.1)
    assert len(live.segment_kwh) == 4
    fresh = state(estimator(site), end)
    assert fresh is not None
    assert fresh.segment_kwh != live.segment_kwh, "the samples have made a difference"


def test_what_lies_before_the_samples_is_recalled(site: Site, tmp_path: Path) -> None:
    """As the controller restores it: two weeks of samples, the last full charge of the whole
    record, and the peak that was published with the last plan.
    """
    lived = rows(1) + [
        (START + DAY + i * 5 * MINUTE, {"soc": 0.6, "grid_kw": 1.0}) for i in range(20 * 288)
    ]
    end = lived[-1][0] + MINUTE
    history = recorded(tmp_path, lived)
    live = state(estimator(site, lived), end)
    recent = ((s.time, s.values) for s in history.samples(end - 14 * DAY, end))
    restored = estimator(site, recent)
    assert live is not None
    before = state(restored, end)
    assert before is not None
    assert before.last_full is None
    assert before.month_peak_kw == pytest.approx(1.0)
    assert live.month_peak_kw is not None
    restored.recall(
        last_full=history.last_time_at("soc", FULL_SOC), month_peak=(end, live.month_peak_kw)
    )
    after = state(restored, end)
    assert after is not None
    assert (after.last_full, after.month_peak_kw) == (live.last_full, live.month_peak_kw)


def test_a_restart_loses_turning_points_older_than_the_samples_until_the_next_full_charge(
    site: Site,
) -> None:
    """A battery that turned twice before the samples begin has energy in shallow segments; restored
    it counts as discharged once from full, so its next kWh wears more. A full charge ends this.
    """
    old: list[Row] = [(START, {"soc": 1.0}), (START + MINUTE, {"soc": 0.3})]
    recent: list[Row] = [(START + 2 * MINUTE, {"soc": 0.55})]
    live, restored = estimator(site, old + recent), estimator(site, recent)
    now = START + 3 * MINUTE
    lived, lost = state(live, now), state(restored, now)
    assert lived is not None
    assert lost is not None
    assert sum(lived.segment_kwh) == pytest.approx(sum(lost.segment_kwh))
    assert lived.segment_kwh[0] > lost.segment_kwh[0] == 0.0
    for each in (live, restored):
        each.learn(now, {"soc": 1.0})
    lived, found = state(live, now), state(restored, now)
    assert lived is not None
    assert found is not None
    assert lived.known_since == START < found.known_since == START + 2 * MINUTE
    assert replace(lived, known_since=found.known_since) == found


def test_recalling_never_replaces_newer_knowledge(site: Site) -> None:
    made = estimator(site, [(START, {"soc": 0.99})])
    made.recall(last_full=START - DAY, month_peak=None)
    found = state(made, START)
    assert found is not None
    assert found.last_full == START


def test_without_a_state_of_charge_there_is_no_state(site: Site) -> None:
    assert state(estimator(site), START, soc=None) is None


def test_full_means_the_last_percent_of_a_lead_battery_is_not_waited_for(site: Site) -> None:
    below = state(estimator(site, [(START, {"soc": FULL_SOC - 0.001})]), START)
    at = state(estimator(site, [(START, {"soc": FULL_SOC})]), START)
    assert below is not None
    assert at is not None
    assert (below.last_full, at.last_full) == (None, START)


def test_without_a_demand_charge_no_peak_is_tracked(hangzhou: Site) -> None:
    found = state(estimator(hangzhou, rows(1)), START + DAY)
    assert found is not None
    assert found.month_peak_kw is None


@pytest.mark.parametrize(
    ("reads_zero", "peak_kw"), [(False, 8.0), (True, 2.0)], ids=["sound", "failing"]
)
def test_the_counter_stands_in_for_a_power_that_is_unknown(
    site: Site, reads_zero: bool, peak_kw: float
) -> None:
    """A quarter hour of 8 kW, of which only the counter knows; a counter that fails gives none."""
    made, kwh = [], 500.0
    for minute in range(60):
        kw = 8.0 if 15 <= minute < 30 else 2.0
        known = None if kw == 8.0 else kw
        reading = 0.0 if reads_zero and kw == 8.0 else round(kwh, 3)
        made.append((START + minute * MINUTE, {"grid_kw": known, "energy_import_kwh": reading}))
        kwh += kw / 60.0
    found = state(estimator(site, made), START + 60 * MINUTE)
    assert found is not None
    assert found.month_peak_kw == pytest.approx(peak_kw, abs=0.45)
