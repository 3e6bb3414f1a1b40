"""The write gate's records on their way to the historian."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Protocol

from drivers.write_gate.records import Outcome, WriteRecord
from siteems.history.records import Command
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
    """The gate's record with the reason as a message; the gate keeps it in its record form."""
    return Command(**asdict(record) | {"reason": Message.from_record(record.reason)})


NOT_HELD: tuple[Outcome, ...] = ("failed", "mismatch", "refused")


def trouble_in(records: Sequence[WriteRecord], outcomes: Sequence[Outcome] = NOT_HELD) -> str:
    """The first point whose last try ended with one of these outcomes, and its detail; or ""."""
    last_tries = {record.point: record for record in records}
    for record in last_tries.values():
        if record.outcome in outcomes:
            return f"{record.point}: {record.outcome}, {record.detail}"
    return ""
