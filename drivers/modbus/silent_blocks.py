"""In which order the blocks of a device are asked, and which of them rest because they are silent.

Some devices do not answer a request for registers that they lack, rather than refuse it. Such a
block must not hide the blocks behind it: each unanswered request makes the link rest the unit, as
it cannot know that other registers of it would answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from drivers.backoff import Backoff, growing_pauses
from drivers.modbus.device_map import Block

SILENT_PAUSES_S: Final = (0.0, 0.0, 1.0, 1.0, 2.0, 2.0, *growing_pauses(5.0, 30.0))
"""Before a block that was silent while others answered is asked again. Each try costs a time-out in
which nothing else on the link is read. Lost frames on a bad line cost no pause, and a few seconds
of silence less than the 5 s after which a measurement counts as unknown; the longest pause bounds
how long control waits for a block that answers again.
"""

Key = tuple[str, int]
"""Space and first address of a block."""


class BlockOrder:
    """The blocks of one device in the order in which they are asked. Times are seconds of the event
    loop.
    """

    def __init__(self, blocks: Sequence[Block]) -> None:
        self._blocks = tuple(blocks)
        self._pauses: dict[Key, Backoff] = {}
        """Of the blocks that were silent while others answered."""
        self._answered: set[Key] = set()
        self._unanswered: list[Key] = []

    def begin(self, now_s: float) -> tuple[tuple[Block, ...], tuple[Block, ...]]:
        """The blocks to ask in the reading that begins, in their order, and those that rest."""
        self._answered.clear()
        self._unanswered.clear()
        resting = {key for key, pause in self._pauses.items() if pause.resting(now_s)}
        return (
            tuple(block for block in self._blocks if _key(block) not in resting),
            tuple(block for block in self._blocks if _key(block) in resting),
        )

    def answered(self, block: Block) -> None:
        """Note that the device answered a request for this block, if only to refuse it."""
        self._answered.add(_key(block))

    def unanswered(self, block: Block) -> None:
        """Note that a request for this block was sent and not answered."""
        self._unanswered.append(_key(block))

    def judge(self, now_s: float) -> bool:
        """Whether some blocks were silent in this reading while others answered: those rest.

        Silent blocks are asked last from now on. If nothing answered at all, only the order
        changes, so that the next reading begins with another block.
        """
        silent = [key for key in self._unanswered if key not in self._answered]
        self._blocks = tuple(sorted(self._blocks, key=lambda block: _key(block) in silent))
        for key in self._answered:
            self._pauses.pop(key, None)
        if not self._answered:
            return False
        for key in silent:
            self._pauses.setdefault(key, Backoff(SILENT_PAUSES_S)).failed(now_s)
        return bool(silent)


def _key(block: Block) -> Key:
    return block.space, block.start
