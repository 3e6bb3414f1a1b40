"""A model as arrays: every number of the LP is z = z0 + M theta, theta being its Params.

Needs numpy alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple, NoReturn

import numpy as np
import numpy.typing as npt

from optimisation.arrays import Floats, Ints

Bools = npt.NDArray[np.bool_]


class Numbers(NamedTuple):
    """Costs and bounds of the LP for one theta: n columns, k rows."""

    cost: Floats
    """Shape (n,), like the next two."""
    column_lower: Floats
    column_upper: Floats
    row_lower: Floats
    """Shape (k,), like the next."""
    row_upper: Floats
    offset: float
    """The constant part of the cost."""


@dataclass(frozen=True, eq=False)
class CompiledLP:
    """The program of one shape:

        min  cost x + offset
        s.t. row_lower <= A x <= row_upper,  column_lower <= x <= column_upper,
             x whole where `integer`

    A is stored by rows in `starts` and `indices`. `params`, `columns` and `rows` give the slice of
    theta, x and the rows that belongs to the Param, Var or Constraint of that name, in the order of
    its index (the last index runs fastest).

    z holds cost, column_lower, column_upper, row_lower, row_upper, offset and the values of A, one
    after the other. M is stored as triples (`m_row`, `m_column`, `m_value`), its rows in order.

    Raises ValueError where the arrays do not fit each other.
    """

    params: Mapping[str, slice]
    columns: Mapping[str, slice]
    rows: Mapping[str, slice]
    integer: Bools
    starts: Ints
    indices: Ints
    z0: Floats
    m_row: npt.NDArray[np.intp]
    m_column: npt.NDArray[np.intp]
    m_value: Floats

    def __post_init__(self) -> None:
        # HiGHS reads these arrays without checking their lengths: an error here would crash there.
        n, k, m = self.n_columns, self.n_rows, len(self.indices)
        length = 3 * n + 2 * k + 1 + m
        param_starts = [part.start for part in self.params.values()]
        fits = (
            param_starts == np.cumsum([0, *self._sizes.values()])[:-1].tolist()
            and self.integer.shape == (n,)
            and self.starts.shape == (k + 1,)
            and len(self.z0) == length
            and self.starts[0] == 0
            and self.starts[-1] == m
            and _rising(self.starts)
            and _within(self.indices, n)
            and self.m_row.shape == self.m_column.shape == self.m_value.shape
            and _within(self.m_row, length)
            and _rising(self.m_row)
            and _within(self.m_column, self.n_params)
        )
        if not fits:
            raise ValueError("the arrays of a compiled model do not fit each other")

    @cached_property
    def n_params(self) -> int:
        """Length of theta."""
        return _end(self.params)

    @cached_property
    def n_columns(self) -> int:
        """Number of variables."""
        return _end(self.columns)

    @cached_property
    def n_rows(self) -> int:
        """Number of constraints."""
        return _end(self.rows)

    @cached_property
    def _matrix_start(self) -> int:
        """Where in z the values of A begin."""
        return len(self.z0) - len(self.indices)

    @cached_property
    def _matrix_triples(self) -> int:
        """Where in the triples of M those of A begin."""
        return int(np.searchsorted(self.m_row, self._matrix_start))

    @cached_property
    def _sizes(self) -> dict[str, int]:
        """Length of each Param."""
        return {name: part.stop - part.start for name, part in self.params.items()}

    def theta(self, values: Mapping[str, npt.ArrayLike]) -> Floats:
        """Flatten the Params, given by name and shaped as their index, to theta, shape (n_params,).

        Raises ValueError for a name or a size that does not fit the model, TypeError for what is
        not a real number.
        """
        sizes = self._sizes
        if values.keys() != sizes.keys():
            differing = sorted(values.keys() ^ sizes.keys())
            raise ValueError(f"these Params do not match the model: {differing}")
        given = [values[name] for name in sizes]
        if [*map(_size, given)] != [*sizes.values()]:
            self._refuse(values)
        return np.concatenate(given, axis=None, dtype=np.float64)

    def _refuse(self, values: Mapping[str, npt.ArrayLike]) -> NoReturn:
        for name, size in self._sizes.items():
            given = _size(values[name])
            if given != size:
                break
        raise ValueError(f"Param {name} has {given} numbers; the model has {size}")

    @cached_property
    def matrix_params(self) -> npt.NDArray[np.intp]:
        """Indices into theta on which A depends; while these stay the same, so does A."""
        first = self._matrix_triples
        return np.unique(self.m_column[first:][self.m_value[first:] != 0.0])

    def matrix(self, theta: Floats) -> Floats:
        """Evaluate the values of A by rows, shape (m,)."""
        start, first = self._matrix_start, self._matrix_triples
        products = self.m_value[first:] * theta[self.m_column[first:]]
        values: Floats = self.z0[start:] + np.bincount(
            self.m_row[first:] - start, products, len(self.indices)
        )
        return values

    def numbers(self, theta: Floats) -> Numbers:
        """Evaluate costs and bounds."""
        start, first = self._matrix_start, self._matrix_triples
        products = self.m_value[:first] * theta.take(self.m_column[:first])
        z: Floats = self.z0[:start] + np.bincount(self.m_row[:first], products, start)
        n, k = self.n_columns, self.n_rows
        rows = 3 * n
        offset = rows + 2 * k
        return Numbers(
            cost=z[:n],
            column_lower=z[n : 2 * n],
            column_upper=z[2 * n : rows],
            row_lower=z[rows : rows + k],
            row_upper=z[rows + k : offset],
            offset=float(z[offset]),
        )


def _size(value: npt.ArrayLike) -> int:
    """Like `np.size`, which is slow for a plain number."""
    if isinstance(value, np.ndarray):
        return value.size
    return 1 if isinstance(value, float) else np.size(value)


def _end(slices: Mapping[str, slice]) -> int:
    return max((part.stop for part in slices.values()), default=0)


def _rising(values: npt.NDArray[np.integer]) -> bool:
    return bool((np.diff(values) >= 0).all())


def _within(indices: npt.NDArray[np.integer], stop: int) -> bool:
    return not indices.size or bool(indices.min() >= 0 and indices.max() < stop)
