"""A model as arrays: every number of the LP is z = z0 + M theta, theta being its Params. Needs numpy alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from optimisation.records import Floats

Ints = npt.NDArray[np.int32]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Numbers:
    """All numbers of the LP for one theta: cost and bounds of columns, bounds of rows, matrix values."""

    cost: Floats
    column_lower: Floats
    column_upper: Floats
    row_lower: Floats
    row_upper: Floats
    matrix: Floats
    offset: float
    """Constant part of the cost."""


class Vectors(NamedTuple):
    """Numbers of the columns and rows that `Moving` names, and the constant part of the cost."""

    cost: Floats
    column_lower: Floats
    column_upper: Floats
    row_lower: Floats
    row_upper: Floats
    offset: float


@dataclass(frozen=True, eq=False)
class Moving:
    """The costs and bounds that depend on theta, and how: everything a re-solve with the same matrix needs."""

    cost: Ints
    """Columns whose cost moves."""
    column: Ints
    """Columns of which a bound moves."""
    row: Ints
    """Rows of which a bound moves."""
    matrix_params: npt.NDArray[np.intp]
    """Places in theta that the matrix depends on; while these stay, so does the matrix."""
    base: Floats
    m_row: npt.NDArray[np.intp]
    m_column: npt.NDArray[np.intp]
    m_value: Floats

    def vectors(self, theta: Floats) -> Vectors:
        """Evaluate the moving numbers, the same as those of `CompiledLP.numbers`."""
        change = np.bincount(self.m_row, self.m_value * theta[self.m_column], minlength=len(self.base))
        found: Floats = self.base + change
        a = len(self.cost)
        b = a + len(self.column)
        c = b + len(self.column)
        d = c + len(self.row)
        return Vectors(found[:a], found[a:b], found[b:c], found[c:d], found[d:-1], float(found[-1]))


@dataclass(frozen=True, eq=False)
class CompiledLP:
    """min cost x + offset, row_lower <= A x <= row_upper, column_lower <= x <= column_upper, whole where `integer`.

    A is kept by rows in `starts` and `indices`. `params`, `columns` and `rows` give the slice of theta, x and rows that
    belongs to a Param, Var or Constraint name, in the order of its index (the last index runs fastest). M is kept as
    triples (`m_row`, `m_column`, `m_value`). Raises ValueError where the parts do not fit each other.
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
        # The solver reads these arrays without looking; what is wrong here is a crash there.
        n, k, length = self.n_columns, self.n_rows, len(self.z0)
        fits = (
            [place.start for place in self.params.values()] == np.cumsum([0, *self._sizes])[:-1].tolist()
            and self.integer.shape == (n,)
            and self.starts.shape == (k + 1,)
            and length == 3 * n + 2 * k + len(self.indices) + 1
            and self.starts[0] == 0
            and self.starts[-1] == len(self.indices)
            and bool((np.diff(self.starts) >= 0).all())
            and _within(self.indices, n)
            and self.m_row.shape == self.m_column.shape == self.m_value.shape
            and _within(self.m_row, length)
            and _within(self.m_column, self.n_params)
        )
        if not fits:
            raise ValueError("the arrays of a compiled model do not fit each other")

    @cached_property
    def n_params(self) -> int:
        """Length of theta."""
        return _end(self.params)

    @cached_property
    def _sizes(self) -> list[int]:
        """Length of each Param."""
        return [place.stop - place.start for place in self.params.values()]

    @cached_property
    def n_columns(self) -> int:
        """Number of variables."""
        return _end(self.columns)

    @cached_property
    def n_rows(self) -> int:
        """Number of constraints."""
        return _end(self.rows)

    @cached_property
    def moving(self) -> Moving:
        """The part of M without the matrix, by what HiGHS takes together."""
        n, k, length = self.n_columns, self.n_rows, len(self.z0)
        moves = np.zeros(length, dtype=np.bool_)
        moves[self.m_row[self.m_value != 0.0]] = True
        cost = np.flatnonzero(moves[:n])
        column = np.flatnonzero(moves[n : 2 * n] | moves[2 * n : 3 * n])
        row = np.flatnonzero(moves[3 * n : 3 * n + k] | moves[3 * n + k : 3 * n + 2 * k])
        chosen = np.concatenate((cost, n + column, 2 * n + column, 3 * n + row, 3 * n + k + row, [length - 1]))
        place = np.full(length, -1)
        place[chosen] = np.arange(len(chosen))
        kept = place[self.m_row] >= 0
        in_matrix = (self.m_row >= 3 * n + 2 * k) & (self.m_row < length - 1) & (self.m_value != 0.0)
        return Moving(
            cost=cost.astype(np.int32),
            column=column.astype(np.int32),
            row=row.astype(np.int32),
            matrix_params=np.unique(self.m_column[in_matrix]),
            base=self.z0[chosen],
            m_row=place[self.m_row[kept]],
            m_column=self.m_column[kept],
            m_value=self.m_value[kept],
        )

    def theta(self, values: Mapping[str, npt.ArrayLike]) -> Floats:
        """Flatten one array per Param; raises ValueError for a name or a size that does not fit the model."""
        if values.keys() != self.params.keys():
            raise ValueError(f"these Params do not match the model: {sorted(values.keys() ^ self.params.keys())}")
        given = [values[name] for name in self.params]
        flat = [value.ravel() if isinstance(value, np.ndarray) else np.ravel(value) for value in given]
        sizes = [value.size for value in flat]
        if sizes != self._sizes:
            wrong = zip(self.params, sizes, self._sizes, strict=True)
            name, size, right = next((name, size, right) for name, size, right in wrong if size != right)
            raise ValueError(f"Param {name} has {size} numbers; the model has {right}")
        return np.concatenate(flat, dtype=np.float64)

    def numbers(self, theta: Floats) -> Numbers:
        """Evaluate z = z0 + M theta."""
        change = np.bincount(self.m_row, self.m_value * theta[self.m_column], minlength=len(self.z0))
        z, n, k = self.z0 + change, self.n_columns, self.n_rows
        a, b = 3 * n, 3 * n + k
        return Numbers(z[:n], z[n : 2 * n], z[2 * n : a], z[a:b], z[b : b + k], z[b + k : -1], float(z[-1]))


def _end(places: Mapping[str, slice]) -> int:
    return max((place.stop for place in places.values()), default=0)


def _within(places: npt.NDArray[np.integer], stop: int) -> bool:
    return not places.size or bool(places.min() >= 0 and places.max() < stop)
