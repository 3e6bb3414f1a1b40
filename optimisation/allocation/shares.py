"""Shares of an amount of money that add up to it, to the cent."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Cents = npt.NDArray[np.int64]
LARGEST: int = 2**53
"""Above it, a product of cents and a share is no longer exact to a cent."""


def shares_cents(total_cents: int, weights: npt.NDArray[np.float64]) -> Cents:
    """`total_cents` split by weights, shape (n,), by the largest remainder (Hamilton's method).

    Each gets its share rounded down, and the cents that are left go to the largest remainders, of
    equal ones to the first. A negative total is split like the positive one.

    Raises ValueError for weights that are negative or not finite, and for a total to split where
    all of them are 0.
    """
    if weights.ndim != 1 or not np.isfinite(weights).all() or (weights < 0.0).any():
        raise ValueError("weights are 0 or more")
    if abs(total_cents) > LARGEST:
        raise ValueError(f"a total of {total_cents} cents; allowed: up to {LARGEST}")
    whole = float(weights.sum())
    if whole <= 0.0:
        if total_cents:
            raise ValueError("all weights are 0, and there is something to split")
        return np.zeros(weights.shape, dtype=np.int64)
    exact = abs(total_cents) * (weights / whole)
    cents = np.floor(exact).astype(np.int64)
    left = abs(total_cents) - int(cents.sum())
    order = np.argsort(-(exact - cents), kind="stable")
    if left > 0:
        cents[order[:left]] += 1
    elif left < 0:  # rounding of the shares themselves: taken from the smallest remainders
        holders = order[::-1][cents[order[::-1]] > 0]
        cents[holders[:-left]] -= 1
    return cents if total_cents >= 0 else -cents
