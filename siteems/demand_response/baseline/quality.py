"""How good a baseline rule is for a site: its errors on days without an event."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

LARGEST_RRMSE: Final = 0.2
"""What PJM accepts of a rule for a customer."""
LARGEST_BIAS: Final = 0.05
"""A usual goal; positive = the baseline is too high, and pays for nothing."""


@dataclass(frozen=True)
class Quality:
    """Of a rule on `events` spans without an event."""

    events: int
    without_baseline: int
    """Spans for which the rule has none."""
    rrmse: float
    """Root mean square error over mean import; NaN where nothing could be compared."""
    bias: float
    """Mean error over mean import; above 0 the baseline is too high."""

    @property
    def is_good(self) -> bool:
        """Whether both errors are within what programmes accept."""
        return self.rrmse <= LARGEST_RRMSE and abs(self.bias) <= LARGEST_BIAS


def quality(pairs: Iterable[tuple[Array | None, Array]]) -> Quality:
    """From the baseline, None without one, and the metered import of spans without an event, each
    of shape (n,), kW. Unknown values are left out.
    """
    found, without, errors, metered = 0, 0, [], []
    for base_kw, metered_kw in pairs:
        found += 1
        if base_kw is None:
            without += 1
            continue
        known = ~(np.isnan(base_kw) | np.isnan(metered_kw))
        errors.append((base_kw - metered_kw)[known])
        metered.append(metered_kw[known])
    all_errors = np.concatenate(errors) if errors else np.empty(0)
    mean_kw = float(np.concatenate(metered).mean()) if all_errors.size else math.nan
    if not all_errors.size or mean_kw == 0.0:
        return Quality(found, without, math.nan, math.nan)
    return Quality(
        found,
        without,
        float(np.sqrt(np.mean(all_errors**2))) / mean_kw,
        float(all_errors.mean()) / mean_kw,
    )
