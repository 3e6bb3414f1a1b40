"""What a hook gets of each kind of record."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from siteems.history.records import AlarmRecord
from siteems.messages.message import Message
from siteems.operations.alarm_catalogue import (
    ACKNOWLEDGED,
    DEVICE_FOLLOWING,
    DEVICE_NOT_FOLLOWING,
    FALLBACK_PLAN,
    MAINS_FAILED,
    MAINS_RETURNED,
)
from siteems.operations.alarm_message import alarm_message
from siteems.operations.daemon_alarms import STOPPED

NOON = datetime(2026, 7, 15, 4, 0, tzinfo=UTC)
SEEN = ACKNOWLEDGED.at(NOON, who="ops", alarm="mains-failed", subject="", note="")


@pytest.mark.parametrize(
    ("alarm", "from_warning", "from_alarm"),
    [
        (DEVICE_NOT_FOLLOWING.at(NOON, device="smu", detail="x"), "raised", "raised"),
        (DEVICE_FOLLOWING.at(NOON, device="smu"), "cleared", "cleared"),
        (MAINS_FAILED.at(NOON), "raised", None),
        (MAINS_RETURNED.at(NOON), "cleared", None),
        (SEEN, "acknowledged", None),
        # It ends a warning and an alarm.
        (FALLBACK_PLAN.at(NOON), "cleared", "cleared"),
        (STOPPED.at(NOON), None, None),
        (AlarmRecord(NOON, "alarm", Message("of-a-later-version")), None, None),
    ],
)
def test_which_alarms_a_hook_gets(
    alarm: AlarmRecord, from_warning: str | None, from_alarm: str | None
) -> None:
    for level, state in (("warning", from_warning), ("alarm", from_alarm)):
        message = alarm_message(alarm, "hangzhou-macro", level)  # type: ignore[arg-type]
        assert (message and message["state"]) == state


def test_what_a_message_holds() -> None:
    alarm = DEVICE_NOT_FOLLOWING.at(NOON, device="smu", detail="refused")
    assert alarm_message(alarm, "hangzhou-macro", "warning") == {
        "site": "hangzhou-macro",
        "time": "2026-07-15T04:00:00+00:00",
        "state": "raised",
        "codes": ["device-not-following"],
        "subject": "smu",
        "level": "alarm",
        "text": "smu does not take its setpoints: refused",
        "what_to_do": DEVICE_NOT_FOLLOWING.remedy,
    }
