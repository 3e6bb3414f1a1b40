"""What a forecast of a site is, and the interface of everything that makes one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Forecast:
    """Mean powers in kW over the steps that begin at `starts`, shape (n,). Nothing later than
    `issued` went into them.
    """

    issued: datetime
    starts: tuple[datetime, ...]
    dc_load_kw: Array
    dc_load_p95_kw: Array
    """95 % quantile of the mean over the backup hours, not of single quarter hours."""
    ac_load_kw: Array
    pv_kw: Array
    pv_high_kw: Array
    """95 % quantile of the PV power."""
    certain: bool = False
    """Loads and PV are known: perfect foresight. Then there is no other future to plan for."""


class Forecaster(Protocol):
    """Forecasts the loads and the PV of one site."""

    def learn(self, time: datetime, values: Mapping[str, float | None]) -> None:
        """Take one sample: values by the names of the process image; None = unknown."""
        ...

    def prepare(self, now: datetime) -> None:
        """Compute ahead what takes longer than a cycle; another thread may call it."""
        ...

    def forecast(
        self, now: datetime, starts: Sequence[datetime], step_h: npt.ArrayLike
    ) -> Forecast:
        """Forecast consecutive steps that begin at `starts` and last `step_h` hours each."""
        ...

    def peak_load_kw(self, now: datetime, hours: float) -> float:
        """The mean telecom load over the coming `hours` that the backup reserve must carry."""
        ...
