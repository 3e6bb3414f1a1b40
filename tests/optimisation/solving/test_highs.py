"""The C interface of HiGHS: what it may not read is refused before, and a library that is not there
is named.
"""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import optimisation
from optimisation.solving import worker
from optimisation.solving.highs import Highs, HighsError, ModelStatus

INF = np.full(3, np.inf)


def least_sum():
    """min x0 + x1 + x2 with x0 + x1 >= 1, x1 + x2 >= 2, all 0 or more."""
    highs = Highs({"output_flag": False, "threads": 1})
    vectors = (np.ones(3), np.zeros(3), INF, np.array([1.0, 2.0]), INF[:2])
    starts, indices = np.array([0, 2, 4], dtype=np.int32), np.array([0, 1, 1, 2], dtype=np.int32)
    highs.pass_model(vectors, starts, indices, np.ones(4), np.zeros(3, dtype=np.int32))
    return highs


def read_only(array):
    array.flags.writeable = False
    return array


@pytest.mark.parametrize("cost", [np.ones(6)[::2], read_only(np.ones(3))])
def test_an_array_that_lies_in_memory_otherwise_is_refused_and_not_misread(cost):
    highs = least_sum()
    with pytest.raises((TypeError, ValueError, BufferError)):
        highs.make([highs.new_costs(slice(0, 3), cost)])
    assert highs.run() is ModelStatus.OPTIMAL
    assert highs.objective == pytest.approx(2.0)


def test_only_the_run_that_is_named_is_changed():
    highs = least_sum()
    highs.make([highs.new_costs(slice(1, 2), np.full(3, 5.0))])
    assert highs.run() is ModelStatus.OPTIMAL
    assert highs.solution(3, 2)[0].tolist() == [1.0, 0.0, 2.0]


def test_a_change_hands_over_what_its_array_holds_when_it_is_made():
    highs = least_sum()
    costs = np.ones(3)
    change = highs.new_costs(slice(0, 3), costs)
    for dear in (1, 0, 2, 1):
        costs[:] = 1.0
        costs[dear] = 5.0
        highs.make([change])
        assert highs.run() is ModelStatus.OPTIMAL
        assert highs.objective == pytest.approx(costs @ highs.solution(3, 2)[0])
        assert highs.solution(3, 2)[0][dear] == 0.0


def test_a_change_keeps_its_numbers_when_nobody_else_does():
    highs = least_sum()
    change = highs.new_costs(slice(1, 2), np.full(3, 5.0))
    for _ in range(100):
        np.full(3, np.nan)  # where the freed numbers would have been
    highs.make([change])
    assert highs.run() is ModelStatus.OPTIMAL
    assert highs.solution(3, 2)[0].tolist() == [1.0, 0.0, 2.0]


def test_a_change_is_of_one_instance_and_keeps_it_alive():
    highs, other = least_sum(), least_sum()
    change = highs.new_costs(slice(0, 3), np.full(3, 9.0))
    with pytest.raises(ValueError, match="new costs of another instance"):
        other.make([change])
    del highs
    change.highs.make([change])
    assert [(each.run(), each.objective) for each in (change.highs, other)] == [
        (ModelStatus.OPTIMAL, pytest.approx(18.0)),
        (ModelStatus.OPTIMAL, pytest.approx(2.0)),
    ]


def test_a_refused_change_is_an_error_with_its_name():
    highs = least_sum()
    with pytest.raises(HighsError, match="HiGHS refused new row bounds"):
        highs.make([highs.new_row_bounds(slice(0, 2), np.full(9, np.nan), np.full(9, np.nan))])


def test_the_clock_starts_anew_with_each_limit():
    highs = least_sum()
    for _ in range(3):
        highs.limit_time(60.0)
        assert highs.run_time_s == 0.0
        assert highs.run() is ModelStatus.OPTIMAL
        assert highs.run_time_s > 0.0


def test_without_the_library_the_solver_process_says_so_and_does_not_start():
    code = """
from optimisation.solving import highs, worker
highs._NAMES = ("libnone.so",)
worker.main()
"""
    folder = Path(optimisation.__file__).parents[1]
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, capture_output=True, check=False, timeout=60
    )
    length, reason = done.stdout[: worker.LENGTH_BYTES], done.stdout[worker.LENGTH_BYTES :]
    assert (done.returncode, int.from_bytes(length)) == (1, len(reason))
    assert reason.startswith(b"no libnone.so in ")
    assert b"ImportError: no libnone.so in " in done.stderr
    assert b"install highspy from a wheel" in done.stderr
