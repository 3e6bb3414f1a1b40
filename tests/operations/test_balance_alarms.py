"""Powers of the bus that do not agree, and a power that is estimated: raised and cleared once."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from control_cases import image

from siteems.history.records import AlarmRecord
from siteems.operations.alarm_states import alarm_states
from siteems.operations.balance_alarms import BalanceAlarms
from siteems.operations.english import ENGLISH

NOON = datetime(2026, 7, 15, 4, tzinfo=UTC)
SECOND = timedelta(seconds=1)


class Bench:
    """The alarms on a clock of one second."""

    def __init__(self) -> None:
        self.now, self.reported = NOON, list[AlarmRecord]()
        self.alarms = BalanceAlarms(self.reported.append, has_pv=True)

    def run(self, seconds: int, estimated: dict[str, float] | None = None, **powers: float) -> None:
        for _ in range(seconds):
            self.now += SECOND
            self.alarms.update(replace(image(self.now, **powers), estimated=estimated or {}))

    def codes(self) -> list[str]:
        return [alarm.code for alarm in self.reported]


def test_an_imbalance_is_raised_and_cleared_once() -> None:
    bench = Bench()
    bench.run(300)
    assert bench.codes() == []
    bench.run(600, dc_load_kw=0.0)
    assert bench.codes() == ["bus-unbalanced"]
    text = ENGLISH.text(bench.reported[0].message)
    assert "+3.00 kW more than load and battery take" in text
    bench.run(600)
    assert bench.codes() == ["bus-unbalanced", "bus-balanced"]
    (over,) = alarm_states(bench.reported, bench.now, None)
    assert over.state == "cleared"


def test_a_power_that_is_estimated() -> None:
    bench = Bench()
    for _ in range(3):
        bench.run(30, {"dc_load_kw": 0.3})
        bench.run(1)
    assert bench.codes() == [], "a read that fails now and then"
    bench.run(300, {"dc_load_kw": 0.3})
    assert bench.codes() == ["power-estimated"]
    assert ENGLISH.text(bench.reported[0].message) == (
        "the telecom load is not measured; it follows from the other powers of the bus, within "
        "0.30 kW"
    )
    (standing,) = alarm_states(bench.reported, bench.now, None)
    assert (standing.state, standing.subject) == ("raised", "telecom-load")
    bench.run(300, {"pv_kw": 0.2})
    assert sorted(bench.codes()[1:]) == ["power-estimated", "power-measured"]
    states = {each.subject: each.state for each in alarm_states(bench.reported, bench.now, None)}
    assert states == {"telecom-load": "cleared", "pv-power": "raised"}
