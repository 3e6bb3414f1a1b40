"""When a setpoint is due again: refreshed at half of the lease, retried after growing pauses."""

from __future__ import annotations

import math

import pytest

from drivers.modbus.device_map import Lease
from drivers.write_gate.lease_refresh import REFUSED_PAUSE_S, SetpointState, refresh_after_s


def due_after(setpoint: SetpointState, since_s: float, refresh_s: float = 30.0) -> float:
    """Seconds after which the setpoint is due, in steps of a second."""
    return next(s for s in range(10_000) if setpoint.is_due(since_s + s, refresh_s))


@pytest.mark.parametrize(
    ("lease", "commissioned_s", "expected_s"),
    [
        (None, None, math.inf),
        (Lease(min_s=300, max_s=300), None, 150.0),
        (Lease(timeout_point="comm_timeout_s", min_s=5, max_s=3600), None, 2.5),
        (Lease(timeout_point="comm_timeout_s", min_s=5, max_s=3600), 60.0, 30.0),
    ],
    ids=["no lease", "fixed lease", "not commissioned", "commissioned"],
)
def test_half_of_the_lease(
    lease: Lease | None, commissioned_s: float | None, expected_s: float
) -> None:
    assert refresh_after_s(lease, commissioned_s) == expected_s


def test_a_held_setpoint_is_due_at_the_refresh_and_when_the_clock_is_set_back() -> None:
    setpoint = SetpointState()
    setpoint.sending(5.0, 1000.0)
    setpoint.taken()
    assert due_after(setpoint, 1000.0) == 30
    assert not setpoint.is_due(1e9, math.inf)
    assert setpoint.is_due(999.0, math.inf)


def test_a_write_that_was_cut_short_is_due_at_once() -> None:
    setpoint = SetpointState()
    setpoint.sending(5.0, 1000.0)
    setpoint.taken()
    setpoint.sending(5.0, 1030.0)
    assert not setpoint.held
    assert setpoint.is_due(1030.0, 30.0)


def test_failures_are_retried_after_growing_pauses_until_the_value_is_taken() -> None:
    setpoint, now_s, pauses = SetpointState(), 1000.0, []
    for _ in range(7):
        setpoint.sending(5.0, now_s)
        setpoint.not_taken()
        pauses.append(due_after(setpoint, now_s))
        now_s += pauses[-1]
    assert pauses == [0, 2, 4, 8, 16, 30, 30]
    setpoint.sending(5.0, now_s)
    setpoint.taken()
    setpoint.sending(5.0, now_s)
    setpoint.not_taken()
    assert due_after(setpoint, now_s) == 0


def test_a_value_that_the_gate_keeps_back_is_due_again_after_a_minute() -> None:
    setpoint = SetpointState()
    setpoint.kept_back(5.0, 1000.0)
    assert due_after(setpoint, 1000.0) == REFUSED_PAUSE_S
    setpoint.sending(5.0, 1060.0)
    setpoint.not_taken()
    assert due_after(setpoint, 1060.0) == 0
