"""The numbers of one LP, kept up to date from plan to plan: only what depends on Params that move
is reckoned anew.

Most Params of a site stay as they are: sizes, efficiencies, limits, the lengths of the steps. They
are known by being the same objects as before, so whoever hands over Params keeps what stays and
never changes it in place.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from optimisation.arrays import Floats, highest, lowest
from optimisation.program.compiled import CompiledLP, Vectors, flatten

Values = Mapping[str, Any]
"""An array or a number for each Param of a model, shaped as its index."""


_LARGEST = 1e100
"""Nothing of a site comes near it, and what follows from smaller Params is finite."""


class NotFiniteError(ValueError):
    """A number that is not finite was on its way to the solver."""


class Runs(NamedTuple):
    """Runs of columns and rows with new numbers; what lies between two runs is as it was."""

    costs: tuple[slice, ...]
    bounds: tuple[slice, ...]
    rows: tuple[slice, ...]


class Refreshed(NamedTuple):
    """Costs and bounds as they are now, and where they may have changed; None where the matrix has.

    From plan to plan it is one and the same object, its arrays changed in place, as long as no
    further Param moves.
    """

    vectors: Vectors
    runs: Runs | None


@dataclass(frozen=True, eq=False)
class _Moving:
    """How costs and bounds follow from the Params that move: base + M' theta', theta' being those
    Params alone.
    """

    sizes: Mapping[str, int]
    """Length of each of those Params."""
    places: npt.NDArray[np.intp]
    """Which of the costs and bounds."""
    base: Floats
    m_row: npt.NDArray[np.intp]
    m_column: npt.NDArray[np.intp]
    m_value: Floats
    refreshed: Refreshed


class Numbers:
    """Costs, bounds and matrix of a compiled LP for the Params seen last. After an exception it is
    of no more use.
    """

    def __init__(self, compiled: CompiledLP) -> None:
        self._compiled = compiled
        self._held: Values = {}
        self._theta: Floats = np.empty(0)
        """Of `_held`, but for the Params that move."""
        self._vectors: Vectors | None = None
        self._names: frozenset[str] = frozenset()
        """Params that have moved since the matrix is as it is."""
        self._moving: _Moving | None = None

    def update(self, values: Values) -> Refreshed:
        """Take new Params.

        Raises `NotFiniteError` for what is not finite, ValueError for Params that do not fit the
        model: HiGHS hangs on a NaN cost and keeps the old numbers on a NaN bound.
        """
        held, vectors = self._held, self._vectors
        moved = {name for name, value in values.items() if value is not held.get(name)}
        self._held = values
        if (
            vectors is None
            or not self._names
            or not moved <= self._names
            or len(values) != len(held)
        ):
            return self._settle(values, moved)
        return self._move(values, vectors)

    @property
    def matrix(self) -> Floats:
        """Values of A. Raises `NotFiniteError`."""
        matrix = self._compiled.matrix(self._theta)
        if not np.isfinite(matrix).all():
            raise NotFiniteError("a coefficient that is not finite reached the solver")
        return matrix

    def _move(self, values: Values, vectors: Vectors) -> Refreshed:
        """Reckon anew what depends on the Params that move."""
        moving = self._moving
        if moving is None:
            self._moving = moving = self._what_moves(vectors)
        theta = flatten(values, moving.sizes)
        _must_be_finite(theta)
        change = np.bincount(
            moving.m_row, moving.m_value * theta[moving.m_column], minlength=len(moving.base)
        )
        vectors.together[moving.places] = moving.base + change
        return moving.refreshed

    def _settle(self, values: Values, moved: set[str]) -> Refreshed:
        """Reckon everything anew."""
        compiled, before, vectors = self._compiled, self._theta, self._vectors
        self._theta = theta = compiled.theta(values)
        _must_be_finite(theta)
        self._vectors = now = compiled.vectors(theta)
        self._moving = None
        matrix_params = compiled.matrix_params
        if vectors is None or not np.array_equal(before[matrix_params], theta[matrix_params]):
            self._names = frozenset()
            return Refreshed(now, None)
        self._names = (self._names | moved) - compiled.matrix_names
        return Refreshed(now, self._runs(np.flatnonzero(now.together != vectors.together)))

    def _what_moves(self, vectors: Vectors) -> _Moving:
        compiled = self._compiled
        places_of = {name: place for name, place in compiled.params.items() if name in self._names}
        sizes = {name: place.stop - place.start for name, place in places_of.items()}
        column = np.full(compiled.n_params, -1)
        end = 0
        for name, place in places_of.items():
            column[place] = np.arange(end, end := end + sizes[name])
        m_row, m_column, m_value = compiled.vector_triples
        moves = (column[m_column] >= 0) & (m_value != 0.0)
        places = np.unique(m_row[moves])
        row = np.full(len(compiled.z0), -1)
        row[places] = np.arange(len(places))
        stays = (row[m_row] >= 0) & ~moves
        given = np.bincount(
            row[m_row[stays]], m_value[stays] * self._theta[m_column[stays]], minlength=len(places)
        )
        return _Moving(
            sizes=sizes,
            places=places,
            base=compiled.z0[places] + given,
            m_row=row[m_row[moves]],
            m_column=column[m_column[moves]],
            m_value=m_value[moves],
            refreshed=Refreshed(vectors, self._runs(places)),
        )

    def _runs(self, places: npt.NDArray[np.intp]) -> Runs:
        """Runs of what stands at these places, rising, of the costs and bounds."""
        n, k = self._compiled.n_columns, self._compiled.n_rows
        of_columns = places[(places >= n) & (places < 3 * n)]
        of_rows = places[(places >= 3 * n) & (places < 3 * n + 2 * k)] - 3 * n
        return Runs(
            runs_of(places[places < n]),
            runs_of(np.unique(of_columns % n)),
            runs_of(np.unique(of_rows % k)),
        )


def runs_of(places: npt.NDArray[np.intp]) -> tuple[slice, ...]:
    """Runs of consecutive places, which are given in order."""
    firsts = np.flatnonzero(np.diff(places, prepend=-2) > 1)
    return tuple(
        slice(int(run[0]), int(run[-1]) + 1) for run in np.split(places, firsts[1:]) if run.size
    )


def _must_be_finite(theta: Floats) -> None:
    """Raise `NotFiniteError` for Params of which one is not finite, or so large that a product may
    not be.
    """
    if theta.size and not (
        lowest(theta) > -_LARGEST and highest(theta) < _LARGEST
    ):  # False for NaN
        raise NotFiniteError("a number that is not finite reached the solver")
