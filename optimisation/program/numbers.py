"""How the model declares its numbers."""

from __future__ import annotations

from typing import Any

from pyomo.core import Param, Reals


def number(*index: Any) -> Param:
    """A Param whose values differ from problem to problem, with these index sets."""
    return Param(*index, mutable=True, within=Reals, initialize=1.0)
