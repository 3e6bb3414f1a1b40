"""What the servers of simulated devices have in common, whatever they speak: a place, and faults on
demand.
"""

from __future__ import annotations

import asyncio
import math
from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping
from typing import Final

from drivers.simulated.endpoints import Endpoint, Hear, Say
from drivers.simulated.faults import Fault, FaultKind, Faults, Where

TORN_AFTER_S: Final = 0.3
"""On a line, what is left of a frame after this silence belongs to no later one."""


class DeviceServer(ABC):
    """Serves devices at a place. A subclass takes requests out of bytes and answers them."""

    is_line: bool
    """Whether frames are told apart by the silence between them, and are lost when nobody takes
    them.
    """

    def __init__(self, place: Endpoint) -> None:
        self.faults = Faults()
        """What goes wrong; empty at first."""
        self._place = place
        self._late: set[asyncio.TimerHandle] = set()

    @property
    @abstractmethod
    def devices(self) -> Mapping[Where, Collection[str]]:
        """The points of each device that is served."""

    @abstractmethod
    def objection(self, fault: Fault) -> str | None:
        """Why this fault cannot happen here, in words."""

    @abstractmethod
    def once(self, where: Where, kind: FaultKind) -> None:
        """Do what happens once to a device: `restart`, `reversion`."""

    @abstractmethod
    def heard(self, received: bytearray, say: Say) -> None:
        """Take the requests out of what was received and answer them with `answer`."""

    async def start(self) -> int:
        """Serve; returns the TCP port, 0 on a serial line. Raises OSError when the place cannot be
        had.
        """
        return await self._place.open(self._meet)

    async def stop(self) -> None:
        """Stop serving and close all connections; what was to be said later is not."""
        for timer in self._late:
            timer.cancel()
        self._late.clear()
        await self._place.close()

    async def inflict(self, fault: Fault) -> None:
        """Put a fault in force, or do it where it happens once.

        Raises ValueError for a device or point that is not there, or a fault that cannot happen to
        it.
        """
        if fault.kind == "hang-up":
            await self.stop()
            await self.start()
            return
        points = self.devices.get(fault.where)
        if points is None:
            what = "unit" if fault.address is None else "meter"
            known = ", ".join(map(str, self.devices))
            raise ValueError(f"fault {fault.kind}: no {what} {fault.where}; there are {known}")
        if fault.point is not None and fault.point not in points:
            raise ValueError(
                f"fault {fault.kind}: {fault.where} has no point {fault.point}; it has {', '.join(points)}"
            )
        if objection := self.objection(fault):
            raise ValueError(f"fault {fault.kind}: {objection}")
        if fault.kind in ("restart", "reversion"):
            self.once(fault.where, fault.kind)
        else:
            self.faults.add(fault)

    def answer(self, where: Where, frame: bytes, say: Say) -> None:
        """Send a device's answer as its faults let it: now, late, as noise, or not at all."""
        if self.faults.find(where, "silent"):
            return
        if self.faults.find(where, "garbled"):
            frame = bytes(byte ^ 0x5A for byte in frame)
        slow = self.faults.find(where, "slow")
        if slow is None or not slow.value:
            say(frame)
            return
        loop = asyncio.get_running_loop()
        self._late = {timer for timer in self._late if timer.when() > loop.time()}
        self._late.add(loop.call_later(slow.value, say, frame))

    def _meet(self, say: Say) -> Hear:
        received, last_s = bytearray(), -math.inf

        def hear(data: bytes) -> None:
            nonlocal last_s
            now_s = asyncio.get_running_loop().time()
            if self.is_line and now_s - last_s > TORN_AFTER_S:
                received.clear()
            last_s = now_s
            received.extend(data)
            self.heard(received, say)

        return hear
