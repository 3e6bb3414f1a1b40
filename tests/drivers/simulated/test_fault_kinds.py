"""The table of fault kinds, and the page that lists it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import pytest

from drivers.simulated.fault_kinds import FAULT_TYPES, FaultKind, cannot_happen
from drivers.simulated.faults import Fault

PAGE = Path(__file__).parents[3] / "docs" / "faults.md"


def test_every_kind_has_a_type() -> None:
    assert tuple(FAULT_TYPES) == get_args(FaultKind)


def test_the_page_lists_every_kind_with_what_it_needs() -> None:
    rows = []
    for kind, fault in FAULT_TYPES.items():
        needs = ["`point`"] if fault.of_point else []
        needs += [f"`value` ({fault.value})"] if fault.value else []
        rows.append(f"| `{kind}` | {fault.meaning} | {', '.join(needs) or '-'} |")
    listed = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line[:3] == "| `"]
    assert listed[: len(rows)] == rows


def test_the_page_describes_what_follows_from_every_kind() -> None:
    follows = PAGE.read_text(encoding="utf-8").split("## What the controller does")[1]
    described = set(re.findall(r"`([a-z-]+)`", follows))
    assert set(FAULT_TYPES) <= described


@pytest.mark.parametrize("kind", get_args(FaultKind))
def test_point_and_value_are_what_the_kind_needs(kind: FaultKind) -> None:
    point = "bus_v" if FAULT_TYPES[kind].of_point else None
    value = 1.0 if FAULT_TYPES[kind].value else None
    assert Fault(kind, 1, point, value).kind == kind
    with pytest.raises(ValueError, match="point"):
        Fault(kind, 1, None if point else "bus_v", value)
    with pytest.raises(ValueError, match="value"):
        Fault(kind, 1, point, None if value else 1.0)


def test_what_is_impossible_for_a_meter_and_without_a_checksum() -> None:
    def impossible(**where: bool) -> set[str]:
        return {kind for kind in get_args(FaultKind) if cannot_happen(kind, **where)}

    assert impossible(on_a_line=True, to_a_meter=False) == set()
    assert impossible(on_a_line=False, to_a_meter=False) == {
        "wrong-checksum",
        "echo",
        "repeated-answer",
        "another-master",
    }
    assert impossible(on_a_line=True, to_a_meter=True) == {
        "silent-block",
        "refused-block",
        "another-master",
        "reversion",
        "new-firmware",
        "word-swap",
        "refused-write",
        "clamped-write",
        "coarse-write",
        "late-write",
        "ignored-write",
        "no-effect",
        "reversed-write",
    }
