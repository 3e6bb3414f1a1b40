"""The one way in which siteems writes JSON: what JSON does not have becomes null."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from numbers import Integral, Real
from typing import Any


def json_text(data: object, indent: int | None = 1) -> str:
    """JSON that every program can read: NaN and infinity are null, numpy's numbers are numbers."""
    return json.dumps(json_values(data), indent=indent, allow_nan=False)


def json_values(data: Any) -> Any:
    """The same data in values that JSON has."""
    if isinstance(data, Mapping):
        return {key: json_values(value) for key, value in data.items()}
    if isinstance(data, (list, tuple)):
        return [json_values(value) for value in data]
    if isinstance(data, (bool, str)) or data is None:
        return data
    if isinstance(data, Integral):
        return int(data)
    if isinstance(data, Real):
        number = float(data)
        return number if math.isfinite(number) else None
    return data
