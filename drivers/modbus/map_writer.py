"""A device map as the text of a map file, in the layout of the maps of this package."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from drivers.modbus.device_map import DeviceMap

HEAD = ("schema_version", "name", "title", "roles", "source", "evidence")


def map_text(device_map: DeviceMap, *comments: str) -> str:
    """TOML that loads as the same map, with `comments` as its first lines."""
    data = device_map.model_dump(mode="json", exclude_defaults=True)
    lines = [f"# {line}" for comment in comments for line in comment.splitlines()]
    lines += [f"{key} = {_value(data[key])}" for key in HEAD]
    for table in ("link", "identity", "lease"):
        if table in data:
            lines += ["", f"[{table}]", *_pairs(data[table])]
    for table in ("nameplate", "blocks"):
        for part in data.get(table, ()):
            lines += ["", f"[[{table}]]", *_pairs(part)]
    lines += ["", "[points]", *_pairs(data["points"])]
    return "\n".join(lines) + "\n"


def _pairs(table: Mapping[str, Any]) -> list[str]:
    return [f"{key} = {_value(value)}" for key, value in table.items()]


def _value(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{ " + ", ".join(_pairs(value)) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(_value, value)) + "]"
    # Strings, numbers and truth values are written in TOML as in JSON.
    return json.dumps(value, ensure_ascii=False)
