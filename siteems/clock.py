"""The only source of the current time: the wall clock, a clock file that several processes share,
or a clock that is set by hand.

A clock has two times. `now()` is the time of day: it decides on tariffs and events and is
recorded, and someone may set it. `steady()` runs evenly and is never set: ages, delays and pauses
are measured with it, so that a clock that is set neither ends nor prolongs any of them.
"""

from __future__ import annotations

import asyncio
import json
import math
import os
import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, Protocol

from siteems.errors import UserError


class Clock(Protocol):
    """A clock. `now()` is aware and in UTC."""

    @property
    def speed(self) -> float:
        """Clock seconds per real second."""
        ...

    def now(self) -> datetime:
        """The time on this clock."""
        ...

    def steady(self) -> datetime:
        """A time that runs evenly and is never set. Only its differences mean something."""
        ...

    async def started(self) -> None:
        """Return once the clock is running."""
        ...


class WallClock:
    """The machine's own clock. Its steady time also counts the time that the machine sleeps."""

    speed = 1.0

    def __init__(self) -> None:
        self._start, self._start_s = datetime.now(UTC), _uptime_s()

    def now(self) -> datetime:
        """UTC now."""
        return datetime.now(UTC)

    def steady(self) -> datetime:
        """The time of day at the start, and the time that has passed since."""
        return self._start + timedelta(seconds=_uptime_s() - self._start_s)

    async def started(self) -> None:
        """Return at once: the wall clock is always running."""


class ManualClock:
    """A clock that moves only by `advance`: for replay and tests, hours in milliseconds."""

    speed = 1.0

    def __init__(self, start: datetime) -> None:
        self._now = self._steady = start.astimezone(UTC)

    def now(self) -> datetime:
        """The time that the clock stands at."""
        return self._now

    def steady(self) -> datetime:
        """The start, and all that the clock was advanced since."""
        return self._steady

    def advance(self, span: timedelta) -> None:
        """Let time pass."""
        self._now += span
        self._steady += span

    def step(self, by: timedelta) -> None:
        """Set the clock forward, or back, without time passing."""
        self._now += by

    async def started(self) -> None:
        """Return at once."""


@dataclass(frozen=True)
class ClockSettings:
    """The content of a clock file."""

    start: datetime
    speed: float
    """Clock seconds per real second."""
    anchor_s: float | None = None
    """What the machine's monotonic clock read when this clock was started; None = not yet."""
    set_by_s: float = 0.0
    """By how much the time of day was set since then; the steady time knows nothing of it."""


class FileClock:
    """An accelerated clock kept in a small JSON file, so that simulator, daemon and commands agree
    on the time.

    It stands still until the process that created it calls `start()`, so that all processes can get
    ready. It follows the monotonic clock, which is the same for all processes of a machine. Its
    time of day can be set with `set_by`, to see what a clock that jumps does to a site.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._written = 0
        self._settings = self._load()

    @classmethod
    def create(cls, path: Path, start: datetime, speed: float) -> FileClock:
        """Write a new clock file that stands still at `start`."""
        _write(path, ClockSettings(start.astimezone(UTC), speed))
        return cls(path)

    @property
    def speed(self) -> float:
        """Clock seconds per real second."""
        return self._settings.speed

    def start(self) -> None:
        """Start the clock for every process that uses the file."""
        self._settings = replace(self._settings, anchor_s=time.monotonic())
        _write(self.path, self._settings)

    def set_by(self, step: timedelta) -> None:
        """Set the time of day for every process that uses the file."""
        set_by_s = self._current().set_by_s + step.total_seconds()
        self._settings = replace(self._settings, set_by_s=set_by_s)
        _write(self.path, self._settings)

    def now(self) -> datetime:
        """The time of day on this clock."""
        return self.steady() + timedelta(seconds=self._settings.set_by_s)

    def steady(self) -> datetime:
        """The time that passes evenly, also while the time of day is set."""
        settings = self._current()
        if settings.anchor_s is None:
            return settings.start
        return settings.start + timedelta(
            seconds=(time.monotonic() - settings.anchor_s) * settings.speed
        )

    def _current(self) -> ClockSettings:
        """The settings in the file, read again when it was written."""
        try:
            written = self.path.stat().st_mtime_ns
        except OSError:
            return self._settings  # its folder is being removed
        if written != self._written:
            self._settings = self._load()
        return self._settings

    async def started(self) -> None:
        """Return once `start()` has been called, in any process."""
        while True:  # another process starts it, so there is nothing to wait for but the file
            if self._current().anchor_s is not None:
                return
            await asyncio.sleep(0.02)

    def _load(self) -> ClockSettings:
        try:
            self._written = self.path.stat().st_mtime_ns
            data = json.loads(self.path.read_text(encoding="utf-8"))
            start, anchor_s = datetime.fromisoformat(data["start"]), data["anchor_s"]
            settings = ClockSettings(
                start,
                float(data["speed"]),
                None if anchor_s is None else float(anchor_s),
                float(data.get("set_by_s", 0.0)),
            )
            if start.tzinfo is None or not 0 < settings.speed < math.inf:
                raise ValueError("it needs a start with time zone and a speed above 0")
            return settings
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise UserError(f"{self.path}: not a clock file ({error})") from error


STEP_LEAST: Final = timedelta(seconds=5)
"""Difference of the two times of a clock from which it counts as set. A time service that slews
changes it by less than a millisecond per cycle; a step below this moves the boundaries of tariffs
and events by no more than a few cycles.
"""


class ClockSteps:
    """Finds when the time of day was set: it then differs from the steady time by more than before.

    The difference is compared with that of the last look, so a clock that is slewed is never found.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._ahead = clock.now() - clock.steady()
        self._last: datetime | None = None
        """The steady time of the last step."""

    def take(self) -> timedelta | None:
        """By how much the clock was set since the last look; None = it was not."""
        steady = self._clock.steady()
        ahead = self._clock.now() - steady
        by, self._ahead = ahead - self._ahead, ahead
        if abs(by) < STEP_LEAST:
            return None
        self._last = steady
        return by

    def stepped_within(self, span: timedelta) -> bool:
        """Whether a step was found within the last `span`."""
        return self._last is not None and self._clock.steady() - self._last < span


def _uptime_s() -> float:
    """Seconds since the machine started, with the time that it slept where the system counts it."""
    if hasattr(time, "CLOCK_BOOTTIME"):
        return time.clock_gettime(time.CLOCK_BOOTTIME)
    return time.monotonic()


def _write(path: Path, settings: ClockSettings) -> None:
    text = json.dumps(
        {
            "start": settings.start.isoformat(),
            "speed": settings.speed,
            "anchor_s": settings.anchor_s,
            "set_by_s": settings.set_by_s,
        }
    )
    scratch = path.with_name(f"{path.name}.{os.getpid()}")
    scratch.write_text(text + "\n", encoding="utf-8")
    scratch.replace(path)
