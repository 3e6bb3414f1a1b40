"""Every message type has its own code, and each call hands in exactly the values of its text."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from string import Formatter

import pytest

import siteems
from siteems.control import reasons as control_reasons
from siteems.messages.message import Catalogue, MessageType
from siteems.operations import alarm_catalogue as alarms
from siteems.operations import (
    bus_alarm_types,
    daemon_alarms,
    event_alarm_types,
    meter_alarms,
    record_alarm_types,
)
from siteems.operations.alarm_catalogue import ALARMS
from siteems.operations.english import ENGLISH
from siteems.planning import reasons as planning_reasons

ALARM_MODULES = (
    alarms,
    bus_alarm_types,
    daemon_alarms,
    event_alarm_types,
    meter_alarms,
    record_alarm_types,
)
TYPES = {
    name: value
    for module in (*ALARM_MODULES, control_reasons, planning_reasons)
    for name, value in vars(module).items()
    if isinstance(value, MessageType)
}
SOURCES = sorted(Path(siteems.__file__).parent.rglob("*.py"))


def fields(template: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(template) if name is not None}


def test_codes_are_unique_across_all_catalogues() -> None:
    codes = [each.code for each in TYPES.values()]
    assert len(set(codes)) == len(codes) == len(TYPES)
    with pytest.raises(ValueError, match="two message types have the code mains-failed"):
        Catalogue([*ALARMS, alarms.MAINS_FAILED])


@pytest.mark.parametrize("kind", TYPES.values(), ids=lambda kind: kind.code)
def test_the_catalogue_knows_every_type(kind: MessageType) -> None:
    """A text without fields is shown as it is; one with fields needs them."""
    shown = ENGLISH.text(kind())
    assert shown == (kind.code if fields(kind.template) else kind.template)


def type_of(node: ast.expr) -> MessageType | None:
    """The message type that an expression names: `NAME` or `module.NAME`."""
    name = node.id if isinstance(node, ast.Name) else getattr(node, "attr", None)
    return TYPES.get(name or "")


def calls(path: Path) -> Iterator[tuple[int, MessageType, set[str]]]:
    """The calls that make a message: line, type, and the names of the values."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Call):
            continue
        at = isinstance(node.func, ast.Attribute) and node.func.attr == "at"
        kind = type_of(node.func.value if at else node.func)  # type: ignore[attr-defined]
        if kind is not None:
            yield node.lineno, kind, {keyword.arg or "**" for keyword in node.keywords}


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.name)
def test_every_call_hands_in_the_values_of_the_text(path: Path) -> None:
    for line, kind, given in calls(path):
        assert given == fields(kind.template), f"{path}:{line}: {kind.code}"


def test_every_type_is_used() -> None:
    """Named somewhere outside its catalogue."""
    catalogues = {Path(m.__file__) for m in (*ALARM_MODULES, control_reasons, planning_reasons)}
    used = {"PLAN_ERROR", "PLAN_INFEASIBLE", "PLAN_UNBOUNDED"}  # by status, in PLAN_ALARMS
    for path in SOURCES:
        if path not in catalogues:
            tree = ast.parse(path.read_text(encoding="utf-8"))
            used |= {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
            used |= {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    assert used >= TYPES.keys(), TYPES.keys() - used


def test_no_alarm_code_is_a_plain_string_elsewhere() -> None:
    """Codes without a hyphen are left out: such a term, as in `measured`, has other uses too."""
    codes = {each.code for each in ALARMS if "-" in each.code}
    allowed = {f"{m.__name__.rpartition('.')[2]}.py" for m in ALARM_MODULES} | {"former_codes.py"}
    for path in SOURCES:
        if path.name not in allowed:
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Constant):
                    assert node.value not in codes, f"{path}:{node.lineno}"


def test_the_alarms_of_failed_plans_take_a_reason() -> None:
    for kind in alarms.PLAN_ALARMS.values():
        assert fields(kind.template) == {"reason"}
