"""The write gate's records on their way to the historian."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from drivers.write_gate.records import Outcome, WriteRecord
from siteems.history.records import Command
from siteems.messages.driver_texts import WRITE_TROUBLE, message_of
from siteems.messages.message import Message


class CommandStore(Protocol):
    """What keeps commands: the recorder of a daemon."""

    def add_commands(self, commands: Sequence[Command]) -> None:
        """Keep commands."""
        ...


class CommandLog:
    """Collects write records, and hands them to the historian once per cycle."""

    def __init__(self, store: CommandStore) -> None:
        self._store = store
        self._waiting: list[WriteRecord] = []

    def add(self, record: WriteRecord) -> None:
        """Take a record from the gate."""
        self._waiting.append(record)

    def flush(self) -> None:
        """Hand over all records."""
        if self._waiting:
            self._store.add_commands([_command(each) for each in self._waiting])
            self._waiting.clear()


def _command(record: WriteRecord) -> Command:
    """The gate's record with messages: it keeps the reason in its record form, and the detail as
    the code and values of a trouble.
    """
    return Command(
        time=record.time,
        device=record.device,
        point=record.point,
        value=record.value,
        owner=record.owner,
        reason=Message.from_record(record.reason),
        outcome=record.outcome,
        detail=None if record.detail is None else message_of(record.detail),
    )


NOT_HELD: tuple[Outcome, ...] = ("failed", "mismatch", "refused")


def trouble_in(
    records: Sequence[WriteRecord], outcomes: Sequence[Outcome] = NOT_HELD
) -> Message | None:
    """The first point whose last try ended with one of these outcomes, with its detail."""
    last_tries = {record.point: record for record in records}
    for record in last_tries.values():
        if record.outcome in outcomes:
            detail = record.detail and message_of(record.detail)
            return WRITE_TROUBLE(point=record.point, outcome=record.outcome, detail=detail)
    return None
