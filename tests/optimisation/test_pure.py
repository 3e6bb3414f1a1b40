"""The package is pure: it reaches neither files nor environment, clock, network or processes."""

import ast
from pathlib import Path

import pytest

import optimisation

FOLDER = Path(optimisation.__file__).parent
SOURCES = sorted(FOLDER.rglob("*.py"))
OUTSIDE = {
    "asyncio",
    "datetime",
    "io",
    "logging",
    "multiprocessing",
    "os",
    "pathlib",
    "pickle",
    "random",
    "shutil",
    "socket",
    "subprocess",
    "sys",
    "tempfile",
    "threading",
    "time",
}
"""Modules of the standard library that reach outside the process or its numbers."""

ALLOWED = {"solving/highs.py": {"pathlib"}}
"""The library of HiGHS has to be found."""


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: str(path.relative_to(FOLDER)))
def test_a_module_imports_nothing_that_reaches_outside(source):
    imported, called = set(), set()
    for node in ast.walk(ast.parse(source.read_text())):
        if isinstance(node, ast.Import):
            imported |= {name.name.partition(".")[0] for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            imported.add((node.module or "").partition(".")[0])
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            called.add(node.func.id)
    allowed = ALLOWED.get(source.relative_to(FOLDER).as_posix(), set())
    assert not (imported & OUTSIDE) - allowed
    assert not called & {"open", "print", "input"}
