"""The only source of the current time: the wall clock, a clock file that several processes share,
or a clock that is set by hand.
"""

from __future__ import annotations

import asyncio
import json
import math
import os
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol

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

    async def started(self) -> None:
        """Return once the clock is running."""
        ...


class WallClock:
    """The machine's own clock."""

    speed = 1.0

    def now(self) -> datetime:
        """UTC now."""
        return datetime.now(UTC)

    async def started(self) -> None:
        """Return at once: the wall clock is always running."""


class ManualClock:
    """A clock that moves only by `advance`: for replay and tests, hours in milliseconds."""

    speed = 1.0

    def __init__(self, start: datetime) -> None:
        self._now = start.astimezone(UTC)

    def now(self) -> datetime:
        """The time that the clock stands at."""
        return self._now

    def advance(self, step: timedelta) -> None:
        """Move the clock by `step`, which may be negative."""
        self._now += step

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


class FileClock:
    """An accelerated clock kept in a small JSON file, so that simulator, daemon and commands agree
    on the time.

    It stands still until the process that created it calls `start()`, so that all processes can get
    ready. It follows the monotonic clock, which is the same for all processes of a machine and
    cannot be set.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
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
        self._settings = ClockSettings(self._settings.start, self._settings.speed, time.monotonic())
        _write(self.path, self._settings)

    def now(self) -> datetime:
        """The time on this clock."""
        if self._settings.anchor_s is None:
            self._settings = self._load()
        settings = self._settings
        if settings.anchor_s is None:
            return settings.start
        return settings.start + timedelta(
            seconds=(time.monotonic() - settings.anchor_s) * settings.speed
        )

    async def started(self) -> None:
        """Return once `start()` has been called, in any process."""
        while self._settings.anchor_s is None:
            await asyncio.sleep(0.02)
            self._settings = self._load()

    def _load(self) -> ClockSettings:
        try:
            data = json.loads(self.path.read_text(encoding="utf-8"))
            start, anchor_s = datetime.fromisoformat(data["start"]), data["anchor_s"]
            settings = ClockSettings(
                start, float(data["speed"]), None if anchor_s is None else float(anchor_s)
            )
            if start.tzinfo is None or not 0 < settings.speed < math.inf:
                raise ValueError("it needs a start with time zone and a speed above 0")
            return settings
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise UserError(f"{self.path}: not a clock file ({error})") from error


def _write(path: Path, settings: ClockSettings) -> None:
    text = json.dumps(
        {
            "start": settings.start.isoformat(),
            "speed": settings.speed,
            "anchor_s": settings.anchor_s,
        }
    )
    scratch = path.with_name(f"{path.name}.{os.getpid()}")
    scratch.write_text(text + "\n", encoding="utf-8")
    scratch.replace(path)
