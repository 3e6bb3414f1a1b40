"""The line through points says what numpy says."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from siteems.simulation.piecewise import Line

points = st.lists(
    st.tuples(st.integers(-50, 50), st.floats(-1e3, 1e3)),
    min_size=1,
    max_size=6,
    unique_by=lambda p: p[0],
)


@given(points, st.floats(-60.0, 60.0))
def test_it_is_numpys_interpolation(given_points: list[tuple[int, float]], x: float) -> None:
    xs, ys = zip(*sorted(given_points), strict=True)
    assert Line(xs, ys).at(x) == np.interp(x, xs, ys)
    assert Line(xs, ys).at(xs[0]) == ys[0]
