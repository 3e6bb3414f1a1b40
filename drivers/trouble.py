"""What went wrong, as a code with values: compared and recorded as such, and put into text by the
application where a person reads it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Trouble:
    """A code and its values, numbers or names, by the names that the text has for them."""

    code: str
    values: Mapping[str, float | str] = field(default_factory=dict)

    def __str__(self) -> str:
        """Code and values, for logs."""
        shown = ", ".join(f"{name} {value}" for name, value in self.values.items())
        return f"{self.code}: {shown}" if shown else self.code


def trouble(code: str, **values: float | str) -> Trouble:
    """A trouble with these values."""
    return Trouble(code, values)
