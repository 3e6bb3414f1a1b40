"""A DR event below the present load on the AC side is reported when it comes in."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from siteems.cli.daemon_commands import RunningDaemon
from siteems.demand_response.event import import_cap_event
from siteems.history.location import history_path
from siteems.history.records import Sample
from siteems.history.store import History
from siteems.messages.message import Message

HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("ac_load_kw", "age_min", "warned"),
    [(1.2, 1, True), (0.4, 1, False), (None, 1, False), (1.2, 30, False)],
)
def test_the_operator_is_warned(
    tmp_path: Path, ac_load_kw: float | None, age_min: int, *, warned: bool
) -> None:
    now = datetime.now(UTC)
    event = import_cap_event("a", 0, 0.5, now + HOUR, now + 2 * HOUR, "test", now)
    assert RunningDaemon(tmp_path).warning_about(event) == "", "without a record"
    history = History(history_path(tmp_path))
    time = now - timedelta(minutes=age_min)
    history.add_samples([Sample(time, {"ac_load_kw": ac_load_kw}, "plan", Message("r"))])
    history.close()
    warning = RunningDaemon(tmp_path).warning_about(event)
    expected = "DR event a allows 0.5 kW, but the AC side alone draws 1.20 kW now"
    assert warning == (expected if warned else "")
