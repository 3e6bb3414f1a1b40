"""The record with several users: two connections at once, threads, and a writer that is killed
while it writes.
"""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

from siteems.demand_response.event import import_cap_event
from siteems.demand_response.event_log import EventLog
from siteems.history.records import AlarmRecord, Sample
from siteems.history.store import History
from siteems.messages.message import Message

NOON = datetime(2026, 7, 15, 4, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)
ALWAYS = (NOON - timedelta(days=1), NOON + timedelta(days=30))

WRITER = """
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from siteems.history.store import History
from siteems.history.records import Sample
from siteems.messages.message import Message

history = History(Path(sys.argv[1]))
start = datetime(2026, 7, 15, 4, 0, tzinfo=UTC)
i = 0
while True:
    time = start + timedelta(seconds=i)
    history.add_samples([Sample(time, {"soc": i / 1e6}, "plan", Message("r"))])
    print(i, flush=True)  # acknowledged: from here on it must not be lost
    i += 1
"""


def test_a_killed_writer_loses_no_acknowledged_sample(tmp_path: Path) -> None:
    path = tmp_path / "history.sqlite3"
    for enough in (20, 60):  # the second run opens what the first left behind
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True
        )
        assert writer.stdout is not None
        try:
            acknowledged = [int(writer.stdout.readline()) for _ in range(enough)]
        finally:
            writer.kill()
        acknowledged += [
            int(line)
            for line in writer.stdout.read().splitlines(keepends=True)
            if line.endswith("\n")
        ]
        writer.wait()
        history = History(path)
        kept = {s.time: s.values["soc"] for s in history.samples(*ALWAYS)}
        history.close()
        assert len(acknowledged) >= enough
        assert all(kept[NOON + i * SECOND] == i / 1e6 for i in acknowledged)


def test_two_writers_and_a_reader_at_once(tmp_path: Path) -> None:
    """The daemon records samples while one command places events and another reads: none fails, and
    nothing is lost.
    """
    path = tmp_path / "history.sqlite3"
    daemon, command = History(path), History(path)
    reader = History(path, read_only=True)

    def record() -> None:
        for i in range(100):
            daemon.add_samples([Sample(NOON + i * SECOND, {"soc": 0.5}, "plan", Message("r"))])

    def add_events() -> None:
        for i in range(100):
            EventLog(command).add(
                import_cap_event(f"e{i}", 0, 1.0, NOON, NOON + timedelta(hours=1), "test", NOON)
            )

    def read() -> list[int]:
        return [len(reader.samples(*ALWAYS)) for _ in range(100)]

    with ThreadPoolExecutor(3) as pool:
        writing = [pool.submit(record), pool.submit(add_events)]
        counts = pool.submit(read).result(30)
        for job in writing:
            job.result(30)
    assert counts == sorted(counts)
    assert len(reader.samples(*ALWAYS)) == len(EventLog(reader).open(NOON)) == 100
    for history in (daemon, command, reader):
        history.close()


def test_one_record_from_several_threads(tmp_path: Path) -> None:
    history = History(tmp_path / "history.sqlite3")
    with ThreadPoolExecutor(4) as pool:
        jobs = [
            pool.submit(
                history.add_alarm,
                AlarmRecord(NOON + i * SECOND, "info", Message("x", {"number": i})),
            )
            for i in range(60)
        ]
        assert pool.submit(history.prune, NOON).result(30) == 0
        for job in jobs:
            job.result(30)
    assert sorted(a.message.values["number"] for a in history.alarms(*ALWAYS)) == list(range(60))
    history.close()


def test_an_event_placed_by_another_process_is_seen_at_once(tmp_path: Path) -> None:
    daemon, command = History(tmp_path / "h.sqlite3"), History(tmp_path / "h.sqlite3")
    assert EventLog(daemon).open(NOON) == ()
    event = import_cap_event("e", 0, 1.0, NOON, NOON + timedelta(hours=1), "test", NOON)
    EventLog(command).add(event)
    assert EventLog(daemon).open(NOON) == (event,)
    daemon.close()
    command.close()
