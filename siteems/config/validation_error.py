"""One error in a site file and the line that tells it."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

Loc = tuple[str | int, ...]
"""Where in the file: table keys and places in lists, counted from 0."""

BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")


@dataclass(frozen=True)
class ValidationError:
    """What is wrong at a place, and what is allowed there."""

    loc: Loc
    wrong: str
    allowed: str

    def line(self, file: str, data: Mapping[str, Any]) -> str:
        """`file: key.path = value: what is wrong; what is allowed`; tables and lists are not
        spelled out.
        """
        value = shown(value_at(data, self.loc))
        place = key_path(self.loc) + (f" = {value}" if value else "")
        return " ".join(f"{file}: {place}: {self.wrong}; {self.allowed}".split())


def key_path(loc: Loc) -> str:
    """`devices[1].unit` for ("devices", 1, "unit")."""
    path = ""
    for part in loc:
        if isinstance(part, int):
            path += f"[{part}]"
        else:
            path += ("." if path else "") + (part if BARE_KEY.fullmatch(part) else json.dumps(part))
    return path


def value_at(data: Mapping[str, Any], loc: Loc) -> Any:
    """What stands there, none if nothing does."""
    value: Any = data
    for part in loc:
        try:
            value = value[part]
        except (KeyError, IndexError, TypeError):
            return None
    return value


def shown(value: object) -> str:
    """A single value as the file has it, shortened; empty for tables, lists and nothing."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        text = value if len(value) <= 60 else value[:57] + "..."
        return json.dumps(text, ensure_ascii=False)
    if isinstance(value, int | float | date):
        return str(value)
    return ""


def choices(given: str, known: Iterable[str]) -> str:
    """`did you mean X?` when one is near, else all that are known."""
    names = sorted(known)
    near: Sequence[str] = difflib.get_close_matches(given, names, n=1, cutoff=0.6)
    return f"did you mean {near[0]}?" if near else f"known are {', '.join(names)}"
