"""Every code that drivers and solver give has a text, and their sources name no other."""

from __future__ import annotations

import re
from pathlib import Path
from types import ModuleType

import pytest

import drivers
import optimisation
from drivers.errors import (
    BadReply,
    DeviceError,
    DeviceRefused,
    DriverError,
    LinkDown,
    LinkTimeout,
    MapError,
    WriteRefused,
)
from drivers.trouble import trouble
from drivers.write_gate.records import WriteRecord
from siteems import planning
from siteems.gateway.command_log import trouble_in
from siteems.messages.driver_texts import DRIVER_TEXTS, message_of
from siteems.messages.message import Message
from siteems.operations.english import ENGLISH
from siteems.planning.remarks import PLAN_REMARKS

CODES = {each.code for each in DRIVER_TEXTS}


def sources_of(package: ModuleType) -> str:
    folder = Path(package.__path__[0])
    return "".join(each.read_text(encoding="utf-8") for each in folder.rglob("*.py"))


def test_every_code_of_the_solver_has_a_text() -> None:
    sources = sources_of(optimisation) + sources_of(planning)
    named = set(re.findall(r'\bremark\(\s*"([a-z-]+)"', sources))
    assert named == {each.code for each in PLAN_REMARKS}


def test_every_code_in_the_drivers_has_a_text() -> None:
    sources = sources_of(drivers)
    named = set(re.findall(r'\b[tT]rouble\(\s*"([a-z-]+)"', sources))
    named |= set(re.findall(r'\bkind(?:: ClassVar\[str\])? = "([a-z-]+)"', sources))
    assert len(named) > 12
    assert named <= CODES


@pytest.mark.parametrize(
    ("error", "code", "text"),
    [
        (LinkDown("no line"), "link-down", "no line"),
        (LinkTimeout("silent", sent=True), "no-answer", "silent"),
        (BadReply("odd"), "bad-reply", "odd"),
        (DeviceError("odd"), "driver-error", "odd"),
        (MapError("wrong"), "driver-error", "wrong"),
        (DeviceRefused("busy (code 6)", 6), "device-refused", "busy (code 6)"),
        (WriteRefused("smu", trouble("budget-used", budget=9)), "budget-used",
         "the budget of 9 writes a day is used up"),
    ],
)  # fmt: skip
def test_an_error_is_a_code_with_values(error: DriverError, code: str, text: str) -> None:
    message = message_of(error.trouble)
    assert message.code == code
    assert ENGLISH.text(message) == text
    assert Message.from_record(message.to_record()) == message


@pytest.mark.parametrize(
    ("why", "text"),
    [
        (trouble("reads-as", value=60.0), "float_v: mismatch, reads back as 60"),
        (trouble("outside-limits", low=42.0, high=58.0, unit="V"),
         "float_v: mismatch, must be within 42..58 V"),
        (trouble("means-no-setpoint", value=0.0, nearest=0.02, unit="kW"),
         "float_v: mismatch, 0 means no setpoint to this device; the nearest one is 0.02 kW"),
    ],
)  # fmt: skip
def test_the_trouble_of_a_write_is_a_sentence_only_where_it_is_shown(why, text: str) -> None:
    from datetime import UTC, datetime

    now = datetime(2026, 7, 15, tzinfo=UTC)
    record = WriteRecord(now, "smu", "float_v", 60.0, "siteems", "{}", "mismatch", why)
    message = trouble_in([record])
    assert message is not None
    assert message.as_dict() == {
        "code": "write-trouble", "point": "float_v", "outcome": "mismatch",
        "detail": {"code": why.code, **why.values},
    }  # fmt: skip
    assert ENGLISH.text(message) == text
