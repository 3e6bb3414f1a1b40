"""Piecewise linear interpolation against numpy's."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from siteems.simulation.piecewise_linear import PiecewiseLinear

points = st.lists(
    st.tuples(st.integers(-50, 50), st.floats(-1e3, 1e3)),
    min_size=1,
    max_size=6,
    unique_by=lambda p: p[0],
)


@given(points, st.floats(-60.0, 60.0))
def test_it_is_numpys_interpolation(given_points: list[tuple[int, float]], x: float) -> None:
    xs, ys = zip(*sorted(given_points), strict=True)
    assert PiecewiseLinear(xs, ys).at(x) == np.interp(x, xs, ys)
    assert PiecewiseLinear(xs, ys).at(xs[0]) == ys[0]


def test_the_inverse_leads_back() -> None:
    line = PiecewiseLinear((0.0, 2.0, 4.0), (1.0, 2.0, 6.0))
    assert [line.inverse().at(line.at(x)) for x in (0.0, 1.0, 3.0, 4.0)] == [0.0, 1.0, 3.0, 4.0]
