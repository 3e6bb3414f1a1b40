"""A model as arrays: every number of the LP is z = z0 + M theta, theta being its Params. Needs
numpy alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from optimisation.arrays import Floats, Ints

Bools = npt.NDArray[np.bool_]


class Vectors(NamedTuple):
    """Costs and bounds of the LP for one theta, and the constant part of the cost."""

    together: Floats
    """All of them in one array, of which the others are parts."""
    cost: Floats
    column_lower: Floats
    column_upper: Floats
    row_lower: Floats
    row_upper: Floats

    @property
    def offset(self) -> float:
        """The constant part of the cost."""
        return float(self.together[-1])


@dataclass(frozen=True, eq=False)
class CompiledLP:
    """min cost x + offset, row_lower <= A x <= row_upper, column_lower <= x <= column_upper, whole
    where `integer`.

    A is kept by rows in `starts` and `indices`. `params`, `columns` and `rows` give the slice of
    theta, x and rows that belongs to a Param, Var or Constraint name, in the order of its index
    (the last index runs fastest). z has the parts of `Vectors` one after the other and then the
    values of A; M is kept as triples (`m_row`, `m_column`, `m_value`), its rows in order. Raises
    ValueError where the parts do not fit each other.
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
            [place.start for place in self.params.values()]
            == np.cumsum([0, *self._sizes.values()])[:-1].tolist()
            and self.integer.shape == (n,)
            and self.starts.shape == (k + 1,)
            and length == 3 * n + 2 * k + len(self.indices) + 1
            and self.starts[0] == 0
            and self.starts[-1] == len(self.indices)
            and bool((np.diff(self.starts) >= 0).all())
            and _within(self.indices, n)
            and self.m_row.shape == self.m_column.shape == self.m_value.shape
            and _within(self.m_row, length)
            and bool((np.diff(self.m_row) >= 0).all())
            and _within(self.m_column, self.n_params)
        )
        if not fits:
            raise ValueError("the arrays of a compiled model do not fit each other")

    @cached_property
    def n_params(self) -> int:
        """Length of theta."""
        return _end(self.params)

    @cached_property
    def _sizes(self) -> dict[str, int]:
        """Length of each Param."""
        return {name: place.stop - place.start for name, place in self.params.items()}

    @cached_property
    def n_columns(self) -> int:
        """Number of variables."""
        return _end(self.columns)

    @cached_property
    def n_rows(self) -> int:
        """Number of constraints."""
        return _end(self.rows)

    @cached_property
    def _ends(self) -> tuple[int, int]:
        """Where in z and in the triples of M the vectors end and the matrix begins."""
        end = len(self.z0) - len(self.indices)
        return end, int(np.searchsorted(self.m_row, end))

    @cached_property
    def vector_triples(self) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp], Floats]:
        """Rows, columns and values of the part of M that costs and bounds depend on."""
        _, stop = self._ends
        return self.m_row[:stop], self.m_column[:stop], self.m_value[:stop]

    @cached_property
    def matrix_params(self) -> npt.NDArray[np.intp]:
        """Places in theta that the matrix depends on; while these stay, so does the matrix."""
        _, first = self._ends
        return np.unique(self.m_column[first:][self.m_value[first:] != 0.0])

    @cached_property
    def matrix_names(self) -> frozenset[str]:
        """Names of the Params that the matrix depends on."""
        at = self.matrix_params
        return frozenset(
            n for n, place in self.params.items() if ((at >= place.start) & (at < place.stop)).any()
        )

    def theta(self, values: Mapping[str, npt.ArrayLike]) -> Floats:
        """Flatten one array per Param; raises ValueError for a name or a size that does not fit the
        model.
        """
        if values.keys() != self.params.keys():
            raise ValueError(
                f"these Params do not match the model: {sorted(values.keys() ^ self.params.keys())}"
            )
        return flatten(values, self._sizes)

    def vectors(self, theta: Floats) -> Vectors:
        """Evaluate costs and bounds."""
        end, _ = self._ends
        m_row, m_column, m_value = self.vector_triples
        z: Floats = self.z0[:end] + np.bincount(m_row, m_value * theta[m_column], minlength=end)
        n, k = self.n_columns, self.n_rows
        a, b = 3 * n, 3 * n + k
        return Vectors(z, z[:n], z[n : 2 * n], z[2 * n : a], z[a:b], z[b:-1])

    def matrix(self, theta: Floats) -> Floats:
        """Evaluate the values of A."""
        end, m_end = self._ends
        change = self.m_value[m_end:] * theta[self.m_column[m_end:]]
        values: Floats = self.z0[end:] + np.bincount(
            self.m_row[m_end:] - end, change, minlength=len(self.indices)
        )
        return values


def flatten(values: Mapping[str, npt.ArrayLike], sizes: Mapping[str, int]) -> Floats:
    """Put the Params that `sizes` names one after the other; raises ValueError for one that has not
    that size.
    """
    given = [values[name] for name in sizes]
    if [value.size if isinstance(value, np.ndarray) else _size(value) for value in given] != [
        *sizes.values()
    ]:
        name, size = next(
            (name, _size(values[name])) for name in sizes if _size(values[name]) != sizes[name]
        )
        raise ValueError(f"Param {name} has {size} numbers; the model has {sizes[name]}")
    return np.concatenate(given, axis=None, dtype=np.float64)


def _size(value: npt.ArrayLike) -> int:
    """As `np.size`, which takes its time with a number."""
    return 1 if isinstance(value, float) else np.size(value)


def _end(places: Mapping[str, slice]) -> int:
    return max((place.stop for place in places.values()), default=0)


def _within(places: npt.NDArray[np.integer], stop: int) -> bool:
    return not places.size or bool(places.min() >= 0 and places.max() < stop)
