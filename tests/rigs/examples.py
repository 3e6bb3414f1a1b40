"""How many examples a property test tries: more where the environment asks for it."""

from __future__ import annotations

import os

TIMES = int(os.environ.get("SITEEMS_EXAMPLES", "1"))
"""`SITEEMS_EXAMPLES=10` tries ten times as many."""


def examples(count: int) -> int:
    return count * TIMES
