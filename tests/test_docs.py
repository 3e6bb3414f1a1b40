"""The pages under docs/ and the README name files, rooms, layers and commands that exist."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
import typer

from siteems.cli import app

ROOT = Path(__file__).parent.parent
PAGES = [
    ROOT / "README.md",
    ROOT / "CHANGELOG.md",
    ROOT / "benchmarks" / "README.md",
    ROOT / "seeds" / "README.md",
    *sorted((ROOT / "docs").glob("*.md")),
]
TOP = r"(?:siteems|optimisation|drivers|tests|docs|benchmarks|seeds)"
PATH = re.compile(rf"(?<![\w/.-]){TOP}/[\w./-]*\w\.(?:py|md|toml|csv|png|service|xml|json)\b")
FOLDER = re.compile(rf"(?<![\w/.-]){TOP}/[\w/]*/(?![\w.*<])")
LINK = re.compile(r"\]\((?!https?:|#)([^)#]+)")
COMMAND = re.compile(r"`siteems ([a-z][a-z-]*)(?: ([a-z][a-z-]*))?")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_paths_in_the_pages_exist(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    named = {match[0] for pattern in (PATH, FOLDER) for match in pattern.finditer(text)}
    missing = [path for path in sorted(named) if not (ROOT / path).exists()]
    missing += [link for link in LINK.findall(text) if not (page.parent / link).exists()]
    assert missing == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_in_the_pages_exist(page: Path) -> None:
    commands = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    groups = {name: each.commands for name, each in commands.items() if hasattr(each, "commands")}
    unknown = []
    for command, second in COMMAND.findall(page.read_text(encoding="utf-8")):
        in_group = second in groups.get(command, {second: None}) or not second
        if command not in commands or not in_group:
            unknown.append(f"{command} {second}")
    assert unknown == []


def test_the_architecture_page_lists_every_room() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    listed = set(re.findall(r"^\| `(\w+/\w+)/` \|", page, re.MULTILINE))
    rooms = {
        f"{package}/{folder.parent.name}"
        for package in ("siteems", "optimisation")
        for folder in (ROOT / package).glob("*/__init__.py")
    }
    rooms |= {f"drivers/{name}" for name in ("modbus", "dlt645", "sunspec", "simulated", "maps")}
    assert rooms - listed == set()
    assert {room for room in listed if not (ROOT / room).is_dir()} == set()


def test_the_architecture_page_has_the_layers_of_the_contract() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    block = page.split("### Layers")[1].split("```")[1]
    shown = [line.split() for line in block.strip().splitlines()]
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = settings["tool"]["importlinter"]["contracts"]
    layers = next(each["layers"] for each in contracts if each["type"] == "layers")
    assert shown == [layer.replace(":", " ").replace("|", " ").split() for layer in layers]
