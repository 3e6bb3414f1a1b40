"""What a plan is made from: the site's numbers over the horizon, validated once, with no unit left to guess."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from optimisation.records import Floats, Record, read_only

LARGEST = 1e9
"""No sound power, energy or price of a site is larger; the solver takes 1e20 for infinity without a word."""


class ProblemError(ValueError):
    """A number that no plan can be made from: names the field, its index, the value and what is allowed."""


@dataclass(frozen=True)
class RectifierCurve:
    """AC input over DC output of the rectifier shelf: convex and piecewise linear.

    `standby_ac_kw` is drawn with no output. Segment s covers `segment_dc_kw[s]` of DC output and draws
    `ac_per_dc[s]` kW AC for each kW DC; the slopes rise, so that an LP fills the segments in order.
    """

    standby_ac_kw: float
    segment_dc_kw: tuple[float, ...]
    ac_per_dc: tuple[float, ...]

    def __post_init__(self) -> None:
        _number("standby_ac_kw", self.standby_ac_kw, low=0.0)
        if not self.segment_dc_kw or len(self.segment_dc_kw) != len(self.ac_per_dc):
            raise ProblemError(
                f"segment_dc_kw has {len(self.segment_dc_kw)} and ac_per_dc {len(self.ac_per_dc)} segments; "
                "allowed is the same number, at least 1"
            )
        for s, (width, slope) in enumerate(zip(self.segment_dc_kw, self.ac_per_dc, strict=True)):
            _number(f"segment_dc_kw[{s}]", width, above=0.0)
            _number(f"ac_per_dc[{s}]", slope, above=0.0)
        for s, (slope, following) in enumerate(pairwise(self.ac_per_dc), start=1):
            if following < slope:
                raise ProblemError(f"ac_per_dc[{s}] is {following}; allowed is at least its predecessor {slope}")

    @classmethod
    def from_efficiency(cls, rated_kw: float, table: Sequence[tuple[float, float]]) -> RectifierCurve:
        """Build the greatest convex curve that is nowhere above the AC input the efficiency table gives.

        `rated_kw` is the DC output of the whole shelf, `table` holds (share of it, efficiency 0..1), rising in share.
        The no-load draw follows from the slope of the lowest part, and is not below 0.
        Raises `ProblemError` for a table that is too short, out of order or out of range.
        """
        _number("rated_kw", rated_kw, above=0.0)
        for i, (share, efficiency) in enumerate(table):
            _number(f"efficiency table share [{i}]", share, low=0.0, high=1.0)
            _number(f"efficiency table efficiency [{i}]", efficiency, above=0.0, high=1.0)
            if i and share <= table[i - 1][0]:
                raise ProblemError(f"efficiency table share [{i}] is {share}; allowed is above {table[i - 1][0]}")
        # A share of 0 says nothing: no output, whatever the efficiency.
        points = [(share * rated_kw, share * rated_kw / efficiency) for share, efficiency in table if share > 0]
        if len(points) < 2:
            raise ProblemError(f"efficiency table has {len(points)} points above share 0; allowed is 2 or more")
        (dc0, ac0), (dc1, ac1) = _lower_hull(points)[:2]
        points = _lower_hull([(0.0, max(0.0, ac0 - dc0 * (ac1 - ac0) / (dc1 - dc0))), *points])
        widths = [right[0] - left[0] for left, right in pairwise(points)]
        slopes = [(right[1] - left[1]) / (right[0] - left[0]) for left, right in pairwise(points)]
        widths[-1] += rated_kw - points[-1][0]
        return cls(points[0][1], tuple(widths), tuple(slopes))

    def ac_kw(self, dc_kw: npt.ArrayLike) -> Floats:
        """AC input in kW for DC output in kW (any shape); above the last segment its slope goes on."""
        dc = np.asarray(dc_kw, dtype=np.float64)[..., np.newaxis]
        starts = np.concatenate(([0.0], np.cumsum(self.segment_dc_kw)[:-1]))
        widths = np.array([*self.segment_dc_kw[:-1], np.inf])
        ac: Floats = self.standby_ac_kw + np.clip(dc - starts, 0.0, widths) @ np.array(self.ac_per_dc)
        return ac

    def dc_kw(self, ac_kw: float) -> float:
        """DC output in kW that an AC input in kW gives: 0 below the standby draw, at most all segments together."""
        edges_dc = np.concatenate(([0.0], np.cumsum(self.segment_dc_kw)))
        return float(np.interp(ac_kw, self.ac_kw(edges_dc), edges_dc))


@dataclass(frozen=True)
class BatteryModel:
    """The battery, measured at the DC bus. `capacity_kwh` is what an SoC of 1 stands for today."""

    capacity_kwh: float
    charge_efficiency: float
    discharge_efficiency: float
    max_charge_kw: float
    max_discharge_kw: float
    wear_per_kwh: float
    """Currency per kWh discharged."""
    acceptance: tuple[tuple[float, float], ...]
    """(SoC, kW) that the chemistry takes, rising in SoC, level outside; empty = no limit but `max_charge_kw`."""

    def __post_init__(self) -> None:
        _number("capacity_kwh", self.capacity_kwh, above=0.0)
        _number("charge_efficiency", self.charge_efficiency, above=0.0, high=1.0)
        _number("discharge_efficiency", self.discharge_efficiency, above=0.0, high=1.0)
        _number("max_charge_kw", self.max_charge_kw, low=0.0)
        _number("max_discharge_kw", self.max_discharge_kw, low=0.0)
        _number("wear_per_kwh", self.wear_per_kwh, low=0.0)
        for i, (soc, kw) in enumerate(self.acceptance):
            _number(f"acceptance[{i}] SoC", soc, low=0.0, high=1.0)
            _number(f"acceptance[{i}] kW", kw, low=0.0)
            if i and soc <= self.acceptance[i - 1][0]:
                raise ProblemError(f"acceptance[{i}] SoC is {soc}; allowed is above {self.acceptance[i - 1][0]}")

    def acceptance_cuts(self) -> tuple[tuple[float, float], ...]:
        """Lines (kW at SoC 0, kW at SoC 1) whose minimum is never above the table and never below 0.

        They run through consecutive points of the table. A line that would fall below 0 within 0..1, and so forbid an
        SoC that can be measured, is turned about its outer point until it ends at 0. Lines that never bind are dropped.
        """
        if not self.acceptance:
            return ()
        points = list(self.acceptance)
        if points[0][0] > 0.0:
            points.insert(0, (0.0, points[0][1]))
        if points[-1][0] < 1.0:
            points.append((1.0, points[-1][1]))
        lines: list[tuple[float, float]] = []
        for (soc0, kw0), (soc1, kw1) in pairwise(points):
            slope = (kw1 - kw0) / (soc1 - soc0)
            at_empty, at_full = kw0 - slope * soc0, kw1 + slope * (1.0 - soc1)
            if at_full < 0.0:
                at_empty, at_full = kw1 / (1.0 - soc1) if soc1 < 1.0 else at_empty, 0.0
            elif at_empty < 0.0:
                at_empty, at_full = 0.0, kw0 / soc0 if soc0 > 0.0 else at_full
            lines.append((at_empty, at_full))
        return _binding(lines)


@dataclass(frozen=True, kw_only=True, eq=False)
class SiteProblem(Record):
    """One planning problem of one site. Arrays have shape (n,), one entry per step; the first step begins now.

    AC load and rectifier standby are served up to `import_limit_kw` and no further: with the mains out (limit 0) they
    draw nothing. Raises `ProblemError` for a number that is missing, not finite, of the wrong sign or out of order.
    """

    step_h: Floats
    """Length of each step in hours."""
    price_per_kwh: Floats
    """Currency per kWh imported; may be negative."""
    dc_load_kw: Floats
    ac_load_kw: Floats
    """AC side without the rectifier."""
    pv_kw: Floats
    """Available at the DC bus."""
    import_limit_kw: Floats
    """Physical and hard; 0 while the mains are out."""
    import_cap_kw: Floats
    """Of a demand-response call or the operator; soft and dearly priced; inf = none."""
    reserve_kwh: Floats
    """Wanted in the battery at the end of each step; soft."""
    stored_kwh: float
    """In the battery now: anything from 0 to its capacity, also below the reserve."""
    terminal_value_per_kwh: float
    """Currency per kWh in the battery at the end of the horizon."""
    reserve_penalty_per_kwh_h: float
    """Currency per kWh missing from the reserve for an hour."""
    cap_penalty_per_kwh: float
    unserved_penalty_per_kwh: float
    """Currency per kWh of telecom load that is not served."""
    rectifier: RectifierCurve
    rectifier_max_dc_kw: float
    battery: BatteryModel

    def __post_init__(self) -> None:
        steps = np.size(self.step_h)
        if not steps:
            raise ProblemError("step_h is empty; allowed is 1 step or more")
        self._freeze("step_h", steps, 1e-6, 168.0)
        self._freeze("price_per_kwh", steps, -LARGEST, LARGEST)
        for name in ("dc_load_kw", "ac_load_kw", "pv_kw", "import_limit_kw", "reserve_kwh"):
            self._freeze(name, steps, 0.0, LARGEST)
        self._freeze("import_cap_kw", steps, 0.0, np.inf)
        for name in (
            "terminal_value_per_kwh",
            "reserve_penalty_per_kwh_h",
            "cap_penalty_per_kwh",
            "unserved_penalty_per_kwh",
            "rectifier_max_dc_kw",
        ):
            _number(name, getattr(self, name), low=0.0)
        _number("stored_kwh", self.stored_kwh, low=0.0, high=self.battery.capacity_kwh)

    @property
    def n_steps(self) -> int:
        """Number of steps n."""
        return len(self.step_h)

    @property
    def ac_base_kw(self) -> Floats:
        """AC draw before any conversion, shape (n,), kW: AC load and standby, as far as the grid serves them."""
        base: Floats = np.minimum(self.ac_load_kw + self.rectifier.standby_ac_kw, self.import_limit_kw)
        return base

    def _freeze(self, name: str, steps: int, low: float, high: float) -> None:
        try:
            array = read_only(getattr(self, name))
        except (TypeError, ValueError):
            raise ProblemError(f"{name} holds something that is not a number; allowed are {steps} numbers") from None
        if array.shape != (steps,):
            raise ProblemError(f"{name} has shape {array.shape}; allowed is ({steps},), one number per step")
        sound = (array >= low) & (array <= high)  # False for NaN
        if not sound.all():
            i = int(np.argmin(sound))
            raise ProblemError(f"{name}[{i}] is {array[i]:g}; allowed is {low:g} to {high:g}")
        object.__setattr__(self, name, array)


def _number(name: str, value: float, *, low: float = -LARGEST, above: float = -math.inf, high: float = LARGEST) -> None:
    try:
        sound = above < float(value) and low <= float(value) <= high  # False for NaN
    except (TypeError, ValueError):
        sound = False
    if not sound:
        floor = f"above {above:g}" if above > -math.inf else f"{low:g}"
        raise ProblemError(f"{name} is {value}; allowed is {floor} to {high:g}")


def _lower_hull(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Corners of the greatest convex curve below `points` (rising in x), by Andrew's monotone chain."""
    hull: list[tuple[float, float]] = []
    for x, y in points:
        while len(hull) >= 2:
            (x0, y0), (x1, y1) = hull[-2:]
            if (y1 - y0) * (x - x1) < (y - y1) * (x1 - x0) * (1.0 - 1e-9):
                break
            hull.pop()
        hull.append((x, y))
    return hull


def _binding(lines: list[tuple[float, float]]) -> tuple[tuple[float, float], ...]:
    """Keep the lines, given by their values at 0 and 1, that are the lowest somewhere between."""
    ends = np.array(lines)
    start, rise = ends[:, 0], ends[:, 1] - ends[:, 0]
    with np.errstate(divide="ignore", invalid="ignore"):
        crossings = (start[:, None] - start) / (rise - rise[:, None])
    edges = np.unique(np.concatenate(([0.0, 1.0], crossings[(crossings > 0.0) & (crossings < 1.0)])))
    middles = (edges[1:] + edges[:-1]) / 2
    wide = np.diff(edges) > 1e-9  # equal lines cross anywhere, by rounding
    lowest = np.unique(np.argmin(start[:, None] + rise[:, None] * middles[wide], axis=0))
    return tuple(lines[i] for i in lowest)
