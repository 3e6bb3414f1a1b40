"""The retry timer: how long it waits after each failure, and what ends a pause."""

from __future__ import annotations

import pytest

from drivers.backoff import Backoff, growing_pauses


def pauses(backoff: Backoff, failures: int) -> list[int]:
    """Whole seconds that it rests after each of so many failures in a row."""
    found = []
    for _ in range(failures):
        backoff.failed(1000.0)
        found.append(next(s for s in range(10_000) if not backoff.resting(1000.0 + s)))
    return found


def test_pauses_grow_up_to_the_longest() -> None:
    assert growing_pauses(30.0, 3600.0, factor=4.0) == (30.0, 120.0, 480.0, 1920.0, 3600.0)
    assert growing_pauses(2.0, 8.0) == (2.0, 4.0, 8.0)
    assert growing_pauses(5.0, 1.0) == (1.0,)
    assert growing_pauses(5.0, 0.0) == (0.0,)


@pytest.mark.parametrize(
    ("first_s", "longest_s", "factor"), [(0.0, 1.0, 2.0), (1.0, -1.0, 2.0), (1.0, 9.0, 1.0)]
)
def test_pauses_that_do_not_grow_are_refused(
    first_s: float, longest_s: float, factor: float
) -> None:
    with pytest.raises(ValueError, match="do not grow"):
        growing_pauses(first_s, longest_s, factor=factor)


def test_each_failure_takes_the_next_pause_and_the_last_one_repeats() -> None:
    assert pauses(Backoff((0.0, *growing_pauses(2.0, 30.0))), 8) == [0, 2, 4, 8, 16, 30, 30, 30]


def test_success_ends_the_pause_and_starts_over() -> None:
    backoff = Backoff((3.0, 9.0))
    assert not backoff.resting(0.0)
    assert pauses(backoff, 2) == [3, 9]
    backoff.succeeded()
    assert backoff.failures == 0
    assert not backoff.resting(1000.0)
    assert pauses(backoff, 1) == [3]


def test_a_pause_of_its_own_counts_no_failure() -> None:
    backoff = Backoff((3.0, 9.0))
    backoff.rest(100.0, 60.0)
    assert backoff.failures == 0
    assert backoff.resting(159.9)
    assert not backoff.resting(160.0)
    assert pauses(backoff, 1) == [3]


def test_a_clock_that_is_set_back_ends_the_pause() -> None:
    backoff = Backoff((3600.0,))
    backoff.failed(1e9)
    assert backoff.resting(1e9 + 1.0)
    assert not backoff.resting(1e9 - 1.0)
