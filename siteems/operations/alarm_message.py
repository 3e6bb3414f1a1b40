"""What a hook gets of an alarm, and which alarms it gets. Pure."""

from __future__ import annotations

from typing import Any, Final, Literal

from siteems.history.records import AlarmLevel, AlarmRecord
from siteems.operations.alarm_catalogue import ACKNOWLEDGED
from siteems.operations.alarm_states import BY_CODE, subject_of
from siteems.operations.english import ENGLISH

SEVERITY: Final[dict[AlarmLevel, int]] = {"info": 0, "warning": 1, "alarm": 2}


def alarm_message(
    alarm: AlarmRecord, site_id: str, level: Literal["warning", "alarm"]
) -> dict[str, Any] | None:
    """The message of a hook that gets alarms from `level` on; None for an alarm that it does not
    get. Its `state` is raised, acknowledged or cleared; times are ISO 8601 UTC.
    """
    kind = BY_CODE.get(alarm.code)
    if kind is None:
        return None
    values = alarm.message.values
    state, subject = "raised", subject_of(alarm)
    codes: tuple[str, ...] = (alarm.code,)
    if kind is ACKNOWLEDGED:
        state, codes, subject = "acknowledged", (str(values["alarm"]),), str(values["subject"])
    elif kind.clears:
        state, codes = "cleared", kind.clears
    about = [BY_CODE[code] for code in codes if code in BY_CODE]
    if not any(SEVERITY[each.level] >= SEVERITY[level] for each in about):
        return None
    return {
        "site": site_id,
        "time": alarm.time.isoformat(),
        "state": state,
        "codes": list(codes),
        "subject": subject,
        "level": max((each.level for each in about), key=SEVERITY.__getitem__),
        "text": ENGLISH.text(alarm.message),
        "what_to_do": kind.remedy if state == "raised" else "",
    }
