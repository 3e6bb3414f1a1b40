"""The state of alarms as a table: what was recorded, and what stands after it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from siteems.history.records import AlarmRecord
from siteems.messages.message import Message
from siteems.operations.alarm_catalogue import (
    ACKNOWLEDGED,
    ANOTHER_MASTER,
    CAP_EXCEEDED,
    DEVICE_FOLLOWING,
    DEVICE_NOT_FOLLOWING,
    DEVICE_RESTARTED,
    DRIVING,
    FALLBACK_LAST_PLAN,
    FALLBACK_PLAN,
    FALLBACK_RULES,
    MAINS_RETURNED,
    RELEASED,
)
from siteems.operations.alarm_states import LASTING, NOTICE_STANDS, AlarmState, alarm_states
from siteems.operations.daemon_alarms import CLOCK_SET

NOON = datetime(2026, 7, 15, 4, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


def at(hours: float) -> datetime:
    return NOON + hours * HOUR


def not_following(hours: float, device: str = "smu") -> AlarmRecord:
    return DEVICE_NOT_FOLLOWING.at(at(hours), device=device, detail="refused")


def following(hours: float, device: str = "smu") -> AlarmRecord:
    return DEVICE_FOLLOWING.at(at(hours), device=device)


def seen(hours: float, code: str, subject: str = "") -> AlarmRecord:
    return ACKNOWLEDGED.at(at(hours), who="ops", alarm=code, subject=subject, note="on my way")


def released(hours: float) -> AlarmRecord:
    return RELEASED.at(at(hours), reason="no state of charge")


def clock_set(hours: float) -> AlarmRecord:
    return CLOCK_SET.at(at(hours), by_s=60.0)


def states(
    records: Sequence[AlarmRecord], hours: float = 3.0, started: float | None = 0.0
) -> list[str]:
    """Code, subject and state of each alarm."""
    start = None if started is None else at(started)
    found = alarm_states(records, at(hours), start)
    return [f"{a.alarm.code} {a.subject} {a.state}".replace("  ", " ") for a in found]


RAISED, CLEARED = "device-not-following smu raised", "device-not-following smu cleared"


@pytest.mark.parametrize(
    ("records", "expected"),
    [
        ([], []),
        ([not_following(1)], [RAISED]),
        ([not_following(1), following(2)], [CLEARED]),
        ([following(1)], []),
        ([not_following(1), following(2, "mppt")], [RAISED]),
        ([not_following(1), MAINS_RETURNED.at(at(2))], [RAISED]),
        ([not_following(1), not_following(2)], [RAISED]),
        ([not_following(1), following(1.5), not_following(2)], [RAISED, CLEARED]),
        (
            [not_following(1), seen(2, "device-not-following", "smu")],
            ["device-not-following smu acknowledged"],
        ),
        ([not_following(1), seen(2, "device-not-following", "mppt")], [RAISED]),
        ([not_following(1), seen(2, "device-not-following", "smu"), following(2.5)], [CLEARED]),
        ([seen(0.5, "device-not-following", "smu"), not_following(1)], [RAISED]),
        (
            [FALLBACK_LAST_PLAN.at(at(1), reason="x"), FALLBACK_RULES.at(at(2), reason="y")],
            ["fallback-rules raised", "fallback-last-plan raised"],
        ),
        (
            [
                FALLBACK_LAST_PLAN.at(at(1), reason="x"),
                FALLBACK_RULES.at(at(2), reason="y"),
                FALLBACK_PLAN.at(at(2.5)),
            ],
            ["fallback-rules cleared", "fallback-last-plan cleared"],
        ),
        ([clock_set(1)], ["clock-set raised"]),
        ([clock_set(1), seen(2, "clock-set")], ["clock-set cleared"]),
        ([clock_set(1), seen(2, "clock-set"), clock_set(2.5)], ["clock-set raised"]),
        ([AlarmRecord(at(1), "alarm", Message("of-a-later-version"))], []),
        ([ANOTHER_MASTER.at(at(1), link="cabinet")], ["another-master cabinet raised"]),
    ],
)
def test_what_stands(records: Sequence[AlarmRecord], expected: list[str]) -> None:
    assert states(records) == expected


@pytest.mark.parametrize(
    ("now", "expected"),
    [(2.1, ["released raised"]), (2.2, ["released cleared"])],
)
def test_an_alarm_that_a_new_run_does_not_raise_ended_before_it(
    now: float, expected: list[str]
) -> None:
    assert states([released(1)], now, started=2.0) == expected
    assert states([released(1)], now, started=None) == ["released raised"]


def test_an_alarm_that_a_new_run_raises_again_is_the_same() -> None:
    records = [released(1), seen(1.5, "released"), released(2.03)]
    (alarm,) = alarm_states(records, at(5), at(2))
    assert (alarm.state, alarm.since, alarm.count) == ("acknowledged", at(1), 2)
    (alarm,) = alarm_states([*records, DRIVING.at(at(4))], at(5), at(2))
    assert (alarm.state, alarm.since, alarm.cleared) == ("cleared", at(1), at(4))


def test_a_notice_does_not_stand_for_ever() -> None:
    (alarm,) = alarm_states([clock_set(0)], NOON + NOTICE_STANDS, at(1))
    assert (alarm.state, alarm.cleared) == ("cleared", NOON + NOTICE_STANDS)
    (alarm,) = alarm_states([clock_set(0)], NOON + NOTICE_STANDS - HOUR, at(1))
    assert alarm.state == "raised"


def test_what_is_new_and_severe_comes_first() -> None:
    records = [
        clock_set(1),
        not_following(1.1, "a"),
        CAP_EXCEEDED.at(at(1.2), grid_kw=2.0, cap_kw=1.0, reason="x"),
        DEVICE_RESTARTED.at(at(1.3), device="b", points="p"),
        seen(1.4, "device-not-following", "a"),
        not_following(0.5, "c"),
        following(0.6, "c"),
    ]
    assert [state.split()[0] for state in states(records)] == [
        "cap-exceeded",
        "device-restarted",
        "clock-set",
        "device-not-following",
        "device-not-following",
    ]


def test_what_has_an_end_is_known_from_the_catalogue() -> None:
    assert {"released", "mains-failed", "cap-exceeded", "plan-error"} <= LASTING
    assert not {"clock-set", "driving", "cap-below-ac-load"} & LASTING


def test_text_of_an_alarm_from_the_record_is_kept() -> None:
    """As a record holds it: through JSON, with its subject."""
    kept = Message.from_record(not_following(1).message.to_record())
    (alarm,) = alarm_states([AlarmRecord(at(1), "alarm", kept)], at(2), None)
    assert isinstance(alarm, AlarmState)
    assert alarm.subject == "smu"
