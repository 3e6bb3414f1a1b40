"""A recorded event settled from the site's own samples."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from command_line import run_command
from settled_record import EVENT, EVENT_END, EVENT_START, FIRST, NOW, record_event, sample

from siteems.config.seeds import seed_path
from siteems.demand_response.baseline.recorded import quarter_hours, recorded_days, recorded_facts
from siteems.demand_response.event import DrEvent, Interval, import_cap_event
from siteems.demand_response.event_log import EventLog
from siteems.demand_response.programme import Programme
from siteems.demand_response.programme_files import find_programme
from siteems.demand_response.recorded_settlement import (
    baseline_text,
    recorded_event,
    settled,
)
from siteems.errors import UserError
from siteems.history.location import history_path
from siteems.history.records import AlarmRecord
from siteems.history.store import History
from siteems.messages.message import Message
from siteems.operations.alarm_catalogue import MAINS_FAILED

SHANGHAI = ZoneInfo("Asia/Shanghai")
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
OUTAGE = MAINS_FAILED.code


@pytest.fixture
def history(tmp_path: Path) -> Iterator[History]:
    """Twenty days of 4 kW by day and 2 kW by night, every five minutes; 1 kW during the event."""
    history = History(history_path(tmp_path))
    rows, time = [], FIRST
    while time < NOW:
        kw = 4.0 if 8 <= time.astimezone(SHANGHAI).hour < 20 else 2.0
        if EVENT_START <= time < EVENT_END:
            kw = 1.0
        rows.append(sample(time, kw))
        time += 5 * MINUTE
    history.add_samples(rows)
    EventLog(history).add(EVENT)
    yield history
    history.close()


@pytest.fixture
def programme() -> Programme:
    return find_programme("zhejiang-2021-hour-ahead")


def test_it_is_settled_against_its_baseline(history: History, programme: Programme) -> None:
    """4 kW less 1 kW over two hours: 6 kWh at 4 CNY, as bid."""
    found = settled(history, EVENT, programme, None, 3.0, SHANGHAI, NOW, OUTAGE)
    assert found.baseline.kw.tolist() == [4.0] * 8
    assert found.metered_kw.tolist() == [1.0] * 8
    assert found.settlement.payment == Decimal("24.00")
    assert sum(period.response_kwh or 0 for period in found.settlement.periods) == 6
    assert "high-5-of-10, mean 4.00 kW" in baseline_text(found.baseline)


def test_days_with_other_events_and_with_outages_do_not_count(
    history: History, programme: Programme
) -> None:
    other = EVENT_START - timedelta(days=6)
    EventLog(history).add(import_cap_event("e0", 0, 1.0, other, other + HOUR, "ops", other))
    failed = EVENT_START - timedelta(days=7)
    history.add_alarm(AlarmRecord(failed, "alarm", Message(OUTAGE)))
    found = settled(history, EVENT, programme, None, 3.0, SHANGHAI, NOW, OUTAGE)
    excluded = {day.isoformat(): why for day, why in found.baseline.excluded}
    assert excluded["2026-07-09"] == "event"
    assert excluded["2026-07-08"] == "outage"
    facts = recorded_facts(history, EVENT_START, SHANGHAI, OUTAGE, but="e0")
    assert facts.events == frozenset()


def test_a_reduction_keeps_the_baseline_that_was_fixed(
    history: History, programme: Programme
) -> None:
    interval = Interval(EVENT_START, EVENT_END, 3.0, baseline_kw=5.0)
    reduction = DrEvent("e2", 0, "reduction", (interval,), "vtn", EVENT_START - HOUR)
    found = settled(history, reduction, programme, None, 4.0, SHANGHAI, NOW, OUTAGE)
    assert found.baseline.kw.tolist() == [5.0] * 8
    assert found.settlement.payment == Decimal("32.00")
    again = settled(history, reduction, programme, "high-5-of-10", 4.0, SHANGHAI, NOW, OUTAGE)
    assert again.baseline.kw.tolist() == [4.0] * 8


def test_what_cannot_be_settled(history: History, programme: Programme) -> None:
    def settle(event: DrEvent, now: datetime = NOW, rule: str | None = None) -> None:
        settled(history, event, programme, rule, 3.0, SHANGHAI, now, OUTAGE)

    with pytest.raises(UserError, match="is not over: it ends at 2026-07-15 04:00 UTC"):
        settle(EVENT, EVENT_START)
    with pytest.raises(UserError, match="firm-service-level"):
        settle(EVENT, rule="firm-service-level")
    early = import_cap_event("e3", 0, 1.0, FIRST + HOUR, FIRST + 2 * HOUR, "ops", FIRST)
    with pytest.raises(UserError, match="no baseline by high-5-of-10: 0 of 10 eligible days"):
        settle(early)
    with pytest.raises(UserError, match="no event 'x' is recorded; the last ones: e1"):
        recorded_event(history, "x", NOW)
    assert recorded_event(history, "e1", NOW) == EVENT


class TestQuarterHours:
    START = datetime(2026, 7, 1, tzinfo=UTC)

    def kw(self, *samples: tuple[float, float | None], count: int = 2) -> list[float]:
        """From (minute, kW)."""
        rows = [sample(self.START + minute * MINUTE, kw) for minute, kw in samples]
        return quarter_hours(rows, self.START, self.START + count * 15 * MINUTE).tolist()

    def test_a_sample_holds_until_the_next(self) -> None:
        rows = [(float(minute), 1.0 if minute < 20 else 4.0) for minute in range(31)]
        assert self.kw(*rows) == pytest.approx([1.0, (5 * 1.0 + 10 * 4.0) / 15])
        assert self.kw((0.0, 1.0), (12.0, 6.0), (24.0, 2.0), (36.0, 2.0)) == pytest.approx(
            [(12 * 1.0 + 3 * 6.0) / 15, (9 * 6.0 + 6 * 2.0) / 15]
        )

    def test_export_is_no_negative_import(self) -> None:
        rows = [(float(minute), -3.0 if minute % 2 else 2.0) for minute in range(31)]
        assert self.kw(*rows) == pytest.approx([16.0 / 15, 14.0 / 15])

    def test_what_is_missing_is_not_known(self) -> None:
        rows = [(float(minute), 1.0) for minute in range(10)]
        assert np.isnan(self.kw(*rows)).all()
        assert np.isnan(self.kw()).all()
        assert np.isnan(self.kw((0.0, None), (1.0, None))).all()
        gap = [*((float(m), 1.0) for m in range(16)), *((float(m), 1.0) for m in range(40, 61))]
        found = self.kw(*gap, count=4)
        assert [bool(np.isnan(each)) for each in found] == [False, True, True, False]


def test_recorded_days_end_with_the_last_whole_quarter(history: History) -> None:
    until = EVENT_START + 7 * MINUTE
    days = recorded_days(history, until, SHANGHAI)
    assert days.at(EVENT_START - 15 * MINUTE) == 4.0
    assert np.isnan(days.at(EVENT_START))


def test_the_command(tmp_path: Path) -> None:
    site = seed_path("hangzhou-macro")
    record_event(tmp_path)
    given = ("--programme=zhejiang-2021-hour-ahead", "--bid=3kW", f"--state={tmp_path}")
    files = (f"--html={tmp_path / 'e1.html'}", f"--csv={tmp_path / 'e1.csv'}")
    code, output, messages = run_command("dr", "settle", "e1", site, *given, *files)
    assert code == 0, messages
    assert "total, CNY" in output
    assert "24.00" in output
    assert "Baseline against metered power" in (tmp_path / "e1.html").read_text(encoding="utf-8")
    assert len((tmp_path / "e1.csv").read_text(encoding="utf-8").splitlines()) >= 3
    code, output, messages = run_command("dr", "settle", "e1", site, *given, "--json")
    assert json.loads(output)["baseline"]["rule"] == "high-5-of-10"
    for wrong, text in (
        (("e9", site, *given), "no event 'e9' is recorded"),
        (("e1", site, "--programme=nothing", *given[1:]), "is no demand-response programme"),
        (("e1", site, *given, "--baseline=x"), "baseline 'x': not computed here"),
        (("e1", site, given[0], "--bid=0kW", given[2]), "bid"),
    ):
        code, _, messages = run_command("dr", "settle", *wrong)
        assert code == 2
        assert text in messages
    code, output, _ = run_command("dr", "programmes")
    assert "zhejiang-2021-hour-ahead" in output
