"""TOML text of files that people write or are given: read, or refused.

The reader of Python gives up in several ways on text that no person writes: tables nested thousands
deep, numbers of thousands of digits. Here each of them is one error, as a wrong bracket is.
"""

from __future__ import annotations

import tomllib
from typing import Any, Final

LONGEST: Final = 10_000_000
"""Characters of a file. The longest tariff that is known has 30,000."""
DEEPEST: Final = 30
"""Levels of tables and lists. A site file has five."""


class TomlError(ValueError):
    """The text is not TOML, or no TOML that is read. The message says why, on one line."""


def read_toml(text: str) -> dict[str, Any]:
    """The tables of a text. Raises `TomlError`."""
    if len(text) > LONGEST:
        raise TomlError(f"has {len(text)} characters; allowed: {LONGEST}")
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise TomlError(" ".join(str(error).split())) from error
    except RecursionError as error:
        raise TomlError("has tables or lists nested too deep") from error
    except ValueError as error:  # a number of thousands of digits
        raise TomlError("has a number that is too long") from error
    if _is_deep(data):
        raise TomlError(f"has tables or lists nested deeper than {DEEPEST}")
    return data


def _is_deep(data: dict[str, Any]) -> bool:
    """Whether something lies deeper than `DEEPEST`; a dotted key of a thousand parts nests without
    that the reader minds.
    """
    level: list[Any] = [data]
    for _ in range(DEEPEST):
        level = [
            inner
            for each in level
            for inner in (each.values() if isinstance(each, dict) else each)
            if isinstance(inner, dict | list)
        ]
        if not level:
            return False
    return True
