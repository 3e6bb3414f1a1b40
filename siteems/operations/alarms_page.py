"""`docs/alarms.md`, made from the catalogue: `python -m siteems.operations.alarms_page FILE`."""

from __future__ import annotations

import re
import sys
from pathlib import Path

from siteems.operations.alarm_catalogue import ALARMS
from siteems.operations.alarm_type import AlarmType

HEAD = """\
# Alarms

Made from the catalogue in `siteems/operations/alarm_catalogue.py` with
`python -m siteems.operations.alarms_page docs/alarms.md`; do not edit this page.

An alarm is recorded when it is raised. Some alarms have a matching alarm of level `info`, recorded
when the condition ends: such a lasting alarm stands until then, also over restarts of the daemon.
The others say what happened; they stand until they are acknowledged, at most for seven days.
`siteems alarms` shows what stands with what to do (docs/operations.md), `siteems status` the newest
of a day. The record keeps all (docs/record.md), and each is a line in the log of the daemon.

| alarm | level | |
|---|---|---|
"""


def alarms_page() -> str:
    """The whole page in Markdown."""
    rows = "\n".join(f"| [`{a.code}`](#{a.code}) | {a.level} | {_text(a)} |" for a in ALARMS)
    cleared_by = {code: each.code for each in ALARMS for code in each.clears}
    return "\n\n".join([HEAD + rows, *(_section(each, cleared_by) for each in ALARMS)]) + "\n"


def _section(alarm: AlarmType, cleared_by: dict[str, str]) -> str:
    ends = [f"Clears `{code}`." for code in alarm.clears]
    if alarm.code in cleared_by:
        ends.append(f"Cleared by `{cleared_by[alarm.code]}`.")
    paragraphs = [f"## {alarm.code}", alarm.meaning, f"What to do: {alarm.remedy}"]
    return "\n\n".join(paragraphs + ([" ".join(ends)] if ends else []))


def _text(alarm: AlarmType) -> str:
    """The text of an alarm with the names of its values in place of the values."""
    return re.sub(r"{(\w+)[^}]*}", r"*\1*", alarm.template)


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(alarms_page(), encoding="utf-8")
