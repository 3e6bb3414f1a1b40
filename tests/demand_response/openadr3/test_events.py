"""Events on the wire as neutral ones: kinds, units, times, and what is refused."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from siteems.demand_response.event import LOWEST_PRIORITY, DrEvent
from siteems.demand_response.listing import EventRefused
from siteems.demand_response.openadr3.events import Participation, neutral_events
from siteems.demand_response.openadr3.wire import ValuesMap, WireEvent, WireInterval

NOON = datetime(2026, 7, 15, 4, 0, tzinfo=UTC)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
VEN = Participation("site-1", "CNY", {"p1": "summer"}, simple_caps_kw=(3.0, 1.5))
EXAMPLES = Path(__file__).parents[4] / "shared" / "data" / "openadr3_examples"


def wire(payload_type: str = "IMPORT_CAPACITY_LIMIT", value: Any = 1.5, **more: Any) -> WireEvent:
    interval = {"id": 0, "payloads": [{"type": payload_type, "values": [value]}]}
    data: dict[str, Any] = {
        "id": "e1",
        "programID": "p1",
        "createdDateTime": "2026-07-15T03:00:00Z",
        "modificationDateTime": "2026-07-15T03:00:00Z",
        "intervalPeriod": {"start": "2026-07-15T04:00:00Z", "duration": "PT1H"},
        "intervals": [interval],
    }
    return WireEvent.model_validate(data | more)


def read(event: WireEvent, ven: Participation = VEN, baseline_kw: float | None = 4.0) -> DrEvent:
    [found] = neutral_events(event, ven, lambda start, end: baseline_kw)
    return found


def refused(event: WireEvent, baseline_kw: float | None = 4.0) -> str:
    with pytest.raises(EventRefused) as error:
        neutral_events(event, VEN, lambda start, end: baseline_kw)
    text = str(error.value)
    assert "\n" not in text
    return text


def test_an_import_limit() -> None:
    event = read(wire(priority=0))
    assert (event.id, event.kind) == ("openadr:e1:IMPORT_CAPACITY_LIMIT", "import-cap")
    assert (event.start, event.end) == (NOON, NOON + HOUR)
    assert event.intervals[0].value == 1.5
    assert (event.programme, event.source, event.priority) == ("summer", "openadr", 0)
    assert event.created == NOON - HOUR
    assert read(wire()).priority == LOWEST_PRIORITY


@pytest.mark.parametrize(
    ("payload_type", "value", "units", "kind", "expected"),
    [
        ("IMPORT_CAPACITY_LIMIT", 1500, "W", "import-cap", 1.5),
        ("IMPORT_CAPACITY_LIMIT", 0.0015, "MW", "import-cap", 1.5),
        ("EXPORT_CAPACITY_LIMIT", 0, "KW", "export-cap", 0.0),
        ("DISPATCH_SETPOINT", 2, None, "battery-power", 2.0),
        ("DISPATCH_SETPOINT", -2500, "W", "battery-power", -2.5),
        ("DISPATCH_SETPOINT_RELATIVE", -1, None, "reduction", 1.0),
        ("CHARGE_STATE_SETPOINT", 80, "PERCENT", "charge-state", 0.8),
        ("CHARGE_STATE_SETPOINT", 80, None, "charge-state", 0.8),
        ("SIMPLE", 1, None, "import-cap", 3.0),
        ("SIMPLE", 2, None, "import-cap", 1.5),
        ("PRICE", 0.17, "KWH", "price", 0.17),
        ("PRICE", 170, "MWH", "price", 0.17),
        ("ALERT_GRID_EMERGENCY", "blackout near", None, "emergency", 0.0),
    ],
)
def test_kinds_and_units(
    payload_type: str, value: Any, units: str | None, kind: str, expected: float
) -> None:
    descriptors = [{"payloadType": payload_type, "units": units}]
    event = read(wire(payload_type, value, payloadDescriptors=descriptors))
    assert event.kind == kind
    assert event.intervals[0].value == pytest.approx(expected)
    assert event.intervals[0].baseline_kw == (4.0 if kind == "reduction" else None)


def test_the_units_of_the_programme_hold_where_the_event_states_none() -> None:
    ven = Participation(
        "site-1",
        "CNY",
        {"p1": "summer"},
        descriptors={"p1": wire_descriptors("IMPORT_CAPACITY_LIMIT", "W")},
    )
    assert read(wire(value=1500), ven).intervals[0].value == 1.5


def wire_descriptors(payload_type: str, units: str) -> Any:
    event = wire(payloadDescriptors=[{"payloadType": payload_type, "units": units}])
    return event.payloadDescriptors


@pytest.mark.parametrize(
    ("event", "text"),
    [
        (wire(value="1.5"), "needs one number"),
        (wire(value=True), "needs one number"),
        (wire(value=-1), "allowed: 0 to 1e+06"),
        (wire(value=1e9), "allowed: 0 to 1e+06"),
        (wire(value=1e300), "1e+300"),
        (wire("SIMPLE", 7), "SIMPLE level 7"),
        (wire("SIMPLE", 3), "openadr.simple_caps_kw"),
        (wire("CHARGE_STATE_SETPOINT", 180), "1.8"),
        (wire("DISPATCH_SETPOINT_RELATIVE", 1), "asks for 1 kW more"),
        (wire(intervalPeriod={"start": "2026-07-15T04:00:00Z"}), "without an end"),
        (
            wire(intervalPeriod={"start": "2026-07-15T04:00:00Z", "duration": "P9999Y"}),
            "without an end",
        ),
        (wire(intervalPeriod={"start": "soon", "duration": "PT1H"}), "'soon' is no ISO 8601 time"),
        (wire(intervalPeriod={"duration": "1h"}), "'1h' is no ISO 8601 duration"),
        (wire(intervalPeriod={"duration": "PT0S"}), "of no length"),
        (wire(modificationDateTime="0001-01-01T00:00:00Z"), "modificationDateTime means now"),
        (wire(duration="P700D"), "more than 1000 intervals when they are repeated"),
        (
            wire(payloadDescriptors=[{"payloadType": "IMPORT_CAPACITY_LIMIT", "units": "AMPS"}]),
            "in AMPS; allowed: KW, W, MW",
        ),
        (
            wire("PRICE", 1, payloadDescriptors=[{"payloadType": "PRICE", "currency": "EUR"}]),
            "PRICE in EUR; the site's currency is CNY",
        ),
    ],
)
def test_what_is_refused_and_why(event: WireEvent, text: str) -> None:
    assert text in refused(event)


def test_a_reduction_without_a_baseline_is_refused() -> None:
    assert "no baseline" in refused(wire("DISPATCH_SETPOINT_RELATIVE", -1), baseline_kw=None)


@pytest.mark.parametrize(
    "event",
    [
        wire(programID="another"),
        wire("GHG", 300),
        wire("SIMPLE", 0),
        wire("DISPATCH_SETPOINT_RELATIVE", 0),
        wire(intervals=None),
        wire(intervals=[]),
    ],
)
def test_what_asks_nothing_of_this_site(event: WireEvent) -> None:
    assert neutral_events(event, VEN, lambda start, end: 4.0) == ()


def test_targets() -> None:
    ven = Participation("site-1", "CNY", {"p1": "summer"}, targets=frozenset({"feeder-7"}))
    assert neutral_events(wire(targets=["feeder-8"]), ven, lambda *_: None) == ()
    assert len(neutral_events(wire(targets=["feeder-8", "feeder-7"]), ven, lambda *_: None)) == 1
    assert len(neutral_events(wire(targets=None), ven, lambda *_: None)) == 1
    assert len(neutral_events(wire(targets=["feeder-8"]), VEN, lambda *_: None)) == 1


class TestTimes:
    def intervals(self, *kw: float, **periods: dict[str, str]) -> list[dict[str, Any]]:
        return [
            {"id": i, "payloads": [{"type": "IMPORT_CAPACITY_LIMIT", "values": [each]}]}
            | ({"intervalPeriod": periods[f"at{i}"]} if f"at{i}" in periods else {})
            for i, each in enumerate(kw)
        ]

    def found(self, **fields: Any) -> list[tuple[float, float, float]]:
        """Start and end in minutes after noon, and the value."""
        event = read(wire(**fields))
        return [
            ((i.start - NOON) / MINUTE, (i.end - NOON) / MINUTE, i.value) for i in event.intervals
        ]

    def test_intervals_follow_each_other(self) -> None:
        found = self.found(intervals=self.intervals(1, 2, 3))
        assert found == [(0, 60, 1), (60, 120, 2), (120, 180, 3)]

    def test_an_interval_may_have_a_period_of_its_own(self) -> None:
        later = {"start": "2026-07-15T06:00:00Z", "duration": "PT30M"}
        found = self.found(intervals=self.intervals(1, 2, 3, at1=later))
        assert found == [(0, 60, 1), (120, 150, 2), (150, 210, 3)]
        shorter = {"duration": "PT15M"}
        found = self.found(intervals=self.intervals(1, 2, at0=shorter))
        assert found == [(0, 15, 1), (15, 75, 2)]

    def test_intervals_are_repeated_while_the_event_lasts(self) -> None:
        found = self.found(intervals=self.intervals(1, 2), duration="PT3H30M")
        assert found == [(0, 60, 1), (60, 120, 2), (120, 180, 1), (180, 210, 2)]

    def test_a_shorter_event_cuts_them(self) -> None:
        assert self.found(intervals=self.intervals(1, 2), duration="PT90M")[-1] == (60, 90, 2)

    def test_now_is_when_the_event_was_modified(self) -> None:
        for start in ("0001-01-01", "0001-01-01T00:00:00Z"):
            found = self.found(intervalPeriod={"start": start, "duration": "PT1H"})
            assert found == [(-60, 0, 1.5)]
        assert self.found(intervalPeriod={"duration": "PT1H"}) == [(-60, 0, 1.5)]

    def test_a_time_with_an_offset(self) -> None:
        period = {"start": "2026-07-15T12:00:00+08:00", "duration": "PT1H"}
        assert self.found(intervalPeriod=period) == [(0, 60, 1.5)]

    def test_the_random_start_is_drawn_once_for_a_ven_and_an_event(self) -> None:
        period = {
            "start": "2026-07-15T04:00:00Z",
            "duration": "PT1H",
            "randomizeStart": "PT10M",
        }
        event = wire(intervalPeriod=period)
        starts = {}
        for number in range(200):
            ven = Participation(f"site-{number}", "CNY", {"p1": "summer"})
            first, again = read(event, ven), read(event, ven)
            assert first == again
            assert first.end - first.start == HOUR
            starts[number] = (first.start - NOON) / MINUTE
        assert all(0.0 <= each <= 10.0 for each in starts.values())
        assert sum(each < 5.0 for each in starts.values()) == pytest.approx(100, abs=25)


@pytest.mark.parametrize(
    ("start", "duration", "text"),
    [
        ("9999-12-31T23:00:00Z", "PT1H", "an interval in the year 9999"),
        ("9999-12-31T23:00:00Z", "PT2H", "an interval in the year 9999"),
        ("1600-01-01T00:00:00Z", "PT1H", "an interval in the year 1600"),
        ("2026-07-15T04:00:00Z", "P9998Y", "a duration of 3649270 days"),
    ],
)
def test_times_beyond_the_calendar(start: str, duration: str, text: str) -> None:
    """The first two ended the poll with an error, so that no event at all was read."""
    event = wire(intervalPeriod={"start": start, "duration": duration})
    with pytest.raises(EventRefused, match=text):
        neutral_events(event, VEN, lambda start, end: None)


def test_intervals_that_run_beyond_the_calendar() -> None:
    payloads = [{"type": "IMPORT_CAPACITY_LIMIT", "values": [1.5]}]
    period = {"start": "2026-07-15T04:00:00Z", "duration": "P19Y"}
    intervals = [{"id": n, "payloads": payloads} for n in range(500)]
    with pytest.raises(EventRefused, match="an interval in the year"):
        neutral_events(
            wire(intervalPeriod=period, intervals=intervals), VEN, lambda start, end: None
        )


@pytest.mark.parametrize("value", [10**400, -(10**400), 1e13, float("nan"), float("-inf")])
def test_numbers_beyond_all_units(value: float) -> None:
    """An integer of 400 digits ended the poll with an error."""
    event = wire().model_copy(update={"intervals": (with_value(value),)})
    with pytest.raises(EventRefused, match="IMPORT_CAPACITY_LIMIT of"):
        neutral_events(event, VEN, lambda start, end: None)


def with_value(value: float) -> WireInterval:
    payload = ValuesMap.model_construct(type="IMPORT_CAPACITY_LIMIT", values=(value,))
    return WireInterval.model_construct(id=0, intervalPeriod=None, payloads=(payload,))


def test_several_types_in_one_event() -> None:
    payloads = [
        {"type": "IMPORT_CAPACITY_LIMIT", "values": [2.0]},
        {"type": "PRICE", "values": [1.2]},
        {"type": "GHG", "values": [300]},
    ]
    found = neutral_events(
        wire(intervals=[{"id": 0, "payloads": payloads}]), VEN, lambda start, end: None
    )
    assert {event.kind: event.intervals[0].value for event in found} == {
        "import-cap": 2.0,
        "price": 1.2,
    }
    assert len({event.id for event in found}) == 2


def test_the_examples_of_the_standard_are_read() -> None:
    if not EXAMPLES.is_dir():
        pytest.skip("no ../shared/data/openadr3_examples")
    bodies = json.loads((EXAMPLES / "wire_examples.json").read_text(encoding="utf-8"))
    [events] = [each["body"] for each in bodies if each["n"] == 2]
    ven = Participation("site-1", "EUR", {"object-999": "example"})
    [price] = neutral_events(WireEvent.model_validate(events[0]), ven, lambda start, end: None)
    assert (price.kind, price.intervals[0].value, price.priority) == ("price", 0.17, 0)
    assert price.end - price.start == HOUR


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=True) | st.text(max_size=20),
    lambda each: (
        st.lists(each, max_size=3) | st.dictionaries(st.text(max_size=8), each, max_size=3)
    ),
    max_leaves=8,
)
PATHS = (
    ("id",), ("programID",), ("modificationDateTime",), ("priority",), ("targets",), ("duration",),
    ("payloadDescriptors",), ("intervalPeriod",), ("intervalPeriod", "start"), ("intervals",),
    ("intervalPeriod", "duration"), ("intervalPeriod", "randomizeStart"), ("intervals", 0),
    ("intervals", 0, "payloads"), ("intervals", 0, "payloads", 0, "type"),
    ("intervals", 0, "payloads", 0, "values"), ("intervals", 0, "payloads", 0, "values", 0),
    ("intervals", 0, "intervalPeriod"),
)  # fmt: skip


@given(st.lists(st.tuples(st.sampled_from(PATHS), JSON), min_size=1, max_size=3))
def test_any_body_is_read_or_refused_in_one_sentence(
    changed: list[tuple[tuple[Any, ...], Any]],
) -> None:
    data = json.loads(wire().model_dump_json())
    for path, value in changed:
        at = data
        try:
            for key in path[:-1]:
                at = at[key]
            at[path[-1]] = value
        except (TypeError, KeyError, IndexError):
            continue
    try:
        event = WireEvent.model_validate(data)
        found = neutral_events(event, VEN, lambda start, end: 4.0)
    except (ValidationError, EventRefused):
        return
    for each in found:
        assert all(math.isfinite(interval.value) for interval in each.intervals)
        assert each.revision > 0
