"""What the servers of simulated devices have in common, whatever their protocol: an endpoint, and
fault injection.
"""

from __future__ import annotations

import asyncio
import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping
from typing import Final

from drivers.simulated.endpoints import Endpoint, Receive, Send
from drivers.simulated.fault_kinds import FAULT_TYPES, FaultKind
from drivers.simulated.faults import DeviceId, Fault, Faults

FRAME_GAP_S: Final = 0.3
"""On a line, an incomplete frame is discarded after so long a silence. It is far longer than the
3.5 characters of the standard, because a busy machine delivers the bytes of one frame in pieces.
"""


class DeviceServer(ABC):
    """Serves devices at an endpoint. A subclass takes requests out of bytes and answers them."""

    is_line: bool
    """Whether frames are separated by silence, as on a serial line."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.faults = Faults()
        """The faults in force; none at first."""
        self._endpoint = endpoint
        self._delayed: set[asyncio.TimerHandle] = set()

    @property
    @abstractmethod
    def devices(self) -> Mapping[DeviceId, Collection[str]]:
        """The points of each device that is served."""

    @abstractmethod
    def objection(self, fault: Fault) -> str | None:
        """Why this fault cannot happen here; None where it can."""

    @abstractmethod
    def happen_once(self, device: DeviceId, kind: FaultKind) -> None:
        """Carry out a fault that happens once to a device: `restart`, `reversion`."""

    @abstractmethod
    def process(self, received: bytearray, send: Send) -> None:
        """Take the requests out of what was received and answer them with `answer`."""

    async def start(self) -> int:
        """Begin to serve. Returns the TCP port, 0 on a serial line. Raises OSError when the
        endpoint cannot be opened.
        """
        return await self._endpoint.open(self._accept)

    async def stop(self) -> None:
        """Stop serving and close all connections; delayed answers are dropped."""
        for timer in self._delayed:
            timer.cancel()
        self._delayed.clear()
        await self._endpoint.close()

    async def inject(self, fault: Fault) -> None:
        """Put a fault in force, or carry it out when it happens once.

        Raises ValueError for a device or point that is not served, or a fault that cannot happen to
        it.
        """
        kind, device = fault.kind, fault.device
        if objection := self.objection(fault):
            raise ValueError(f"fault {kind}: {objection}")
        if kind == "hang-up":
            await self.stop()
            await self.start()
            return
        if FAULT_TYPES[kind].of_link:
            self.faults.add(fault)
            return
        points = self.devices.get(device)
        if points is None:
            what = "unit" if fault.address is None else "meter"
            known = ", ".join(map(str, self.devices))
            raise ValueError(f"fault {kind}: no {what} {device}; there are {known}")
        if fault.point is not None and fault.point not in points:
            raise ValueError(
                f"fault {kind}: {device} has no point {fault.point}; it has {', '.join(points)}"
            )
        if kind in ("restart", "reversion"):
            self.happen_once(device, kind)
        else:
            self.faults.add(fault)

    def answer(self, device: DeviceId, frame: bytes, send: Send) -> None:
        """Send a device's answer as its faults let it: now, late, as noise, or not at all."""
        if self.faults.find(device, "silent"):
            return
        if self.faults.find(device, "garbled"):
            frame = bytes(byte ^ 0x5A for byte in frame)
        slow, repeated = (self.faults.find(device, kind) for kind in ("slow", "repeated-answer"))
        delay_s = 0.0 if slow is None else slow.value or 0.0
        if delay_s:
            self.later(delay_s, lambda: send(frame))
        else:
            send(frame)
        if repeated is not None:
            self.later(delay_s + (repeated.value or 0.0), lambda: send(frame))

    def later(self, seconds: float, do: Callable[[], None]) -> None:
        """Do something on the line later, unless serving stops before."""
        loop = asyncio.get_running_loop()
        self._delayed = {timer for timer in self._delayed if timer.when() > loop.time()}
        self._delayed.add(loop.call_later(seconds, do))

    def _accept(self, send: Send) -> Receive:
        received, last_s = bytearray(), -math.inf

        def receive(data: bytes) -> None:
            nonlocal last_s
            now_s = asyncio.get_running_loop().time()
            if self.is_line and now_s - last_s > FRAME_GAP_S:
                received.clear()
            last_s = now_s
            if self.faults.find(0, "echo"):
                send(data)
            received.extend(data)
            self.process(received, send)

        return receive
