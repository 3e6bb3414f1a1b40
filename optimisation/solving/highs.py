"""HiGHS through its C interface: numbers go in from numpy arrays and come out into numpy arrays.

The library is the one inside the `highspy` wheel. The Python interface of that package is not used:
it returns a solution as lists of Python numbers, which takes as long as everything else of a warm
re-solve outside the solver.
"""

from __future__ import annotations

import ctypes
import importlib.util
from ctypes import PyDLL, c_char, c_char_p, c_double, c_int, c_void_p
from enum import IntEnum
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.ctypeslib import ndpointer

from optimisation.arrays import Floats, Ints
from optimisation.program.compiled import Numbers

Option = bool | int | float | str

# HighsMatrixFormat, ObjSense, HighsStatus and SolutionStatus of the C interface.
_ROWWISE, _MINIMIZE, _OK, _ERROR, _FEASIBLE = 2, 1, 0, -1, 2

_LIBRARIES = ("libhighs.so.1", "libhighs.1.dylib")

_FLOATS: Any = ndpointer(np.float64, ndim=1, flags="C_CONTIGUOUS")
_INTS: Any = ndpointer(np.int32, ndim=1, flags="C_CONTIGUOUS")
# An argument of these types that does not lie in memory as HiGHS reads it is refused by ctypes.

_SIGNATURES: tuple[tuple[str, Any, tuple[Any, ...]], ...] = (
    ("create", c_void_p, ()),
    ("destroy", None, (c_void_p,)),
    ("version", c_char_p, ()),
    ("getSizeofHighsInt", c_int, (c_void_p,)),
    ("setBoolOptionValue", c_int, (c_void_p, c_char_p, c_int)),
    ("setIntOptionValue", c_int, (c_void_p, c_char_p, c_int)),
    ("setDoubleOptionValue", c_int, (c_void_p, c_char_p, c_double)),
    ("setStringOptionValue", c_int, (c_void_p, c_char_p, c_char_p)),
    ("getIntInfoValue", c_int, (c_void_p, c_char_p, c_void_p)),
    (
        "passMip",
        c_int,
        (c_void_p, *(c_int,) * 5, c_double, *(_FLOATS,) * 5, _INTS, _INTS, _FLOATS, _INTS),
    ),
    ("changeColsCostByRange", c_int, (c_void_p, c_int, c_int, c_void_p)),
    ("changeColsBoundsByRange", c_int, (c_void_p, c_int, c_int, c_void_p, c_void_p)),
    ("changeRowsBoundsByRange", c_int, (c_void_p, c_int, c_int, c_void_p, c_void_p)),
    ("getBasis", c_int, (c_void_p, _INTS, _INTS)),
    ("setBasis", c_int, (c_void_p, _INTS, _INTS)),
    ("clearSolver", c_int, (c_void_p,)),
    ("zeroAllClocks", c_int, (c_void_p,)),
    ("getRunTime", c_double, (c_void_p,)),
    ("getModelStatus", c_int, (c_void_p,)),
    ("getObjectiveValue", c_double, (c_void_p,)),
    ("getSolution", c_int, (c_void_p, *(c_void_p,) * 4)),
)


class ModelStatus(IntEnum):
    """The status of a model after a run, numbered as in the C interface of HiGHS."""

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
    def text(self) -> str:
        """The name as plain text."""
        return self.name.lower().replace("_", " ")


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
    """The library for all calls but a run: they are short, so they keep the interpreter lock.

    Raises ImportError where the library is missing.
    """
    for name in _LIBRARIES:
        if (_folder() / name).is_file():
            library = PyDLL(str(_folder() / name))
            break
    else:
        raise ImportError(
            f"no {' or '.join(_LIBRARIES)} in {_folder()}; install highspy from a wheel"
        )
    for name, result, arguments in _SIGNATURES:
        function = getattr(library, f"Highs_{name}")
        function.restype, function.argtypes = result, arguments
    return library


@cache
def _run() -> Any:
    """`Highs_run`, which releases the interpreter lock."""
    run = ctypes.CDLL(_library()._name).Highs_run
    run.restype, run.argtypes = c_int, (c_void_p,)
    return run


def version() -> str:
    """Version of HiGHS. Raises ImportError where the library is missing."""
    text: bytes = _library().Highs_version()
    return text.decode()


class Highs:
    """One instance of HiGHS. Not for use by two threads at once.

    Every refusal is a `HighsError`, except that of a basis. HiGHS does not check the lengths of
    arrays; that they fit each other and the model is up to the caller.
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
        """Set one option; its type decides which of the C functions is called."""
        kind = {bool: "Bool", int: "Int", float: "Double", str: "String"}[type(setting)]
        set_value = getattr(self._library, f"Highs_set{kind}OptionValue")
        value = setting.encode() if isinstance(setting, str) else setting
        _must(set_value(self._handle, name.encode(), value), f"option {name}")

    def limit_time(self, limit_s: float) -> None:
        """End the next run after `limit_s` seconds.

        The clocks are set to 0 first. An LP counts the seconds of all runs of its instance against
        the limit, a search over whole numbers only its own.
        """
        _must(self._library.Highs_zeroAllClocks(self._handle), "to reset its clocks")
        set_limit = self._library.Highs_setDoubleOptionValue
        _must(set_limit(self._handle, b"time_limit", limit_s), "option time_limit")

    def pass_model(
        self, numbers: Numbers, starts: Ints, indices: Ints, values: Floats, integer: Ints
    ) -> None:
        """Replace the model.

        Costs and bounds are taken from `numbers`, the matrix by rows from `starts`, `indices` and
        `values`; `integer` has a 1 for each whole-numbered column.
        """
        passed = self._library.Highs_passMip(
            self._handle,
            len(numbers.cost),
            len(numbers.row_lower),
            len(values),
            _ROWWISE,
            _MINIMIZE,
            0.0,
            numbers.cost,
            numbers.column_lower,
            numbers.column_upper,
            numbers.row_lower,
            numbers.row_upper,
            starts,
            indices,
            values,
            integer,
        )
        _must(passed, "the model")

    def change_numbers(self, numbers: Numbers) -> None:
        """Replace the costs and all bounds; matrix and basis stay."""
        columns = (0, len(numbers.cost) - 1)
        rows = (0, len(numbers.row_lower) - 1)
        cost, column_lower, column_upper, row_lower, row_upper = map(_address, numbers[:5])
        _must(
            self._library.Highs_changeColsCostByRange(self._handle, *columns, cost),
            "new costs",
        )
        _must(
            self._library.Highs_changeColsBoundsByRange(
                self._handle, *columns, column_lower, column_upper
            ),
            "new column bounds",
        )
        _must(
            self._library.Highs_changeRowsBoundsByRange(self._handle, *rows, row_lower, row_upper),
            "new row bounds",
        )

    def basis(self, n_columns: int, n_rows: int) -> tuple[Ints, Ints] | None:
        """Status of each column and row in the present basis; None where there is none."""
        columns, rows = np.zeros(n_columns, dtype=np.int32), np.zeros(n_rows, dtype=np.int32)
        status = self._library.Highs_getBasis(self._handle, columns, rows)
        return (columns, rows) if status == _OK and self.info("basis_validity") else None

    def set_basis(self, columns: Ints, rows: Ints) -> None:
        """Start the next run from a basis.

        With another matrix it may be singular; HiGHS repairs it then. A refusal is not an error,
        since without the basis the run is only slower.
        """
        self._library.Highs_setBasis(self._handle, columns, rows)

    def clear_solver(self) -> None:
        """Discard basis and solution."""
        _must(self._library.Highs_clearSolver(self._handle), "to discard its basis")

    def run(self) -> ModelStatus:
        """Solve. `UNKNOWN` stands for a status that only a newer HiGHS knows."""
        if self._run(self._handle) == _ERROR:
            return ModelStatus.SOLVE_ERROR
        status = self._library.Highs_getModelStatus(self._handle)
        try:
            return ModelStatus(status)
        except ValueError:
            return ModelStatus.UNKNOWN

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
        both = np.full(n_columns + n_rows, np.nan)
        x = _address(both)
        dual = x + n_columns * both.itemsize
        status = self._library.Highs_getSolution(self._handle, x, None, None, dual)
        _must(status, "a solution")
        return both[:n_columns], both[n_columns:]

    def info(self, name: str) -> int | None:
        """One of the whole numbers that HiGHS reports about its last run.

        None where the model has changed since, or there was no run.
        """
        number = c_int()
        status = self._library.Highs_getIntInfoValue(
            self._handle, name.encode(), ctypes.byref(number)
        )
        return number.value if status == _OK else None


def _must(status: int, what: str) -> None:
    if status != _OK:
        raise HighsError(f"HiGHS refused {what}")


def _address(array: Floats) -> int:
    """Address of the numbers of a writable array of at least one.

    Raises TypeError, ValueError or BufferError unless HiGHS would read them right. Takes a third of
    the time of an argument of type `_FLOATS`, which counts in every plan.
    """
    if array.dtype != np.float64:
        raise TypeError("HiGHS reads arrays of float64 only")
    return ctypes.addressof(c_char.from_buffer(array.data))
