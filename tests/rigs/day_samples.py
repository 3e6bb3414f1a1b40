"""Samples of a made-up day, for tests that judge a record."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from siteems.control.reasons import FOLLOW_PLAN
from siteems.history.records import Sample

NOON = datetime(2026, 7, 15, 4, 0, tzinfo=UTC)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


def sample(minutes: float, **values: float | None) -> Sample:
    return Sample(NOON + minutes * MINUTE, values, "plan", FOLLOW_PLAN())
