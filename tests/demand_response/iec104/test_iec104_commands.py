"""Commands of a control room: events, their end without the master, refusals."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from siteems.demand_response.event import DrEvent
from siteems.demand_response.iec104.commands import Commands
from siteems.demand_response.iec104.objects import Objects, read_objects
from siteems.errors import UserError

NOW = datetime(2026, 7, 15, 4, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
CAP, POWER, CHARGE, REDUCTION, DURATION, EMERGENCY, RELEASE = (
    4001, 4002, 4003, 4004, 4010, 4101, 4102,
)  # fmt: skip


class Log:
    def __init__(self) -> None:
        self.newest: dict[str, DrEvent] = {}
        self.refusal: str | None = None

    def add(self, event: DrEvent) -> None:
        before = self.newest.get(event.id)
        assert before is None or event.revision > before.revision
        self.newest[event.id] = event

    def refuse(self, event: DrEvent, others: Iterable[DrEvent], now: datetime) -> str | None:
        return self.refusal

    def open(self, now: datetime = NOW) -> dict[str, float]:
        return {
            event.kind: event.intervals[0].value
            for event in self.newest.values()
            if not event.cancelled and event.end > now
        }


@pytest.fixture
def log() -> Log:
    return Log()


@pytest.fixture
def commands(log: Log) -> Commands:
    return Commands(read_objects(None), log, log.refuse, lambda start, end: 4.0, 15.0, ())


def test_a_command_ends_by_itself(commands: Commands, log: Log) -> None:
    assert commands.execute(CAP, 1.5, NOW) is None
    assert log.open() == {"import-cap": 1.5}
    assert log.open(NOW + 15 * MINUTE) == {}
    commands.execute(CAP, 1.0, NOW + 10 * MINUTE)
    assert log.open(NOW + 20 * MINUTE) == {"import-cap": 1.0}, "and anew from when it is sent again"
    assert len(log.newest) == 1, "the same event"


def test_all_kinds_and_their_duration(commands: Commands, log: Log) -> None:
    assert commands.execute(DURATION, 60.0, NOW) is None
    for address, value in ((POWER, -2.0), (CHARGE, 0.8), (REDUCTION, 1.0), (EMERGENCY, 1.0)):
        assert commands.execute(address, value, NOW) is None
    assert log.open(NOW + 59 * MINUTE) == {
        "battery-power": -2.0, "charge-state": 0.8, "reduction": 1.0, "emergency": 0.0,
    }  # fmt: skip
    assert log.newest["iec104:reduction"].intervals[0].baseline_kw == 4.0
    assert commands.execute(EMERGENCY, 0.0, NOW + MINUTE) is None
    assert "emergency" not in log.open(NOW + MINUTE)
    assert commands.execute(RELEASE, 1.0, NOW + 2 * MINUTE) is None
    assert log.open(NOW + 2 * MINUTE) == {}


def test_a_check_changes_nothing(commands: Commands, log: Log) -> None:
    assert commands.check(CAP, 1.5, NOW) is None
    assert commands.check(CAP, -1.5, NOW) is not None
    assert log.newest == {}


@pytest.mark.parametrize(
    ("address", "value", "says"),
    [
        (CAP, -1.0, "has the value -1 kW|-1.0 kW"),
        (CAP, 1e9, "allowed: 0 to 1e"),
        (CAP, float("nan"), "no number"),
        (CHARGE, 1.5, "allowed: 0 to 1"),
        (DURATION, 0.0, "a duration of 0 min; allowed: 1 to 1440"),
        (DURATION, 1e6, "allowed: 1 to 1440"),
        (DURATION, float("nan"), "a duration of nan"),
        (RELEASE, 0.0, "off means nothing"),
    ],
)
def test_what_is_refused(
    commands: Commands, log: Log, address: int, value: float, says: str
) -> None:
    why = commands.execute(address, value, NOW)
    assert why is not None
    assert re.search(says, why)
    assert log.newest == {}


def test_what_the_site_file_does_not_allow(commands: Commands, log: Log) -> None:
    log.refusal = "demand_response.kinds"
    assert commands.execute(CAP, 1.5, NOW) == "demand_response.kinds"
    no_baseline = Commands(read_objects(None), log, log.refuse, lambda *_: None, 15.0, ())
    assert no_baseline.execute(REDUCTION, 1.0, NOW) == "no baseline is known yet"
    assert log.newest == {}


def test_a_clock_that_was_put_back_makes_no_older_revision(commands: Commands, log: Log) -> None:
    commands.execute(CAP, 1.5, NOW)
    commands.execute(CAP, 2.0, NOW - 60 * MINUTE)
    assert log.open(NOW - 50 * MINUTE) == {"import-cap": 2.0}


def test_after_a_restart_the_record_is_gone_on_with(commands: Commands, log: Log) -> None:
    commands.execute(CAP, 1.5, NOW)
    again = Commands(
        read_objects(None), log, log.refuse, lambda *_: None, 15.0, log.newest.values()
    )
    again.execute(RELEASE, 1.0, NOW + MINUTE)
    assert log.open(NOW + MINUTE) == {}


# -- the table -------------------------------------------------------------------------------------


def test_the_page_has_the_table_of_objects() -> None:
    """docs/iec104.md shows each address with what it is."""
    page = (Path(__file__).parents[3] / "docs" / "iec104.md").read_text(encoding="utf-8")
    objects: Objects = read_objects(None)
    for each in objects.measured:
        assert f"| {each.address} | `{each.value}` | {each.unit} | {each.deadband:g} |" in page
    for command in objects.command:
        mode = "select and execute" if command.select else "direct"
        assert f"| {command.address} | {command.does} | {command.unit} | {mode} |" in page


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "measured"),
        ("measured = 7", "measured"),
        ('[[measured]]\naddress = 0\nvalue = "soc"\nunit = "1"\ndeadband = 0', "address = 0"),
        ('[[measured]]\naddress = 1\nvalue = "x"\nunit = "1"\ndeadband = 0', "value = 'x'|x"),
        (
            '[[measured]]\naddress = 1\nvalue = "soc"\nunit = "1"\ndeadband = 0\n' * 2,
            "two objects have the address 1",
        ),
        ("[[", "is not TOML"),
    ],
)
def test_a_table_with_an_error(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "objects.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UserError, match=says) as error:
        read_objects(str(path))
    assert all("objects.toml" in line for line in error.value.lines)
