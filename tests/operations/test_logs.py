"""The log: a reader that is stuck stops no one but itself, and learns what it has missed."""

from __future__ import annotations

import io
import json
import os
import socket
from pathlib import Path

import pytest

from siteems.operations import logs
from siteems.operations.logs import QueuedLines
from siteems.operations.systemd import notify


def test_lines_come_in_order() -> None:
    stream = io.StringIO()
    lines = QueuedLines(stream)
    for i in range(100):
        lines.write(f"{i}\n")
    assert lines.drain(30.0)
    assert stream.getvalue().split() == [str(i) for i in range(100)]


@pytest.mark.parametrize("blocking", [True, False])
def test_a_stuck_reader_is_not_waited_for_and_reads_how_much_it_missed(
    monkeypatch: pytest.MonkeyPatch, *, blocking: bool
) -> None:
    """The pipe takes 64 kB, then the queue fills. Were a write to wait, the test would not end."""
    monkeypatch.setattr(logs, "LINES_KEPT", 50)
    reading, writing = os.pipe()
    os.set_blocking(writing, blocking)
    with open(reading, "rb") as reader, open(writing, "w", encoding="utf-8") as stream:  # noqa: PTH123
        lines = QueuedLines(stream)
        for i in range(300):
            lines.write(json.dumps({"event": "x", "number": i, "text": "-" * 1000}) + "\n")
        assert not lines.drain(0.01)
        got = []
        while not got or got[-1].get("number") != 299:
            got.append(json.loads(reader.readline()))
        assert lines.drain(30.0)
    lost = sum(line["lines"] for line in got if line["event"] == "log-lines-lost")
    numbers = [line["number"] for line in got if line["event"] == "x"]
    assert lost > 0
    assert len(numbers) + lost == 300
    assert numbers == sorted(numbers)


def test_a_reader_that_is_gone_ends_nothing() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with open(writing, "w", encoding="utf-8") as stream:  # noqa: PTH123
        lines = QueuedLines(stream)
        lines.write("x\n")
        assert lines.drain(30.0)
    lines.write("the stream is closed\n")
    assert lines.drain(30.0)


def test_a_service_manager_that_does_not_read_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its socket takes some hundred messages, then the next one would wait."""
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        for _ in range(2000):
            notify("WATCHDOG=1")
        assert manager.recv(100) == b"WATCHDOG=1"
