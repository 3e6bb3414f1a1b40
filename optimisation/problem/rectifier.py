"""The rectifier shelf: AC input over DC output as a convex, piecewise linear curve."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from optimisation.arrays import Floats, read_only
from optimisation.problem.validation import ProblemError, number


@dataclass(frozen=True)
class RectifierCurve:
    """AC input over DC output of the rectifier shelf: convex and piecewise linear.

    `standby_ac_kw` is drawn with no output. Segment s covers `segment_dc_kw[s]` of DC output and
    draws `ac_per_dc[s]` kW AC for each kW DC; the slopes rise, so that an LP fills the segments in
    order.
    """

    standby_ac_kw: float
    segment_dc_kw: tuple[float, ...]
    ac_per_dc: tuple[float, ...]

    def __post_init__(self) -> None:
        number("standby_ac_kw", self.standby_ac_kw, low=0.0)
        if not self.segment_dc_kw or len(self.segment_dc_kw) != len(self.ac_per_dc):
            raise ProblemError(
                f"segment_dc_kw has {len(self.segment_dc_kw)} and ac_per_dc "
                f"{len(self.ac_per_dc)} segments; "
                "allowed is the same number, at least 1"
            )
        for s, (width, slope) in enumerate(zip(self.segment_dc_kw, self.ac_per_dc, strict=True)):
            number(f"segment_dc_kw[{s}]", width, above=0.0)
            number(f"ac_per_dc[{s}]", slope, above=0.0)
        for s, (slope, following) in enumerate(pairwise(self.ac_per_dc), start=1):
            if following < slope:
                raise ProblemError(
                    f"ac_per_dc[{s}] is {following}; allowed is at least its predecessor {slope}"
                )

    @classmethod
    def from_efficiency(
        cls, rated_kw: float, table: Sequence[tuple[float, float]]
    ) -> RectifierCurve:
        """Build the greatest convex curve that is nowhere above the AC input that an efficiency
        table gives.

        `rated_kw` is the DC output of the whole shelf; `table` holds (share of it, efficiency
        0..1), rising in share. The standby draw is found by extending the lowest part to no load,
        and is not below 0. Raises `ProblemError` for a table that is too short, out of order or
        out of range.
        """
        number("rated_kw", rated_kw, above=0.0)
        for i, (share, efficiency) in enumerate(table):
            number(f"efficiency table share [{i}]", share, low=0.0, high=1.0)
            number(f"efficiency table efficiency [{i}]", efficiency, above=0.0, high=1.0)
            if i and share <= table[i - 1][0]:
                raise ProblemError(
                    f"efficiency table share [{i}] is {share}; allowed is above {table[i - 1][0]}"
                )
        # A point at share 0 has no information: no output, whatever the efficiency.
        points = [
            (share * rated_kw, share * rated_kw / efficiency)
            for share, efficiency in table
            if share > 0
        ]
        if len(points) < 2:
            raise ProblemError(
                f"efficiency table has {len(points)} points above share 0; allowed is 2 or more"
            )
        (dc0, ac0), (dc1, ac1) = _lower_hull(points)[:2]
        points = _lower_hull([(0.0, max(0.0, ac0 - dc0 * (ac1 - ac0) / (dc1 - dc0))), *points])
        widths = [right[0] - left[0] for left, right in pairwise(points)]
        slopes = [(right[1] - left[1]) / (right[0] - left[0]) for left, right in pairwise(points)]
        widths[-1] += rated_kw - points[-1][0]
        return cls(points[0][1], tuple(widths), tuple(slopes))

    def ac_kw(self, dc_kw: npt.ArrayLike) -> Floats:
        """AC input for DC output, kW, any shape; above the last segment its slope continues."""
        dc = np.asarray(dc_kw, dtype=np.float64)[..., np.newaxis]
        starts, widths, slopes = _segments(self)
        ac: Floats = self.standby_ac_kw + np.clip(dc - starts, 0.0, widths) @ slopes
        return ac

    def ac_kw_at(self, dc_kw: float) -> float:
        """`ac_kw` of one output, in a twentieth of the time, for the control loop."""
        ac_kw, left = self.standby_ac_kw, dc_kw
        for width, slope in zip(self.segment_dc_kw[:-1], self.ac_per_dc[:-1], strict=True):
            ac_kw += slope * min(width, max(0.0, left))
            left -= width
        return ac_kw + self.ac_per_dc[-1] * max(0.0, left)

    def slope_at(self, dc_kw: float) -> float:
        """kW AC for one kW DC more at this output."""
        left = dc_kw
        for width, slope in zip(self.segment_dc_kw[:-1], self.ac_per_dc[:-1], strict=True):
            if left < width:
                return slope
            left -= width
        return self.ac_per_dc[-1]

    def dc_kw(self, ac_kw: float) -> float:
        """DC output for an AC input, kW: 0 below the standby draw, at most all segments."""
        dc, ac = self.corners()
        return float(np.interp(ac_kw - self.standby_ac_kw, ac, dc))

    def corners(self) -> tuple[Floats, Floats]:
        """DC output and AC input above standby at the corners of the curve from 0 on, kW, each of
        shape (segments + 1,).
        """
        return _corners(self)


@lru_cache(maxsize=64)
def _segments(curve: RectifierCurve) -> tuple[Floats, Floats, Floats]:
    """Start, width and slope of each segment, the last one without an end."""
    starts = np.concatenate(([0.0], np.cumsum(curve.segment_dc_kw)[:-1]))
    return starts, np.array([*curve.segment_dc_kw[:-1], np.inf]), np.array(curve.ac_per_dc)


@lru_cache(maxsize=64)
def _corners(curve: RectifierCurve) -> tuple[Floats, Floats]:
    dc = np.concatenate(([0.0], np.cumsum(curve.segment_dc_kw)))
    return read_only(dc), read_only(curve.ac_kw(dc) - curve.standby_ac_kw)


def _lower_hull(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Corners of the greatest convex curve below `points` (rising in x), by Andrew's monotone
    chain.
    """
    hull: list[tuple[float, float]] = []
    for x, y in points:
        while len(hull) >= 2:
            (x0, y0), (x1, y1) = hull[-2:]
            if (y1 - y0) * (x - x1) < (y - y1) * (x1 - x0) * (1.0 - 1e-9):
                break
            hull.pop()
        hull.append((x, y))
    return hull
