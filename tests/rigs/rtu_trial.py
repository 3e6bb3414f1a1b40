"""Reads and writes on an RTU bus with any habits, each answer held against what the bus holds."""

from __future__ import annotations

import asyncio
import random
from collections import Counter

from rtu_bus import ABSENT, UNITS, Bus

from drivers.errors import DriverError
from drivers.modbus.link import ModbusLink

ABSENT_WRITES, WRITES = 0.1, 0.1
"""Shares of the requests."""


async def trial(url: str, bus: Bus, requests: int, seed: int) -> Counter[str]:
    """How the requests ended: `right`, `unknown`, `confirmed`, `failed`, and what must not be: a
    `wrong` value or a `false confirmation`.
    """
    chosen, ended = random.Random(seed), Counter[str]()
    link = ModbusLink(url, timeout_s=bus.reply_s)
    try:
        for _ in range(requests):
            unit, address = chosen.choice(UNITS), chosen.randrange(5000)
            kind = chosen.random()
            try:
                if kind < ABSENT_WRITES:
                    await link.write(ABSENT, address, _values(chosen), urgent=True)
                    ended["false confirmation"] += 1
                elif kind < ABSENT_WRITES + WRITES:
                    values = _values(chosen)
                    await link.write(unit, address, values, urgent=True)
                    held = [bus.written.get((unit, address + i)) for i in range(len(values))]
                    ended["confirmed" if held == values else "false confirmation"] += 1
                else:
                    function, count = chosen.choice((3, 4)), chosen.choice((1, 1, 2, 3, 10))
                    space = "holding" if function == 3 else "input"
                    read = await link.read(unit, space, address, count, urgent=True)  # type: ignore[arg-type]
                    right = tuple(bus.value(unit, function, address + i) for i in range(count))
                    ended["right" if read == right else "wrong"] += 1
            except DriverError:
                ended["unknown" if kind > ABSENT_WRITES + WRITES else "failed"] += 1
            if chosen.random() < 0.3:
                await asyncio.sleep(chosen.uniform(0.0, bus.reply_s))
    finally:
        ended["foreign frames"] = link.counters.foreign
        ended["repeated frames"] = link.counters.repeated
        await link.close()
    return ended


def _values(chosen: random.Random) -> list[int]:
    return [chosen.randrange(65536) for _ in range(chosen.choice((1, 1, 2)))]
