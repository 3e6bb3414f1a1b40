"""The stopwatch: every moment counts once, for the innermost span."""

import pytest

from siteems.replay import stopwatch
from siteems.replay.stopwatch import Stopwatch


def test_a_span_inside_stops_the_outer_one(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter((0.0, 1.0, 3.0, 7.0, 15.0, 31.0, 63.0))
    monkeypatch.setattr(stopwatch.time, "process_time", lambda: next(clock))
    timer = Stopwatch("rest")
    with timer("outer"), timer("inner"):
        pass
    with pytest.raises(KeyError), timer("outer"):
        raise KeyError
    assert timer.spans_s == {"rest": 1.0 + 16.0, "outer": 2.0 + 8.0 + 32.0, "inner": 4.0}
