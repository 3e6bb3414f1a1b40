"""Caps of groups of sites, nested: a feeder within a district, a tenant, a programme.

A group gives at most its cap. At a common level of time to go (see `time_to_go.py`) each group
gives the smaller of its cap and the sum of what is in it; the level at which the root gives the
request is found as there, and within a group at its cap the same again, down to the sites. So the
split of a step is exact for nested caps: it fails only where no split meets the request. Over
several steps no policy is known to be best with caps; this one keeps the times to go level within
every group that is not at its cap.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from optimisation.allocation.fleet import Array, Fleet, Split
from optimisation.allocation.time_to_go import check_request, find_level

Ints = npt.NDArray[np.int64]
ROOT: Final = 0


@dataclass(frozen=True, eq=False)
class Groups:
    """A tree of groups. Group 0 is the whole fleet; every other one is part of an earlier one."""

    parent: Ints
    """Of each group, shape (g,); that of group 0 is 0."""
    cap_kw: Array
    """Of each group, shape (g,); infinite without one."""
    of_site: Ints
    """The innermost group of each site, shape (n,)."""

    def __post_init__(self) -> None:
        """Raises ValueError for what is no tree."""
        count = len(self.parent)
        if count == 0 or self.cap_kw.shape != (count,):
            raise ValueError("each group has a parent and a cap")
        if self.parent[ROOT] != ROOT or (self.parent[1:] >= np.arange(1, count)).any():
            raise ValueError("a group is part of an earlier one; group 0 is the fleet")
        if (self.parent < 0).any() or np.isnan(self.cap_kw).any() or (self.cap_kw < 0.0).any():
            raise ValueError("a parent or a cap is negative")
        if self.of_site.size and not 0 <= self.of_site.min() <= self.of_site.max() < count:
            raise ValueError("a site is in a group that does not exist")

    def sums(self, of_sites: Array) -> tuple[Array, Array]:
        """What each group gives, within its cap, and what its parts would give, shape (g,) each."""
        whole = np.zeros(len(self.parent))
        whole += np.bincount(self.of_site, weights=of_sites, minlength=len(self.parent))
        given = np.empty_like(whole)
        for group in range(len(self.parent) - 1, -1, -1):
            given[group] = min(whole[group], self.cap_kw[group])
            if group != ROOT:
                whole[self.parent[group]] += given[group]
        return given, whole


def split_in_groups(fleet: Fleet, groups: Groups, request_kw: float, step_h: float) -> Split:
    """Split a request over the sites for a step, within the caps of their groups. Raises ValueError
    as `split` does.
    """
    check_request(request_kw, step_h)
    hours = fleet.hours
    highest_h = float(hours.max(initial=0.0))
    levels_h = np.zeros(len(groups.parent))

    def given(level_h: Array | float) -> Array:
        return fleet.power_kw * np.clip(hours - level_h, 0.0, step_h) / step_h

    most_kw = float(groups.sums(given(0.0))[0][ROOT])
    wanted_kw = np.full(len(groups.parent), np.inf)
    wanted_kw[ROOT] = min(request_kw, most_kw)
    # From the root down: a group whose parts would give more than it may gets a level of its own.
    for group in range(len(groups.parent)):
        if group != ROOT:
            levels_h[group] = levels_h[groups.parent[group]]
        inside = _within(groups, group)
        part = replace(groups, cap_kw=np.where(inside, groups.cap_kw, 0.0))
        part.cap_kw[group] = np.inf
        limit_kw = min(wanted_kw[group], groups.cap_kw[group])

        def total(level_h: float, part: Groups = part, group: int = group) -> float:
            return float(part.sums(given(level_h))[1][group])

        if np.isfinite(limit_kw) and total(levels_h[group]) > limit_kw:
            levels_h[group] = find_level(total, lambda _: 0.0, limit_kw, highest_h)
    power_kw = given(levels_h[groups.of_site])
    return Split(power_kw, max(0.0, request_kw - most_kw))


def _within(groups: Groups, group: int) -> npt.NDArray[np.bool_]:
    """Which groups are parts of a group, itself among them."""
    inside = np.zeros(len(groups.parent), dtype=np.bool_)
    inside[group] = True
    for other in range(group + 1, len(groups.parent)):
        inside[other] = inside[groups.parent[other]]
    return inside


def tree(caps_kw: Sequence[float], parents: Sequence[int], of_site: Sequence[int]) -> Groups:
    """Groups from plain numbers."""
    return Groups(
        np.asarray(parents, dtype=np.int64),
        np.asarray(caps_kw, dtype=np.float64),
        np.asarray(of_site, dtype=np.int64),
    )
