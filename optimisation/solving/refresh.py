"""One HiGHS instance and the program in it: new numbers are sent, the basis is kept.

From plan to plan of a site the matrix (efficiencies, lengths of steps, acceptance) seldom changes;
costs and bounds do. All of these are sent each time, in three calls. That takes 0.08 ms for a day
of quarter hours, of which the run of HiGHS takes 1.7 ms. Sending only what has changed was no
faster: 0.11 ms with lists of indices, 0.07 ms with one range each.
"""

from __future__ import annotations

import numpy as np

from optimisation.arrays import Floats, highest, lowest
from optimisation.program.compiled import Bools, CompiledLP, Numbers
from optimisation.solving.highs import Highs, Option

DROPPED = 1e-9
"""HiGHS removes matrix values up to this size and answers with a warning. They are removed before,
so that a warning always means trouble.
"""

_LARGEST = 1e100
"""No number of a site comes near it, and products of smaller Params with the coefficients of a
model are finite.
"""


class NotFiniteError(ValueError):
    """A number that is not finite was about to be sent to the solver."""


def must_be_finite(theta: Floats) -> None:
    """Raise `NotFiniteError` unless all Params, and so everything computed from them, are finite.

    HiGHS hangs on a NaN in the cost and keeps the old numbers on a NaN in a bound.
    """
    # The comparisons are False for NaN.
    if theta.size and not (lowest(theta) > -_LARGEST and highest(theta) < _LARGEST):
        raise NotFiniteError("a number that is not finite reached the solver")


class HeldProgram:
    """The program of one shape inside one HiGHS instance. Not for use by two threads at once."""

    def __init__(self, compiled: CompiledLP, options: dict[str, Option], integer: Bools) -> None:
        """`integer` says for each column whether HiGHS has to find whole numbers, shape (n,).

        Raises `HighsError` for an option that HiGHS does not know.
        """
        self.highs = Highs(options)
        self._compiled = compiled
        self._integer = integer.astype(np.int32)
        self._matrix_params: Floats | None = None
        """The Params that the matrix in HiGHS was made from; None where there is no sound model."""

    def refresh(self, theta: Floats, numbers: Numbers) -> None:
        """Send costs and bounds, and the matrix of `theta` where it is another one.

        The basis of the last solve stays, also for another matrix. Raises `HighsError` where HiGHS
        refuses a number.
        """
        before, self._matrix_params = self._matrix_params, None
        matrix_params = theta[self._compiled.matrix_params]
        if before is None:
            self._send_model(theta, numbers)
        elif np.array_equal(matrix_params, before):
            self.highs.change_numbers(numbers)
        else:
            basis = self.highs.basis(self._compiled.n_columns, self._compiled.n_rows)
            self._send_model(theta, numbers)
            if basis is not None:
                self.highs.set_basis(*basis)
        self._matrix_params = matrix_params

    def _send_model(self, theta: Floats, numbers: Numbers) -> None:
        compiled = self._compiled
        matrix = compiled.matrix(theta)
        kept = np.abs(matrix) > DROPPED
        starts = np.concatenate(([0], np.cumsum(kept)))[compiled.starts]
        self.highs.pass_model(
            numbers,
            starts.astype(np.int32),
            compiled.indices[kept],
            matrix[kept],
            self._integer,
        )
