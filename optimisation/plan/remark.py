"""A remark on a plan, or on why there is none: a code with values. The application makes
text of it where a person reads it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Remark:
    """A code and its values, numbers or texts, by the names that the text has for them."""

    code: str
    values: Mapping[str, float | str] = field(default_factory=dict)

    def __str__(self) -> str:
        """Code and values, for logs."""
        shown = ", ".join(f"{name} {value}" for name, value in self.values.items())
        return f"{self.code}: {shown}" if shown else self.code


def remark(code: str, **values: float | str) -> Remark:
    """A remark with these values."""
    return Remark(code, values)
