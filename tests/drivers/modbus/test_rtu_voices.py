"""RTU lines with more than one voice: no value of another register, and no write that is confirmed
by anything but its unit. In virtual time on a line in memory, then on real ones.
"""

from __future__ import annotations

import os
import random
from collections import Counter
from collections.abc import Callable

import pytest
from rtu_bus import Bus, Habits, MemoryWire, behind_a_serial_server, on_a_serial_line
from rtu_trial import trial
from virtual_loop import run_virtually

from drivers.modbus import link as link_module

LONG = bool(os.environ.get("SITEEMS_LONG"))
REQUESTS = 10_000 if LONG else 300
"""Of each case in virtual time."""
REAL_REQUESTS = 10_000 if LONG else 150
"""Of each case on a real line."""
REPLY_S = 0.05

HABITS = {
    "one voice": (Habits(), 1.0),
    "echo": (Habits(echoes=1, pieces=0.3), 1.0),
    "two echoes": (Habits(echoes=2, pieces=0.3), 0.99),
    "echo that comes and goes": (Habits(echoes=1, unsteady_echo=0.2), 0.5),
    "repeated answers": (Habits(repeated=0.4, silent=0.1, pieces=0.3), 0.7),
    "answers repeated much later": (Habits(repeated=0.3, repeated_after_s=0.6), 0.9),
    "late answers": (Habits(late=0.2, silent=0.05), 0.6),
    "another master": (Habits(foreign=0.1, idle_s=0.3), 0.6),
    "a master that is always there": (
        Habits(foreign=0.3, foreign_instead=0.3, idle_s=0.06, pieces=0.3, torn=0.1),
        0.1,
    ),
    "answers to a master that is not heard": (
        Habits(foreign=0.2, foreign_is_heard=False, idle_s=0.3),
        0.3,
    ),
    "noise": (Habits(noise=0.2, pieces=0.3), 0.95),
    "much noise": (Habits(noise=0.2, longest_noise=30, pieces=0.3), 0.6),
    "all at once": (
        Habits(
            echoes=1,
            repeated=0.1,
            foreign=0.1,
            foreign_instead=0.2,
            idle_s=0.2,
            late=0.05,
            silent=0.05,
            noise=0.05,
            pieces=0.3,
            torn=0.1,
        ),
        0.3,
    ),
}
"""The habits of a bus, and the least share of the reads that must succeed in spite of them."""


def judge(ended: Counter[str], requests: int, share: float) -> None:
    print(dict(ended))
    assert ended["wrong"] == 0
    assert ended["false confirmation"] == 0
    assert ended["right"] >= share * (ended["right"] + ended["unknown"])
    assert ended["right"] + ended["unknown"] + ended["confirmed"] + ended["failed"] == requests


@pytest.mark.parametrize("fixed", [False, True], ids=["any", "same"])
@pytest.mark.parametrize("case", HABITS.values(), ids=HABITS.keys())
def test_no_value_of_another_register_in_virtual_time(
    case: tuple[Habits, float], fixed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`fixed`: the other master asks for the same registers every time."""
    habits, share = case

    async def run() -> Counter[str]:
        bus = Bus(habits, random.Random(1), REPLY_S, fixed=fixed)

        async def open_wire(_: object) -> MemoryWire:
            return MemoryWire(bus)

        monkeypatch.setattr(link_module, "open_wire", open_wire)
        bus.start()
        try:
            return await trial("rtu:///dev/none?baud=9600", bus, REQUESTS, 2)
        finally:
            bus.stop()

    judge(run_virtually(run()), REQUESTS, share)


REAL = HABITS if LONG else {name: HABITS[name] for name in ("late answers", "all at once")}


@pytest.mark.timeout(3600 if LONG else 120)
@pytest.mark.parametrize("line", [behind_a_serial_server, on_a_serial_line])
@pytest.mark.parametrize("habits", [habits for habits, _ in REAL.values()], ids=REAL.keys())
async def test_no_value_of_another_register_on_real_lines(habits: Habits, line: Callable) -> None:
    """How many requests succeed depends on the machine; what they return must not."""
    bus = Bus(habits, random.Random(3), REPLY_S)
    async with line(bus) as url:
        ended = await trial(url, bus, REAL_REQUESTS, 4)
    judge(ended, REAL_REQUESTS, 0.0)
    assert ended["right"]
