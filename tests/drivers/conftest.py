"""Fixtures of the driver tests."""

from collections.abc import AsyncIterator

import pytest
from modbus_rig import Clock, Site, free_values


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def smu(clock: Clock) -> AsyncIterator[Site]:
    """A simulated monitoring unit with a lead battery, at rest, never commissioned."""
    values = free_values("generic-smu-lead") | {
        "rectifier_limit_a": 200.0,
        "charge_limit_a": 50.0,
        "float_v": 53.5,
        "safe_rectifier_limit_a": 0.0,
        "safe_charge_limit_a": 0.0,
        "comm_timeout_s": 0.0,
    }
    site = Site("generic-smu-lead", values, clock)
    await site.start()
    yield site
    await site.stop()
