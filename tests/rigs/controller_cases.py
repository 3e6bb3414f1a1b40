"""Noon in July at the example site, with weather that a test sets, for tests of the controller."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from replay_rig import Rig

from siteems.operations.english import ENGLISH
from siteems.recordings.profile import Instant

NOON = datetime(2026, 7, 15, 4, 0, tzinfo=UTC)
"""Noon at the site, in the valley hours."""
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


class Weather:
    """Surroundings that a test sets."""

    def __init__(self) -> None:
        self.now = Instant(3.0, 0.0, None, 30.0, True)

    def __call__(self, when: datetime) -> Instant:
        return self.now

    def mains(self, ok: bool) -> None:
        self.now = replace(self.now, mains_ok=ok)


async def run(rig: Rig, minutes: int) -> None:
    await rig.run_until(rig.clock.now() + minutes * MINUTE)


def codes(rig: Rig) -> list[str]:
    alarms = rig.history.alarms(NOON - HOUR, NOON + 100 * HOUR)
    for alarm in alarms:
        assert not ENGLISH.text(alarm.message).startswith(f"{alarm.code}:"), "it has its text"
    return [alarm.code for alarm in alarms]
