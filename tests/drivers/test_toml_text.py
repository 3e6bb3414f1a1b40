"""TOML that no person writes is refused in one line, by every file that people write."""

from __future__ import annotations

from pathlib import Path

import pytest
from command_line import run_command

from drivers.toml_text import TomlError, read_toml

HOSTILE = {
    "nested-lists": "a = " + "[" * 3000 + "]" * 3000,
    "nested-tables": "a = " + "{b=" * 3000 + "1" + "}" * 3000,
    "long-key": ".".join(["a"] * 2000) + " = 1",
    "long-table": "[" + ".".join(["a"] * 2000) + "]",
    "long-number": "a = " + "9" * 5000,
    "long-negative": "a = -" + "9" * 5000,
    "broken": "a = [",
    "control": "a = '\x01'",
    "too-long": "#" * 10_000_001,
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_it_is_one_error(text: str) -> None:
    with pytest.raises(TomlError) as error:
        read_toml(text)
    assert "\n" not in str(error.value)


def test_usual_nesting_is_read() -> None:
    assert read_toml("[a.b]\nc = [{d = [[1, 2]]}]") == {"a": {"b": {"c": [{"d": [[1, 2]]}]}}}


COMMANDS = {
    "check": ("check", "{file}"),
    "devices show": ("devices", "show", "{file}"),
    "bill --map": ("bill", "{site}", "{data}", "--map", "{file}"),
    "dr settle": (
        "dr", "settle", "x", "{site}", "--programme={file}", "--bid=1kW", "--state={folder}",
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", ["nested-lists", "long-key", "long-number"])
@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_refuses_it(tmp_path: Path, command: str, kind: str) -> None:
    from siteems.config.seeds import seed_path

    file, data = tmp_path / "file.toml", tmp_path / "data.csv"
    file.write_text(HOSTILE[kind], encoding="utf-8")
    data.write_text("time,grid_import_kw\n2026-07-15,1\n2026-07-16,1\n", encoding="utf-8")
    names = {
        "file": file, "data": data, "site": seed_path("hangzhou-macro"), "folder": tmp_path,
    }  # fmt: skip
    code, _, messages = run_command(*(part.format(**names) for part in COMMANDS[command]))
    assert code == 2
    assert "file.toml" in messages
    assert "Traceback" not in messages
    assert len(messages.strip().splitlines()) == 1
