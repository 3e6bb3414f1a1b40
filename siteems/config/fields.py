"""Types of values that files share: shares, positive numbers, names, times of day."""

from __future__ import annotations

from typing import Annotated

from pydantic import ConfigDict, Field

CLOSED = ConfigDict(extra="forbid", allow_inf_nan=False)
"""Configuration of every record that is read from a file: unknown keys, infinity and NaN are
errors.
"""

NAME_FORM = "a name of lower-case letters, digits and hyphens"
Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$", max_length=64, description=NAME_FORM)]
MAP_FORM = "the name of a device model or of a .toml file"
Share = Annotated[float, Field(ge=0, le=1)]
Efficiency = Annotated[float, Field(gt=0.3, le=1)]
"""The lower limit tells a share from a percentage or a loss."""
LARGEST = 1e9
"""Of every number in a file: above all powers, prices and capacities, and small enough that the
exact arithmetic of prices and bills has room for any product of two.
"""
Positive = Annotated[float, Field(gt=0, le=LARGEST)]
NonNegative = Annotated[float, Field(ge=0, le=LARGEST)]
Signed = Annotated[float, Field(ge=-LARGEST, le=LARGEST)]
"""Of either sign, such as a price."""
LocalTime = Annotated[
    str,
    Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$", description='a local time of day such as "14:30"'),
]
DayShape = Annotated[tuple[NonNegative, ...], Field(min_length=24, max_length=24)]
"""24 hourly means; the first one is for 00:00 to 01:00 local time."""
