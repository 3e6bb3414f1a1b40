"""The C interface of HiGHS: arrays it would misread are refused, and its refusals are errors."""

import numpy as np
import pytest

from optimisation.program.compiled import Numbers
from optimisation.solving.highs import Highs, HighsError, ModelStatus

INF = np.full(3, np.inf)
READ_ONLY = np.ones(3)
READ_ONLY.flags.writeable = False


def numbers(**changes):
    """min x0 + x1 + x2 with x0 + x1 >= 1, x1 + x2 >= 2, all 0 or more."""
    given = {
        "cost": np.ones(3),
        "column_lower": np.zeros(3),
        "column_upper": INF,
        "row_lower": np.array([1.0, 2.0]),
        "row_upper": INF[:2],
        "offset": 0.0,
    }
    return Numbers(**given | changes)


def least_sum():
    highs = Highs({"output_flag": False, "threads": 1})
    starts, indices = np.array([0, 2, 4], dtype=np.int32), np.array([0, 1, 1, 2], dtype=np.int32)
    highs.pass_model(numbers(), starts, indices, np.ones(4), np.zeros(3, dtype=np.int32))
    return highs


@pytest.mark.parametrize(
    "cost", [np.ones(6)[::2], np.ones(3, dtype=np.float32), np.ones(3, dtype=np.int64), READ_ONLY]
)
def test_an_array_that_lies_in_memory_otherwise_is_refused_and_not_misread(cost):
    highs = least_sum()
    with pytest.raises((TypeError, ValueError, BufferError)):
        highs.change_numbers(numbers(cost=cost))
    assert highs.run() is ModelStatus.OPTIMAL
    assert highs.objective == pytest.approx(2.0)


def test_new_costs_and_bounds_replace_the_old_ones():
    highs = least_sum()
    highs.change_numbers(numbers(cost=np.array([1.0, 5.0, 1.0])))
    assert highs.run() is ModelStatus.OPTIMAL
    assert highs.solution(3, 2)[0].tolist() == [1.0, 0.0, 2.0]
    highs.change_numbers(numbers(column_lower=np.array([0.0, 0.0, 3.0])))
    assert highs.run() is ModelStatus.OPTIMAL
    assert highs.objective == pytest.approx(4.0)
    highs.change_numbers(numbers(row_lower=np.array([1.0, 7.0])))
    assert highs.run() is ModelStatus.OPTIMAL
    assert highs.objective == pytest.approx(7.0)


def test_duals_are_the_change_of_the_cost_with_the_bound():
    highs = least_sum()
    highs.change_numbers(numbers(cost=np.array([1.0, 5.0, 2.0])))
    assert highs.run() is ModelStatus.OPTIMAL
    assert highs.solution(3, 2)[1].tolist() == [1.0, 2.0]


def test_instances_do_not_share_numbers():
    highs, other = least_sum(), least_sum()
    highs.change_numbers(numbers(cost=np.full(3, 9.0)))
    assert [(each.run(), each.objective) for each in (highs, other)] == [
        (ModelStatus.OPTIMAL, pytest.approx(18.0)),
        (ModelStatus.OPTIMAL, pytest.approx(2.0)),
    ]


@pytest.mark.parametrize(
    ("name", "message"),
    [("row_lower", "new row bounds"), ("column_lower", "new column bounds")],
)
def test_a_refused_change_is_an_error_that_names_it(name, message):
    highs = least_sum()
    wrong = np.full(2 if name == "row_lower" else 3, np.nan)
    with pytest.raises(HighsError, match=f"HiGHS refused {message}"):
        highs.change_numbers(numbers(**{name: wrong}))


def test_the_clock_starts_anew_with_each_limit():
    highs = least_sum()
    for _ in range(3):
        highs.limit_time(60.0)
        assert highs.run_time_s == 0.0
        assert highs.run() is ModelStatus.OPTIMAL
        assert highs.run_time_s > 0.0
