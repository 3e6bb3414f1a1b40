"""A real MQTT broker on loopback for a test, which is skipped where there is none."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from siteems.simulation.broker import LocalBroker, installed_broker


@contextmanager
def running_broker(folder: Path) -> Iterator[LocalBroker]:
    program = installed_broker()
    if program is None:
        pytest.skip("needs mosquitto")
    broker = LocalBroker(program, folder)
    broker.start()
    try:
        yield broker
    finally:
        broker.stop()
