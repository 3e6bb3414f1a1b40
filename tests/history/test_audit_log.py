"""The log of commands: whatever is done to it shows, but for lines cut off at its end."""

from __future__ import annotations

import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest

from siteems.history.audit_log import FIRST, AuditLog, verify

NOON = datetime(2026, 7, 15, 4, 0, tzinfo=UTC)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A log of five entries."""
    log = AuditLog(tmp_path)
    for number in range(5):
        log.add(NOON, {"who": "ops", "command": "hold", "limit_kw": 0.1 * number, "note": "保持"})
    return log.path


def test_a_sound_log(path: Path) -> None:
    found = verify(path)
    assert (found.lines, found.problem) == (5, "")
    assert stat.S_IMODE(path.stat().st_mode) & 0o007 == 0
    before = found.last_hash
    AuditLog(path.parent).add(NOON, {"who": "ops"})
    assert verify(path).lines == 6
    assert f'"previous": "{before}"' in path.read_text(encoding="utf-8").splitlines()[-1]


def test_an_empty_log(tmp_path: Path) -> None:
    path = tmp_path / "audit.log"
    path.touch()
    assert verify(path).last_hash == FIRST


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (lambda lines: [lines[0], lines[1].replace("ops", "eve"), *lines[2:]], 2),
        (lambda lines: [*lines[:2], *lines[3:]], 3),
        (lambda lines: lines[1:], 1),
        (lambda lines: [lines[0], lines[2], lines[1], *lines[3:]], 2),
        (lambda lines: [*lines[:3], lines[2], *lines[3:]], 4),
        (lambda lines: [*lines[:4], lines[4][:20]], 5),
        (lambda lines: [*lines[:2], "", *lines[2:]], 3),
        (lambda lines: [*lines, "[]"], 6),
    ],
)
def test_a_change_shows(path: Path, change, line: int) -> None:  # type: ignore[no-untyped-def]
    lines = path.read_text(encoding="utf-8").splitlines()
    path.write_text("\n".join(change(lines)) + "\n", encoding="utf-8")
    found = verify(path)
    assert found.lines == line - 1
    assert found.problem.startswith(f"line {line}: ")


def test_after_an_unfinished_line_the_log_goes_on_and_the_break_shows(path: Path) -> None:
    path.write_text(path.read_text(encoding="utf-8")[:-30], encoding="utf-8")
    AuditLog(path.parent).add(NOON, {"who": "ops"})
    assert len(path.read_text(encoding="utf-8").splitlines()) == 6
    assert verify(path).problem == "line 5: not an entry"
