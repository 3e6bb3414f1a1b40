"""Events of OpenADR 2.0b, as openleadr reads them: neutral events, or a refusal in one sentence."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from siteems.demand_response.event import LOWEST_PRIORITY, DrEvent
from siteems.demand_response.listing import EventRefused
from siteems.demand_response.openadr2.events import Participation, neutral_events

NOON = datetime(2026, 7, 15, 4, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
FAR = datetime(9999, 12, 31, 23, tzinfo=UTC)
VEN = Participation("site-1", "CNY", simple_caps_kw=(3.0, 1.5), capacity_kwh=20.0)


def wire(
    signal: str = "SIMPLE",
    kind: str = "level",
    value: Any = 1.0,
    unit: str | None = None,
    scale: str = "none",
    **descriptor: Any,
) -> dict[str, Any]:
    measurement = {} if unit is None else {"measurement": {"unit": unit, "scale": scale}}
    return {
        "event_descriptor": {
            "event_id": "e1",
            "modification_number": 0,
            "priority": 0,
            "market_context": "oadr://summer",
            "event_status": "far",
            "test_event": False,
            "created_date_time": NOON - HOUR,
            **descriptor,
        },
        "active_period": {"dtstart": NOON, "duration": HOUR},
        "event_signals": [
            {
                "signal_name": signal,
                "signal_type": kind,
                "intervals": [{"dtstart": NOON, "duration": HOUR, "signal_payload": value}],
                **measurement,
            }
        ],
        "response_required": "always",
    }


def read(event: dict[str, Any], baseline_kw: float | None = 4.0) -> DrEvent:
    [found] = neutral_events(event, VEN, lambda start, end: baseline_kw)
    return found


@pytest.mark.parametrize(
    ("signal", "kind", "value", "unit", "scale", "right"),
    [
        ("SIMPLE", "level", 1.0, None, "none", ("import-cap", 3.0)),
        ("simple", "level", 2, None, "none", ("import-cap", 1.5)),
        ("LOAD_DISPATCH", "setpoint", -2500.0, None, "none", ("battery-power", -2.5)),
        ("LOAD_DISPATCH", "setpoint", 2.5, "W", "k", ("battery-power", 2.5)),
        ("LOAD_DISPATCH", "delta", -1.5, "W", "k", ("reduction", 1.5)),
        ("ELECTRICITY_PRICE", "price", 1.2, None, "none", ("price", 1.2)),
        ("CHARGE_STATE", "setpoint", 15.0, "Wh", "k", ("charge-state", 0.75)),
    ],
)
def test_signals(
    signal: str, kind: str, value: float, unit: str | None, scale: str, right: tuple[str, float]
) -> None:
    event = read(wire(signal, kind, value, unit, scale))
    [interval] = event.intervals
    assert (event.kind, interval.value) == right
    assert (interval.start, interval.end) == (NOON, NOON + HOUR)
    assert (event.programme, event.source) == ("oadr://summer", "openadr2")
    assert interval.baseline_kw == (4.0 if right[0] == "reduction" else None)


def test_priorities_tests_and_cancellations() -> None:
    assert read(wire()).priority == LOWEST_PRIORITY, "0 means none"
    assert read(wire(priority=1)).priority == 1
    assert read(wire(test_event="trial")).test
    assert not read(wire(test_event="false")).test
    changed = read(wire(modification_number=3, event_status="cancelled"))
    assert (changed.revision, changed.cancelled) == (6, True)


def test_intervals_follow_each_other_and_start_at_random() -> None:
    event = wire()
    event["event_signals"][0]["intervals"] = [
        {"duration": HOUR, "signal_payload": 1.0},
        {"duration": HOUR, "signal_payload": 0.0},
        {"duration": HOUR, "signal_payload": 2.0},
    ]
    first, last = read(event).intervals
    assert (first.start, last.start) == (NOON, NOON + 2 * HOUR)
    event["active_period"]["tolerance"] = {"tolerate": {"startafter": timedelta(minutes=30)}}
    offset = read(event).intervals[0].start - NOON
    assert timedelta(0) <= offset < timedelta(minutes=30)
    assert read(event).intervals[0].start - NOON == offset
    others = [
        neutral_events(
            event, Participation(f"site-{n}", "CNY", simple_caps_kw=(3.0, 1.5)), read_none
        )
        for n in range(20)
    ]
    assert len({each[0].start for each in others}) > 10


def read_none(start: datetime, end: datetime) -> float | None:
    return None


def test_another_programme_is_not_for_this_site() -> None:
    winter = Participation("site-1", "CNY", frozenset({"oadr://winter"}))
    assert neutral_events(wire(), winter, read_none) == ()


def changed(path: tuple[Any, ...], value: Any) -> dict[str, Any]:
    event: Any = wire()
    at = event
    for key in path[:-1]:
        at = at[key]
    at[path[-1]] = value
    return event  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("event", "says"),
    [
        (wire(value=3.0), "SIMPLE level 3; openadr.simple_caps_kw has 2 levels"),
        (wire(value=math.nan), "a value of nan"),
        (wire(value=10**400), "a value of 1000"),
        (wire(value=True), "is no number"),
        (wire(value="2"), "is no number"),
        (wire("LOAD_DISPATCH", "setpoint", 1.0, "var"), "LOAD_DISPATCH in 'var'; allowed: W"),
        (wire("LOAD_DISPATCH", "setpoint", 1.0, "W", "x"), "the scale 'x'"),
        (wire("LOAD_DISPATCH", "delta", 1.0, "W", "k"), r"a change of \+1 kW; allowed: below 0"),
        (wire("CHARGE_STATE", "setpoint", 1.0, "%"), "CHARGE_STATE in '%'"),
        (wire("CHARGE_STATE", "setpoint", 99.0, "Wh", "k"), "allowed: 0 to 1"),
        (wire("BID_PRICE", "price", 1.0), "no signal that a site can follow: BID_PRICE price"),
        (wire(modification_number=-1), "modification number '-1'"),
        (wire(event_id=""), "an event without an id"),
        (changed(("active_period", "dtstart"), "noon"), "is no time"),
        (changed(("event_signals", 0, "intervals"), []), "0 intervals; allowed: 1 to 1000"),
        (changed(("event_signals", 0, "intervals"), [{}] * 10_000), "10000 intervals"),
        (changed(("event_signals", 0, "intervals", 0, "duration"), timedelta(0)), "without an end"),
        (changed(("event_signals", 0, "intervals", 0, "duration"), -HOUR), "a duration of"),
        (
            changed(("event_signals", 0, "intervals", 0, "dtstart"), FAR),
            "a time in the year 9999",
        ),
        (changed(("event_signals",), None), "an event without event_signals"),
        ({}, "an event without event_descriptor"),
    ],
)
def test_what_is_refused(event: dict[str, Any], says: str) -> None:
    with pytest.raises(EventRefused, match=says) as error:
        neutral_events(event, VEN, lambda start, end: 4.0)
    assert "\n" not in str(error.value)


def test_a_reduction_without_baseline_is_refused() -> None:
    with pytest.raises(EventRefused, match="no baseline is known yet"):
        read(wire("LOAD_DISPATCH", "delta", -1.0, "W", "k"), None)


ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=10)
    | st.datetimes()
    | st.timedeltas(),
    lambda each: (
        st.lists(each, max_size=3) | st.dictionaries(st.text(max_size=8), each, max_size=3)
    ),
    max_leaves=6,
)
PATHS = (
    ("event_descriptor",), ("event_descriptor", "event_id"), ("event_descriptor", "priority"),
    ("event_descriptor", "modification_number"), ("event_descriptor", "created_date_time"),
    ("event_descriptor", "market_context"), ("event_descriptor", "test_event"),
    ("active_period",), ("active_period", "dtstart"), ("active_period", "tolerance"),
    ("event_signals",), ("event_signals", 0), ("event_signals", 0, "signal_name"),
    ("event_signals", 0, "intervals"), ("event_signals", 0, "intervals", 0),
    ("event_signals", 0, "intervals", 0, "duration"), ("event_signals", 0, "measurement"),
    ("event_signals", 0, "intervals", 0, "dtstart"),
    ("event_signals", 0, "intervals", 0, "signal_payload"),
)  # fmt: skip


@given(st.sampled_from(PATHS), ANYTHING)
def test_any_event_is_read_or_refused(path: tuple[Any, ...], value: Any) -> None:
    try:
        found = neutral_events(changed(path, value), VEN, lambda start, end: 4.0)
    except EventRefused:
        return
    for event in found:
        assert all(math.isfinite(interval.value) for interval in event.intervals)


@pytest.mark.parametrize(
    ("targets", "groups", "is_ours"),
    [
        ([], [], True),
        ([{"ven_id": "ven-7"}], [], True),
        ([{"ven_id": "site-1"}], [], True),
        ([{"ven_id": "ven-8"}], [], False),
        ([{"ven_id": "ven-8"}, {"ven_id": "ven-7"}], [], True),
        ([{"group_id": "feeder-7"}], [], True),
        ([{"group_id": "feeder-7"}], ["feeder-7"], True),
        ([{"group_id": "feeder-8"}], ["feeder-7"], False),
        ([{"group_id": "feeder-8"}, {"ven_id": "ven-8"}], [], False),
        ([{"resource_id": "battery"}], ["battery", "feeder-7"], True),
        ("nonsense", [], True),
    ],
)
def test_targets(targets: Any, groups: list[str], is_ours: bool) -> None:
    ven = replace(VEN, ven_id="ven-7", targets=frozenset(groups))
    found = neutral_events({**wire(), "targets": targets}, ven, read_none)
    assert bool(found) is is_ours


def test_a_price_is_per_kwh_in_the_currency_of_the_site() -> None:
    def price(name: str, unit: str, scale: str) -> float:
        event = wire("ELECTRICITY_PRICE", "price", 1.2, unit=unit, scale=scale)
        event["event_signals"][0]["measurement"]["name"] = name
        return neutral_events(event, VEN, read_none)[0].intervals[0].value

    assert price("currencyPerKWh", "CNY", "none") == 1.2
    assert price("currencyPerKWh", "CNY", "m") == pytest.approx(0.0012)
    allowed = "allowed: currencyPerKWh in CNY"
    for name, unit in (("currencyPerKWh", "USD"), ("currencyPerKW", "CNY"), ("currency", "CNY")):
        with pytest.raises(EventRefused, match=allowed):
            price(name, unit, "none")
