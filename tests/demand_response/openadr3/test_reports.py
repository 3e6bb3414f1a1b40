"""Reports: when they are due, what they contain, sent once, as the official schema has them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from openadr_schema import check
from pydantic import BaseModel

from siteems.demand_response.event import DrEvent, Interval
from siteems.demand_response.openadr3.reporter import Reporter
from siteems.demand_response.openadr3.reports import due_reports, mean_of, report_request
from siteems.demand_response.openadr3.wire import (
    ReportDescriptor,
    ResourceRequest,
    VenRequest,
    WireReport,
)
from siteems.demand_response.vtn_error import VtnError
from siteems.history.records import Sample
from siteems.messages.message import Message

NOON = datetime(2026, 7, 15, 4, 0, tzinfo=UTC)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
EVENT = DrEvent(
    "openadr:e1:IMPORT_CAPACITY_LIMIT",
    5,
    "import-cap",
    tuple(Interval(NOON + n * HOUR, NOON + (n + 1) * HOUR, 2.0) for n in range(5)),
    "openadr",
    NOON,
)


def descriptor(kind: str = "USAGE", **more: int) -> ReportDescriptor:
    return ReportDescriptor(payloadType=kind, **more)


def sample(after: timedelta, source: str = "plan", **values: float) -> Sample:
    return Sample(NOON + after, values, source, Message("r"))


def samples(since: datetime, until: datetime) -> Sequence[Sample]:
    """Every minute: import of 2 kW in the first half hour of each hour, then 1 kW."""
    found = []
    time = since
    while time < until:
        first_half = (time - NOON) % HOUR < HOUR / 2
        values = {"grid_kw": 2.0 if first_half else 1.0, "soc": 0.7, "target_kw": -1.0}
        found.append(Sample(time, values, "plan", Message("r")))
        time += MINUTE
    return found


class TestDue:
    def counts(self, now: datetime, **more: int) -> list[int]:
        return [len(d.intervals) for d in due_reports(EVENT, [descriptor(**more)], now)]

    def test_one_at_the_end_unless_asked_for_more_often(self) -> None:
        assert self.counts(NOON + 4.9 * HOUR) == []
        assert self.counts(NOON + 5 * HOUR) == [5]

    def test_every_so_many_intervals(self) -> None:
        assert self.counts(NOON + 2 * HOUR, frequency=1) == [1, 1]
        assert self.counts(NOON + 5 * HOUR, frequency=2) == [2, 2, 1]
        assert self.counts(NOON + 4.5 * HOUR, numIntervals=2) == [2, 2]

    def test_what_the_site_cannot_measure_is_not_due(self) -> None:
        assert list(due_reports(EVENT, [descriptor("GHG")], NOON + 9 * HOUR)) == []


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("USAGE", 1.5),
        ("DEMAND", 1.5),
        ("SETPOINT", -1.0),
        ("STORAGE_CHARGE_LEVEL", 70.0),
        ("OPERATING_STATE", "NORMAL"),
    ],
)
def test_values_and_the_official_schema(kind: str, value: Any) -> None:
    [due] = due_reports(EVENT, [descriptor(kind)], NOON + 5 * HOUR)
    body = report_request(due, "e1", "site-1", samples, NOON).body()
    intervals = body["resources"][0]["intervals"]
    assert [each["payloads"][0]["values"] for each in intervals] == [[value]] * 5
    assert intervals[1]["intervalPeriod"] == {
        "start": "2026-07-15T05:00:00Z",
        "duration": "PT3600S",
    }
    check("reportRequest", body)


def test_an_interval_that_is_not_known_has_no_values() -> None:
    [due] = due_reports(EVENT, [descriptor()], NOON + 5 * HOUR)
    body = report_request(due, "e1", "site-1", lambda since, until: (), NOON).body()
    assert body["resources"][0]["intervals"][0]["payloads"][0]["values"] == []
    check("reportRequest", body)


def test_an_interval_without_control_is_an_error() -> None:
    [due] = due_reports(EVENT, [descriptor("OPERATING_STATE")], NOON + 5 * HOUR)
    released = [sample(timedelta(0)), sample(MINUTE, "release")]
    body = report_request(due, "e1", "site-1", lambda since, until: released, NOON).body()
    assert body["resources"][0]["intervals"][0]["payloads"][0]["values"] == ["ERROR"]


@pytest.mark.parametrize(
    ("kind", "value"), [("UP_REGULATION_AVAILABLE", 2.5), ("DOWN_REGULATION_AVAILABLE", 6.0)]
)
def test_what_can_be_given_is_of_now(kind: str, value: float) -> None:
    """The intervals before the last ended hours ago, and nothing is known of them."""
    now = NOON + 5 * HOUR + MINUTE
    [due] = due_reports(EVENT, [descriptor(kind)], now)
    given = {"reduction_kw": 2.5, "increase_kw": 6.0}
    body = report_request(due, "e1", "site-1", samples, now, lambda: given).body()
    found = [each["payloads"][0]["values"] for each in body["resources"][0]["intervals"]]
    assert found == [[], [], [], [], [value]]
    check("reportRequest", body)
    unknown = report_request(due, "e1", "site-1", samples, now).body()
    assert unknown["resources"][0]["intervals"][4]["payloads"][0]["values"] == []


def test_means() -> None:
    hour = Interval(NOON, NOON + HOUR, 0.0)
    quarters = [sample(n * 15 * MINUTE, grid_kw=float(n)) for n in range(4)]
    assert mean_of("grid_kw", hour, quarters) == pytest.approx(1.5)
    assert mean_of("grid_kw", hour, quarters[:2]) is None, "half an hour is missing"
    assert mean_of("grid_kw", hour, []) is None
    exporting = [sample(n * 15 * MINUTE, grid_kw=-2.0 if n < 2 else 2.0) for n in range(4)]
    assert mean_of("grid_kw", hour, exporting, least=0.0) == pytest.approx(1.0)
    assert mean_of("grid_kw", hour, exporting) == pytest.approx(0.0)


def test_what_a_ven_registers_is_as_the_schema_has_it() -> None:
    check("VenVenRequest", VenRequest(venName="site-1").body())
    check(
        "VenResourceRequest",
        ResourceRequest(resourceName="site-1-battery", venID="0").body(),
    )


class Server:
    """Takes reports, or fails."""

    def __init__(self) -> None:
        self.taken: list[BaseModel] = []
        self.failure: VtnError | None = None

    async def post(self, path: str, body: BaseModel, kind: type[WireReport]) -> WireReport:
        if self.failure is not None:
            raise self.failure
        self.taken.append(body)
        return WireReport(id="r", eventID="e1")


class TestSending:
    def reporter(self, server: Server, sent: Sequence[str] = ()) -> Reporter:
        self.kept: list[str] = list(sent)
        reporter = Reporter(server, "site-1", samples, sent, self.keep)
        reporter.ask(EVENT, "e1", (descriptor(frequency=1),))
        return reporter

    def keep(self, keys: Sequence[str]) -> None:
        self.kept = list(keys)

    async def test_each_is_sent_once_also_after_a_restart(self) -> None:
        server = Server()
        reporter = self.reporter(server)
        assert await reporter.send(NOON + 2 * HOUR) == 2
        assert await reporter.send(NOON + 2 * HOUR) == 0
        reporter = self.reporter(server, self.kept)
        assert await reporter.send(NOON + 3 * HOUR) == 1
        assert len(server.taken) == 3

    async def test_what_was_due_while_the_vtn_was_away_is_sent_when_it_is_back(self) -> None:
        server = Server()
        reporter = self.reporter(server)
        server.failure = VtnError("500", status=500)
        for _ in range(3):
            with pytest.raises(VtnError):
                await reporter.send(NOON + 5 * HOUR)
        server.failure = None
        assert await reporter.send(NOON + 6 * HOUR) == 5

    async def test_one_that_the_vtn_refuses_is_not_sent_again(self) -> None:
        server = Server()
        reporter = self.reporter(server)
        server.failure = VtnError("400", status=400)
        assert await reporter.send(NOON + 5 * HOUR) == 0
        server.failure = None
        assert await reporter.send(NOON + 5 * HOUR) == 0
