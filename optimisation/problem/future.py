"""Another future of a planning problem: what else may come of its load and its PV."""

from __future__ import annotations

from dataclasses import dataclass

from optimisation.arrays import Floats, Record
from optimisation.problem.validation import LARGEST, series


@dataclass(frozen=True, eq=False)
class Future(Record):
    """Telecom load and available PV in kW by step, shape (n,), in place of those of a problem.

    Raises `ProblemError` for what is no power.
    """

    dc_load_kw: Floats
    pv_kw: Floats

    def __post_init__(self) -> None:
        for name in ("dc_load_kw", "pv_kw"):
            object.__setattr__(self, name, series(name, getattr(self, name), 0.0, LARGEST))
