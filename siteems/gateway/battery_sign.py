"""Whether the battery's measured power is the mirror of its command: one of them has a wrong sign.

The sign of a battery's power changes with the firmware of some devices. Control with a wrong one
would discharge where it means to charge, so such a battery is not driven.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from drivers.backoff import Backoff, growing_pauses
from siteems.control.decision import Drive
from siteems.operations.alarm_condition import Condition

LEAST_KW: Final = 0.5
"""Commands below this say nothing: the measurement may be noise."""
LIKENESS: Final = 0.3
"""How far the measured power may be from the mirrored command, as a share of it."""
LASTED: Final = timedelta(minutes=2)
NOT_DRIVEN_S: Final = growing_pauses(3600.0, 86400.0)
"""Before such a battery is tried again: someone has to look at it, and each try costs two minutes
in the wrong direction.
"""


class BatterySign:
    """Compares the power of one battery with the decisions to drive it."""

    def __init__(self) -> None:
        self._mirrored = Condition(LASTED)
        self._pause = Backoff(NOT_DRIVEN_S)

    def contradicts(self, decision: Drive, now: datetime) -> bool:
        """Take a decision; whether it is now certain that the power has a wrong sign."""
        asked_kw, measured_kw = decision.battery_kw, decision.measured_kw
        mirrored = (
            measured_kw is not None
            and abs(asked_kw) >= LEAST_KW
            and abs(measured_kw + asked_kw) <= LIKENESS * abs(asked_kw)
        )
        if self._mirrored.update(mirrored, now) != "raised":
            return False
        self._mirrored = Condition(LASTED)
        self._pause.failed(now.timestamp())
        return True

    def bars(self, now: datetime) -> bool:
        """Whether the battery is not driven now."""
        return self._pause.resting(now.timestamp())
