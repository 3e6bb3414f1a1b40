"""A problem in a file that people write, and the line that reports it."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

KeyPath = tuple[str | int, ...]
"""Keys of tables and indices of lists, from the top of the file. Indices count from 0."""

BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
LONGEST_TEXT = 60
"""A longer value is shortened, so that a report stays one line."""


@dataclass(frozen=True)
class ValidationError:
    """What is wrong with the value at a key path, and what is allowed there."""

    key_path: KeyPath
    wrong: str
    allowed: str

    def line(self, file: str, data: Mapping[str, Any]) -> str:
        """`file: key.path = value: what is wrong; what is allowed`, on one line.

        `data` is the content of the file, from which the value is taken. Tables and lists are
        not shown.
        """
        key = key_text(self.key_path)
        value = value_text(value_at(data, self.key_path))
        subject = f"{key} = {value}" if value else key
        return " ".join(f"{file}: {subject}: {self.wrong}; {self.allowed}".split())


def key_text(key_path: KeyPath) -> str:
    """A key path as TOML users write it: `devices[1].unit` for ("devices", 1, "unit")."""
    text = ""
    for part in key_path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            text += ("." if text else "") + (part if BARE_KEY.fullmatch(part) else json.dumps(part))
    return text


def value_at(data: Mapping[str, Any], key_path: KeyPath) -> Any:
    """The value at a key path; None if there is none."""
    value: Any = data
    for part in key_path:
        try:
            value = value[part]
        except (KeyError, IndexError, TypeError):
            return None
    return value


def value_text(value: object) -> str:
    """A single value as TOML has it, shortened; empty for tables, lists and None."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        text = value if len(value) <= LONGEST_TEXT else value[: LONGEST_TEXT - 3] + "..."
        return json.dumps(text, ensure_ascii=False)
    if isinstance(value, int | float | date):
        return str(value)
    return ""


def choices(given: str, known: Iterable[str]) -> str:
    """`did you mean X?` if one of the known names is similar to the given one, else all of them."""
    names = sorted(known)
    near = difflib.get_close_matches(given, names, n=1, cutoff=0.6)
    return f"did you mean {near[0]}?" if near else f"allowed: {', '.join(names)}"
