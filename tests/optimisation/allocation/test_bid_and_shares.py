"""Bids at a confidence, and money that adds up."""

from __future__ import annotations

import numpy as np
import pytest
from examples import examples
from hypothesis import given, settings
from hypothesis import strategies as st

from optimisation.allocation.bid import bid_kw
from optimisation.allocation.shares import shares_cents


def test_a_bid_is_kept_in_so_many_of_the_draws() -> None:
    random = np.random.default_rng(4)
    power = random.uniform(2.0, 4.0, (400, 30))
    energy = random.uniform(2.0, 9.0, (400, 30))
    bid = bid_kw(power, energy, 2.0, 0.9)
    held = np.minimum(power, energy / 2.0).sum(axis=1)
    assert 0.9 <= (held >= bid).mean() <= 0.905
    assert bid_kw(power, energy, 1.0, 0.9) > bid > bid_kw(power, energy, 2.0, 0.99)


def test_what_is_no_bid() -> None:
    with pytest.raises(ValueError, match="confidence"):
        bid_kw(np.ones((2, 2)), np.ones((2, 2)), 1.0, 1.0)
    with pytest.raises(ValueError, match="row"):
        bid_kw(np.ones(2), np.ones(2), 1.0, 0.5)


@settings(max_examples=examples(300))
@given(
    st.integers(-(10**12), 10**12),
    st.lists(st.floats(0.0, 1e9) | st.sampled_from([0.0, 1.0, 1.0 / 3.0]), min_size=1, max_size=60),
)
def test_shares_add_up_and_are_within_a_cent(total: int, weights: list[float]) -> None:
    array = np.array(weights)
    if array.sum() <= 0.0:
        if total:
            with pytest.raises(ValueError, match="all weights are 0"):
                shares_cents(total, array)
        return
    found = shares_cents(total, array)
    assert int(found.sum()) == total
    exact = total * (array / array.sum())
    assert (np.abs(found - exact) <= 1.0 + 1e-3).all()
    assert (found[array == 0.0] == 0).all()
    assert (np.sign(found) * np.sign(total) >= 0).all()


def test_by_hand() -> None:
    assert shares_cents(100, np.array([1.0, 1.0, 1.0])).tolist() == [34, 33, 33]
    assert shares_cents(-100, np.array([1.0, 1.0, 1.0])).tolist() == [-34, -33, -33]
    assert shares_cents(10_01, np.array([70.0, 20.0, 10.0])).tolist() == [701, 200, 100]
    assert shares_cents(0, np.zeros(2)).tolist() == [0, 0]
