"""How `siteems status` ends, so that a monitoring system need not read its text."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from siteems.control.reasons import FOLLOW_PLAN
from siteems.history.records import Sample
from siteems.operations.daemon_state import DaemonState
from siteems.operations.status import Status, exit_code
from siteems.site.model import Site

NOON = datetime(2026, 7, 15, 4, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize(
    ("daemon", "source", "age_min", "code"),
    [
        ("running", "plan", 0.5, 0),
        ("running", "plan", 3, 0),
        ("running", "plan", 3.1, 4),
        ("running", "last-plan", 0.5, 5),
        ("running", "rules", 0.5, 5),
        ("running", "release", 0.5, 5),
        ("running", None, 0, 4),
        ("stopped", "plan", 0.5, 3),
        ("dead", "plan", 0.5, 3),
        ("never-started", None, 0, 3),
    ],
)
def test_exit_codes(hangzhou: Site, daemon, source, age_min: float, code: int) -> None:  # type: ignore[no-untyped-def]
    sample = source and Sample(NOON - age_min * MINUTE, {}, source, FOLLOW_PLAN())
    status = Status("s", NOON, DaemonState(daemon, 1), sample or None, None, (), (), None)
    assert exit_code(status, hangzhou) == code
