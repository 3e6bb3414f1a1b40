"""`docs/alarms.md`, made from the catalogue: `python -m siteems.operations.alarms_page FILE`."""

from __future__ import annotations

import sys
from pathlib import Path

from siteems.operations.alarms import ALARMS, AlarmType

HEAD = """\
# Alarms

Made from the catalogue in `siteems/operations/alarms.py`; do not edit by hand. An alarm is recorded when
it is raised. Where an alarm of level `info` clears it, that one is recorded when the condition has ended.
"""


def alarms_page() -> str:
    """The whole page in Markdown."""
    cleared_by = {code: each.code for each in ALARMS for code in each.clears}
    return "\n".join([HEAD, *(_section(each, cleared_by) for each in ALARMS)])


def _section(alarm: AlarmType, cleared_by: dict[str, str]) -> str:
    lines = [
        f"## `{alarm.code}` ({alarm.level})",
        "",
        f"> {alarm.template}",
        "",
        f"{alarm.meaning}  ",
        f"What to do: {alarm.remedy}",
    ]
    if alarm.clears:
        lines[-1] += "  "
        lines.append("Clears " + " and ".join(f"`{code}`" for code in alarm.clears) + ".")
    if alarm.code in cleared_by:
        lines[-1] += "  "
        lines.append(f"Cleared by `{cleared_by[alarm.code]}`.")
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(alarms_page(), encoding="utf-8")
