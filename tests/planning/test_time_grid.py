"""The steps of a plan: contiguous, on the wall clock's quarters, and always as many."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from siteems.planning.time_grid import SHORTEST_FIRST_STEP, step_counts, time_grid

NOON = datetime(2026, 7, 15, 12, 0, tzinfo=UTC)
moments = st.integers(0, 15 * 365 * 86_400).map(
    lambda s: datetime(2020, 1, 1, tzinfo=UTC) + timedelta(seconds=s)
)


@given(moments, st.sampled_from([15, 30, 60]), st.integers(6, 96))
def test_steps_are_contiguous_and_of_constant_count(
    now: datetime, step_min: int, horizon_h: int
) -> None:
    grid = time_grid(now, step_min, horizon_h)
    step = timedelta(minutes=step_min)
    assert len(grid.starts) == len(grid.step_h) == horizon_h * 60 // step_min
    ends = [s + timedelta(hours=h) for s, h in zip(grid.starts, grid.step_h, strict=True)]
    edges = [*grid.starts[1:], grid.end]
    assert all(
        abs(end - edge) < timedelta(milliseconds=1) for end, edge in zip(ends, edges, strict=True)
    )
    assert all(edge.minute % step_min == 0 and edge.second == 0 for edge in grid.starts[1:])
    assert timedelta(0) <= grid.starts[0] - now < SHORTEST_FIRST_STEP
    assert SHORTEST_FIRST_STEP <= edges[0] - grid.starts[0] <= step
    assert set(grid.step_h[1:]) == {step / timedelta(hours=1)}


@pytest.mark.parametrize(
    ("minute", "second", "first_start", "first_min"),
    [
        (0, 0, (0, 0), 15.0),
        (0, 1, (0, 1), 15.0 - 1 / 60),
        (7, 30, (7, 30), 7.5),
        (14, 0, (14, 0), 1.0),
        (14, 1, (15, 0), 15.0),
        (14, 59, (15, 0), 15.0),
        (45, 0, (45, 0), 15.0),
    ],
)
def test_first_step(
    minute: int, second: int, first_start: tuple[int, int], first_min: float
) -> None:
    grid = time_grid(NOON.replace(minute=minute, second=second), 15, 36)
    assert (grid.starts[0].minute, grid.starts[0].second) == first_start
    assert grid.step_h[0] * 60 == pytest.approx(first_min)


@pytest.mark.parametrize(
    "day", [datetime(2026, 3, 29, tzinfo=UTC), datetime(2026, 10, 25, tzinfo=UTC)]
)
def test_days_on_which_local_clocks_jump_are_days_like_others(day: datetime) -> None:
    berlin = day.astimezone(ZoneInfo("Europe/Berlin"))
    grid = time_grid(berlin, 15, 24)
    plain = time_grid(day, 15, 24)
    assert grid.starts == plain.starts
    assert all(s.tzinfo is UTC for s in grid.starts)
    assert grid.end == day + timedelta(days=1)
    assert np.array_equal(grid.step_h, plain.step_h)


@given(
    st.integers(6, 48),
    st.one_of(st.none(), st.integers(3, 60)),
    st.integers(1, 12),
    st.sampled_from([5, 15, 30]),
)
def test_a_grid_is_the_beginning_of_a_longer_one(
    horizon_h: int, fine_h: int | None, more_h: int, step_min: int
) -> None:
    grid = time_grid(NOON, step_min, horizon_h, fine_h)
    longer = time_grid(NOON, step_min, horizon_h + more_h, fine_h)
    begin = longer.first(sum(step_counts(step_min, horizon_h, fine_h)))
    assert (begin.starts, begin.step_h.tolist(), begin.end) == (
        grid.starts,
        grid.step_h.tolist(),
        grid.end,
    )
    assert begin.edges_h.tolist() == longer.edges_h[: len(begin.starts) + 1].tolist()
