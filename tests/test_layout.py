"""How the code is laid out: what is at the root, how long files and lines are, which room may
import which.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from statistics import median

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("siteems", "optimisation", "drivers")
AT_THE_ROOT = {
    "__init__.py",
    "__main__.py",
    "clock.py",
    "controller.py",
    "errors.py",
    "ports.py",
    "py.typed",
}
LONGEST_FILE = 400
LONGEST_MEDIAN = 150
LONGEST_LINE = 100
PRAGMA = re.compile(r"  # (?:type: ignore|noqa|fmt:).*")
"""Comments for tools do not count, as in ruff."""
NO_PACKAGE = {"rigs", "data", "packaging"}
"""Folders of tests/ that belong to no Python package: shared helpers, small files, and the tests of
the folder packaging/.
"""


def python_files(*tops: str) -> list[Path]:
    return sorted(path for top in tops for path in (ROOT / top).rglob("*.py"))


def lines_of(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines()


def test_the_root_of_siteems_holds_only_what_every_room_needs() -> None:
    at_root = {path.name for path in (ROOT / "siteems").iterdir() if path.is_file()}
    assert at_root == AT_THE_ROOT


@pytest.mark.parametrize("top", [*PACKAGES, "tests", "benchmarks"])
def test_files_and_lines_are_short(top: str) -> None:
    lengths = {path: len(lines_of(path)) for path in python_files(top)}
    too_long = [f"{path}: {length}" for path, length in lengths.items() if length > LONGEST_FILE]
    assert too_long == []
    # An __init__.py that only says what its folder is for would make the median look better.
    assert median(n for path, n in lengths.items() if path.name != "__init__.py") < LONGEST_MEDIAN
    wide = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in lengths
        for number, line in enumerate(lines_of(path), start=1)
        if len(PRAGMA.sub("", line)) > LONGEST_LINE
    ]
    assert wide == []


def test_each_folder_of_tests_mirrors_a_package() -> None:
    folders = [path for path in (ROOT / "tests").rglob("*") if path.is_dir()]
    for folder in folders:
        parts = folder.relative_to(ROOT / "tests").parts
        if parts[0] in NO_PACKAGE or "__pycache__" in parts:
            continue
        mirrored = Path(*parts) if parts[0] in PACKAGES else Path("siteems", *parts)
        assert (ROOT / mirrored).exists() or (ROOT / mirrored).with_suffix(".py").exists(), folder


def test_every_room_has_tests() -> None:
    """A room without a test folder would be a room that nothing proves."""
    rooms = {path.parent.name for path in (ROOT / "siteems").glob("*/__init__.py")}
    assert {room for room in rooms if not (ROOT / "tests" / room).is_dir()} == set()


def test_every_package_says_what_it_is_for() -> None:
    for package in PACKAGES:
        for path in (ROOT / package).rglob("__init__.py"):
            assert path.read_text(encoding="utf-8").startswith('"""'), path


def test_the_layers_hold() -> None:
    done = subprocess.run(
        [sys.executable, "-c", "from importlinter.cli import lint_imports_command as run; run()"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 broken" in done.stdout
