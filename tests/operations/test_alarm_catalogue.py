"""The catalogue of alarms: unique codes, complete entries, and the page that is made from it."""

from __future__ import annotations

from pathlib import Path
from string import Formatter

import pytest

from siteems.operations.alarm_catalogue import ALARMS
from siteems.operations.alarm_type import AlarmType
from siteems.operations.alarms_page import alarms_page

ROOT = Path(__file__).parents[2]


def test_codes_are_unique() -> None:
    codes = [each.code for each in ALARMS]
    assert len(set(codes)) == len(codes)
    assert len(codes) > 20


@pytest.mark.parametrize("alarm", ALARMS, ids=lambda alarm: alarm.code)
def test_every_entry_is_complete(alarm: AlarmType) -> None:
    assert alarm.meaning.endswith(".")
    assert alarm.remedy.endswith((".", ")"))
    fields = [name for _, name, _, _ in Formatter().parse(alarm.template) if name is not None]
    assert all(name.isidentifier() for name in fields), "values have names"
    known = {each.code: each for each in ALARMS}
    for code in alarm.clears:
        assert alarm.level == "info"
        assert known[code].level != "info"


def test_the_committed_page_is_the_catalogue_s() -> None:
    committed = (ROOT / "docs" / "alarms.md").read_text(encoding="utf-8")
    assert committed == alarms_page(), (
        "run: python -m siteems.operations.alarms_page docs/alarms.md"
    )
