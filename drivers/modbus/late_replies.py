"""Keeps a late reply from passing as the answer to another request.

A Modbus TCP reply carries the transaction number of its request. An RTU reply carries only unit and
function, so a late one looks like the answer to the next read of the same length, and its
checksum is sound. After a time-out an RTU line therefore stays quiet until nothing late can arrive
any more; bytes that still arrive prolong the wait. The link also closes a TCP socket after each
time-out, because some gateways do not keep the transaction number.
"""

from __future__ import annotations

import asyncio
import math
from typing import Final

from drivers.counters import Counters

LATEST_REPLY: Final = 2.0
"""No reply arrives later than this many times the slowest known reply of its unit (`worst_reply_ms`
of its map). A larger factor trusts the maps less, and makes each time-out cost more of the line.
"""
LINE_SILENCE_S: Final = 0.05
"""An RTU line counts as quiet when no byte arrived for so long. A frame of 256 bytes takes 27 ms at
115200 baud; on slower lines its bytes keep arriving and prolong the wait.
"""


class LateReplies:
    """Tracks what arrives on one connection, and counts late replies in `counters.late`."""

    def __init__(self, counters: Counters, *, is_rtu: bool) -> None:
        self.expecting = False
        """Whether a request is under way, so that bytes that arrive are its answer."""
        self._counters, self._is_rtu = counters, is_rtu
        self._quiet_from_s = -math.inf

    def received(self) -> None:
        """Note that bytes have arrived."""
        if self.expecting:
            return
        self._counters.late += 1
        if self._is_rtu:
            self._quiet_from_s = max(self._quiet_from_s, _now() + LINE_SILENCE_S)

    def abandoned(self, reply_s: float) -> None:
        """Note that a request was given up whose unit takes at most `reply_s` seconds to answer."""
        if self._is_rtu:
            self._quiet_from_s = _now() + (LATEST_REPLY - 1.0) * reply_s + LINE_SILENCE_S

    async def wait_until_quiet(self) -> None:
        """Return when no late reply can arrive any more."""
        while (wait_s := self._quiet_from_s - _now()) > 0:  # noqa: ASYNC110  # what arrives while waiting prolongs it
            await asyncio.sleep(wait_s)


def _now() -> float:
    return asyncio.get_running_loop().time()
