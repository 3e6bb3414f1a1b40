"""HiGHS through its C interface: numbers go in from numpy arrays and come out into numpy arrays.

The library is the one inside the `highspy` wheel. The Python interface of that package is not used:
it hands over a solution as lists of Python numbers, which takes as long as all the rest of a warm
re-solve outside the solver.
"""

from __future__ import annotations

import ctypes
import importlib.util
from collections.abc import Callable, Iterable
from ctypes import PyDLL, c_char, c_double, c_int, c_void_p
from enum import IntEnum
from functools import cache, partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from optimisation.arrays import Floats, Ints

Option = bool | int | float | str

_ROWWISE, _MINIMIZE, _OK, _ERROR, _FEASIBLE = 2, 1, 0, -1, 2
"""HighsMatrixFormat, ObjSense, HighsStatus and SolutionStatus of the C interface."""

_NAMES = ("libhighs.so.1", "libhighs.1.dylib")


class ModelStatus(IntEnum):
    """What HiGHS says of a model after a run, as its C interface numbers it."""

    NOTSET = 0
    LOAD_ERROR = 1
    MODEL_ERROR = 2
    PRESOLVE_ERROR = 3
    SOLVE_ERROR = 4
    POSTSOLVE_ERROR = 5
    MODEL_EMPTY = 6
    OPTIMAL = 7
    INFEASIBLE = 8
    UNBOUNDED_OR_INFEASIBLE = 9
    UNBOUNDED = 10
    OBJECTIVE_BOUND = 11
    OBJECTIVE_TARGET = 12
    TIME_LIMIT = 13
    ITERATION_LIMIT = 14
    UNKNOWN = 15
    SOLUTION_LIMIT = 16
    INTERRUPT = 17
    MEMORY_LIMIT = 18
    HIGHS_INTERRUPT = 19

    @property
    def words(self) -> str:
        """In words, for a person."""
        return self.name.lower().replace("_", " ")


_STATUSES = {int(status): status for status in ModelStatus}
"""By number; a third of the time of `ModelStatus(number)`."""


class Change(NamedTuple):
    """Hands new numbers to one instance of HiGHS: what an array holds at the time, which may be
    changed in place.

    It keeps the instance and the array alive, so it may be made once and used before every run.
    """

    what: str
    call: Callable[[], int]
    highs: Highs


class HighsError(RuntimeError):
    """HiGHS refused a call; its state can no longer be trusted."""


@cache
def _folder() -> Path:
    spec = importlib.util.find_spec("highspy")  # found and not imported
    if spec is None or spec.origin is None:
        raise ImportError("highspy is not installed; it carries the solver HiGHS")
    return Path(spec.origin).parent


@cache
def _library() -> PyDLL:
    """The library, held by calls that are short: they keep the interpreter lock. Raises ImportError
    where it is not.
    """
    for name in _NAMES:
        if (_folder() / name).is_file():
            library = PyDLL(str(_folder() / name))
            break
    else:
        raise ImportError(f"no {' or '.join(_NAMES)} in {_folder()}; install highspy from a wheel")
    pointer, count = c_void_p, c_int
    for name, result, arguments in (
        ("create", pointer, ()),
        ("destroy", None, (pointer,)),
        ("version", ctypes.c_char_p, ()),
        ("getSizeofHighsInt", c_int, (pointer,)),
        ("setBoolOptionValue", c_int, (pointer, ctypes.c_char_p, c_int)),
        ("setIntOptionValue", c_int, (pointer, ctypes.c_char_p, c_int)),
        ("setDoubleOptionValue", c_int, (pointer, ctypes.c_char_p, c_double)),
        ("setStringOptionValue", c_int, (pointer, ctypes.c_char_p, ctypes.c_char_p)),
        ("getIntInfoValue", c_int, (pointer, ctypes.c_char_p, pointer)),
        ("passMip", c_int, (pointer, *(count,) * 5, c_double, *(pointer,) * 9)),
        ("changeColsCostByRange", c_int, (pointer, count, count, pointer)),
        ("changeColsBoundsByRange", c_int, (pointer, count, count, pointer, pointer)),
        ("changeRowsBoundsByRange", c_int, (pointer, count, count, pointer, pointer)),
        ("getBasis", c_int, (pointer, pointer, pointer)),
        ("setBasis", c_int, (pointer, pointer, pointer)),
        ("clearSolver", c_int, (pointer,)),
        ("zeroAllClocks", c_int, (pointer,)),
        ("getRunTime", c_double, (pointer,)),
        ("getModelStatus", c_int, (pointer,)),
        ("getObjectiveValue", c_double, (pointer,)),
        ("getSolution", c_int, (pointer, *(pointer,) * 4)),
    ):
        function = getattr(library, f"Highs_{name}")
        function.restype, function.argtypes = result, arguments
    return library


@cache
def _run() -> Any:
    """`Highs_run`, which lets other threads of the interpreter go on meanwhile."""
    run = ctypes.CDLL(_library()._name).Highs_run
    run.restype, run.argtypes = c_int, (c_void_p,)
    return run


def version() -> str:
    """Version of HiGHS."""
    text: bytes = _library().Highs_version()
    return text.decode()


class Highs:
    """One instance of HiGHS. Every refusal but that of a basis is a `HighsError`. Not for use by
    two threads at once.

    Arrays must be contiguous, float64 for numbers and int32 for places; their lengths are the
    caller's promise, as HiGHS reads them without looking.
    """

    def __init__(self, options: dict[str, Option]) -> None:
        self._library, self._run = _library(), _run()
        self._handle = self._library.Highs_create()
        if (
            not self._handle
            or self._library.Highs_getSizeofHighsInt(self._handle) != np.dtype(np.int32).itemsize
        ):
            raise HighsError("HiGHS is built with other integers than expected")
        for name, setting in options.items():
            self.set_option(name, setting)

    def __del__(self) -> None:
        if handle := self.__dict__.pop("_handle", None):
            self._library.Highs_destroy(handle)

    def set_option(self, name: str, setting: Option) -> None:
        """Set one option by its type."""
        kind = {bool: "Bool", int: "Int", float: "Double", str: "String"}[type(setting)]
        value = setting.encode() if isinstance(setting, str) else setting
        self._must(
            getattr(self._library, f"Highs_set{kind}OptionValue")(
                self._handle, name.encode(), value
            ),
            f"option {name}",
        )

    def limit_time(self, limit_s: float) -> None:
        """Let the next run end after `limit_s` seconds.

        The clock starts anew: a search over whole numbers has one of its own and takes the limit
        for its own, an LP goes by that of the instance, which counts all runs.
        """
        self._must(self._library.Highs_zeroAllClocks(self._handle), "to set its clock")
        self._must(
            self._library.Highs_setDoubleOptionValue(self._handle, b"time_limit", limit_s),
            "option time_limit",
        )

    def pass_model(
        self,
        vectors: tuple[Floats, ...],
        starts: Ints,
        indices: Ints,
        values: Floats,
        integer: Ints,
    ) -> None:
        """Hand over a whole model.

        `vectors` are cost, lower and upper bounds of the columns, lower and upper bounds of the
        rows; the matrix goes by rows; `integer` has a 1 for each whole-numbered column.
        """
        cost, _, _, row_lower, _ = vectors
        # The list keeps them alive until the call is over.
        arrays = [
            np.ascontiguousarray(array) for array in (*vectors, starts, indices, values, integer)
        ]
        places = [array.ctypes.data for array in arrays]
        sizes = (len(cost), len(row_lower), len(values))
        passed = self._library.Highs_passMip(
            self._handle, *sizes, _ROWWISE, _MINIMIZE, 0.0, *places
        )
        self._must(passed, "the model")

    def new_costs(self, run: slice, cost: Floats) -> Change:
        """What hands over the costs of a run of columns, out of the costs of all."""
        return self._change("new costs", self._library.Highs_changeColsCostByRange, run, cost)

    def new_column_bounds(self, run: slice, lower: Floats, upper: Floats) -> Change:
        """What hands over the bounds of a run of columns, out of the bounds of all."""
        return self._change(
            "new column bounds", self._library.Highs_changeColsBoundsByRange, run, lower, upper
        )

    def new_row_bounds(self, run: slice, lower: Floats, upper: Floats) -> Change:
        """What hands over the bounds of a run of rows, out of the bounds of all."""
        return self._change(
            "new row bounds", self._library.Highs_changeRowsBoundsByRange, run, lower, upper
        )

    def _change(self, what: str, call: Any, run: slice, *arrays: Floats) -> Change:
        kept = [_kept(array[run]) for array in arrays]
        return Change(what, partial(call, self._handle, run.start, run.stop - 1, *kept), self)

    def make(self, changes: Iterable[Change]) -> None:
        """Hand over what the arrays of these changes hold now. Raises ValueError for a change of
        another instance.
        """
        for what, call, highs in changes:
            if highs is not self:
                raise ValueError(f"{what} of another instance of HiGHS")
            if call() != _OK:
                raise HighsError(f"HiGHS refused {what}")

    def basis(self, n_columns: int, n_rows: int) -> tuple[Ints, Ints] | None:
        """Status of each column and row in the present basis; None where there is none."""
        columns, rows = np.zeros(n_columns, dtype=np.int32), np.zeros(n_rows, dtype=np.int32)
        status = self._library.Highs_getBasis(self._handle, columns.ctypes.data, rows.ctypes.data)
        return (columns, rows) if status == _OK and self.info("basis_validity") else None

    def set_basis(self, columns: Ints, rows: Ints) -> None:
        """Start the next run from there. Of another matrix, it may be singular; HiGHS repairs it
        then.
        """
        self._library.Highs_setBasis(self._handle, columns.ctypes.data, rows.ctypes.data)

    def clear_solver(self) -> None:
        """Forget basis and solution."""
        self._must(self._library.Highs_clearSolver(self._handle), "to forget its basis")

    def run(self) -> ModelStatus:
        """Solve; returns what came of it, `UNKNOWN` for what only a newer HiGHS may say."""
        if self._run(self._handle) == _ERROR:
            return ModelStatus.SOLVE_ERROR
        return _STATUSES.get(self._library.Highs_getModelStatus(self._handle), ModelStatus.UNKNOWN)

    @property
    def run_time_s(self) -> float:
        """Seconds of all runs since `limit_time`."""
        seconds: float = self._library.Highs_getRunTime(self._handle)
        return seconds

    @property
    def objective(self) -> float:
        """Cost of the solution."""
        cost: float = self._library.Highs_getObjectiveValue(self._handle)
        return cost

    @property
    def has_solution(self) -> bool:
        """Whether there is a solution that keeps all bounds."""
        return self.info("primal_solution_status") == _FEASIBLE

    def solution(self, n_columns: int, n_rows: int) -> tuple[Floats, Floats]:
        """Values of the columns, and d cost / d bound of the rows; NaN where HiGHS has none."""
        both = np.empty(n_columns + n_rows)
        both.fill(np.nan)
        x, dual = (at := _at(both)), at + n_columns * both.itemsize
        self._must(self._library.Highs_getSolution(self._handle, x, None, None, dual), "a solution")
        return both[:n_columns], both[n_columns:]

    def info(self, name: str) -> int:
        """One of the whole numbers that HiGHS tells of its last run."""
        number = c_int()
        self._must(
            self._library.Highs_getIntInfoValue(self._handle, name.encode(), ctypes.byref(number)),
            name,
        )
        return number.value

    def _must(self, status: int, what: str) -> None:
        if status != _OK:
            raise HighsError(f"HiGHS refused {what}")


def _kept(array: Floats) -> ctypes.Array[c_double]:
    """The memory of a writable array, which stays as long as this does."""
    return (c_double * array.size).from_buffer(array.data)


def _at(array: Floats) -> int:
    """Where a writable array of at least one number lies; a third of the time of
    `array.ctypes.data`.
    """
    return ctypes.addressof(c_char.from_buffer(array.data))
