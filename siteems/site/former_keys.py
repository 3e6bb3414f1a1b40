"""Keys of site files that have another name now: files written for earlier versions stay valid."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

FORMER_KEYS: Final = {("demo", "demand_call"): "dr_event"}
"""Section and former key, and the key's name now."""


def with_current_keys(data: Mapping[str, Any]) -> dict[str, Any]:
    """The content of a site file with its former keys renamed.

    Where a file has both names, the former one stays and is refused as an unknown key: which of the
    two values was meant is not known.
    """
    renamed = dict(data)
    for (section, former), key in FORMER_KEYS.items():
        values = renamed.get(section)
        if isinstance(values, Mapping) and former in values and key not in values:
            renamed[section] = {key if name == former else name: v for name, v in values.items()}
    return renamed
