"""Commands over the socket: who may, who did, what is refused, and that nothing stops the loop."""

from __future__ import annotations

import asyncio
import json
import os
import pwd
import socket
import stat
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from siteems.clock import ManualClock
from siteems.config.seeds import seed_path
from siteems.control.hold import Hold, Holds
from siteems.demand_response.event_log import EventLog
from siteems.demand_response.opt_out import OptOut, OptOuts, opt_out_dict, recorded_opt_outs
from siteems.errors import UserError
from siteems.gateway import command_server
from siteems.gateway.command_handlers import (
    event_commands,
    hold_commands,
    opt_out_commands,
    without_driving,
)
from siteems.gateway.command_server import CommandServer
from siteems.history.audit_log import verify
from siteems.history.records import AlarmRecord
from siteems.history.store import History
from siteems.operations.command_channel import SOCKET_NAME, Caller, DaemonUnavailable, bind, send
from siteems.operations.hold_record import recorded_holds
from siteems.site.demand_response import DemandResponse
from siteems.site.read_file import load_site

NOON = datetime(2026, 7, 15, 4, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
USER = pwd.getpwuid(os.getuid()).pw_name
LIMIT = {"limit_kw": 1.5, "start": NOON.isoformat(), "duration_s": 3600}


class Rig:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.history = History(folder / "history.sqlite3")
        self.events = EventLog(self.history)
        handlers = {
            **event_commands(self.events, ManualClock(NOON), DemandResponse()),
            "crash": crash,
        }
        self.holds, self.kept = Holds(ManualClock(NOON)), list[str]()
        battery = load_site(seed_path("hangzhou-macro")).battery
        handlers |= hold_commands(self.holds, ManualClock(NOON), battery, self.kept.append)
        self.opt_outs, self.alarms = OptOuts(), list[AlarmRecord]()
        handlers |= opt_out_commands(
            self.opt_outs, self.events, ManualClock(NOON), self.kept.append, self.alarms.append
        )
        self.server = CommandServer(folder, handlers, ManualClock(NOON), None)

    async def send(self, command: str, arguments: Mapping[str, object]) -> dict[str, Any]:
        return await asyncio.to_thread(send, self.folder, command, arguments)

    def log(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in (self.folder / "audit.log").read_text().splitlines()]


def crash(arguments: Mapping[str, Any], caller: Caller) -> Mapping[str, Any]:
    raise ZeroDivisionError("as tested")


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[Rig]:
    deep = tmp_path / ("a-long-name-" * 10)  # longer than an address of a socket may be
    deep.mkdir()
    rig = Rig(deep)
    await rig.server.start()
    yield rig
    await rig.server.close()
    rig.history.close()


async def test_an_event_is_created_and_cancelled_by_the_user_who_the_kernel_names(rig: Rig) -> None:
    created = await rig.send("dr-limit-import", LIMIT)
    [event] = rig.events.open(NOON)
    assert (event.id, event.source, event.intervals[0].value) == (created["id"], USER, 1.5)
    await rig.send("dr-cancel", {"id": event.id})
    assert rig.events.open(NOON) == ()
    assert [line["command"] for line in rig.log()] == ["dr-limit-import", "dr-cancel"]
    assert rig.log()[0]["who"] == {"user": USER, "uid": os.getuid(), "pid": os.getpid()}
    assert verify(rig.folder / "audit.log").lines == 2


@pytest.mark.parametrize(
    ("command", "arguments", "says"),
    [
        ("dr-limit-import", LIMIT | {"limit_kw": -1, "confirmed": True}, "-1"),
        ("dr-limit-import", LIMIT | {"limit_kw": float("inf")}, "not a number"),
        ("dr-limit-import", LIMIT | {"limit_kw": "1.5"}, "not a number"),
        ("dr-limit-import", LIMIT | {"limit_kw": True}, "not a number"),
        ("dr-limit-import", LIMIT | {"limit_kw": 0}, "--yes"),
        ("dr-limit-import", LIMIT | {"duration_s": 60 * 86400}, "longest_h is 24"),
        ("dr-limit-import", LIMIT | {"limit_kw": 0, "confirmed": "yes"}, "--yes"),
        ("dr-limit-import", LIMIT | {"start": "18:00"}, "not a time"),
        ("dr-limit-import", LIMIT | {"start": "2026-07-15T18:00"}, "not a time"),
        ("dr-limit-import", LIMIT | {"start": 7}, "text"),
        ("dr-limit-import", LIMIT | {"start": "9999-12-31T23:00+00:00"}, "not a time"),
        ("dr-limit-import", LIMIT | {"start": "0001-01-01T00:00+14:00"}, "not a time"),
        ("dr-limit-import", LIMIT | {"start": (NOON - 5 * HOUR).isoformat()}, "over"),
        ("dr-limit-import", LIMIT | {"duration_s": 1e30}, "up to a year"),
        ("dr-limit-import", LIMIT | {"duration_s": -5}, "more than 0"),
        ("dr-limit-import", {}, "not a number"),
        ("hold", {"battery_kw": 99.0, "duration_s": 60}, "ratings"),
        ("hold", {"battery_kw": -99.0, "duration_s": 60}, "ratings"),
        ("hold", {"battery_kw": 0.0, "duration_s": 8 * 86400}, "7 days"),
        ("hold", {"battery_kw": 0.0}, "not a number"),
        ("hold-release", {}, "nothing is held"),
        ("dr-opt-out", {"id": "x", "reason": "work"}, "no event x is in force or to come"),
        ("dr-opt-out", {"id": "x", "reason": " "}, "state why"),
        ("dr-opt-out", {"id": "x"}, "text"),
        ("dr-opt-in", {"id": "x"}, "has not opted out"),
        ("dr-cancel", {"id": "nothing"}, "nothing"),
        ("dr-cancel", {}, "text"),
        ("reboot", {}, "dr-cancel"),
        ("crash", {}, "as tested"),
    ],
)
async def test_what_is_wrong_is_refused_and_logged(
    rig: Rig, command: str, arguments: Mapping[str, object], says: str
) -> None:
    with pytest.raises(UserError, match=says):
        await rig.send(command, arguments)
    assert rig.events.open(NOON - HOUR) == ()
    [line] = rig.log()
    assert (line["outcome"], line["command"]) == ("refused", command)
    await rig.send("dr-limit-import", LIMIT)


@pytest.mark.parametrize(
    "raw",
    [
        b"\n",
        b"[]\n",
        b"{}\n",
        b'{"command": 1, "arguments": {}}\n',
        b"\xff\n",
        b"[" * 10_000 + b"\n",
    ],
)
async def test_what_is_no_request_is_answered(rig: Rig, raw: bytes) -> None:
    assert b"not a request" in await exchange(rig.folder, raw)


async def exchange(folder: Path, raw: bytes) -> bytes:
    handle = os.open(folder, os.O_RDONLY)
    try:
        path = f"/proc/self/fd/{handle}/{SOCKET_NAME}"
        reader, writer = await asyncio.open_unix_connection(path)
    finally:
        os.close(handle)
    writer.write(raw)
    try:
        return await asyncio.wait_for(reader.read(), 5)
    finally:
        writer.close()


async def test_one_that_says_too_much_or_nothing_is_left(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command_server, "REQUEST_WITHIN_S", 0.1)
    assert await exchange(rig.folder, b"x" * 200_000) == b""
    assert await exchange(rig.folder, b"half a line") == b""
    silent = [asyncio.create_task(exchange(rig.folder, b"")) for _ in range(20)]
    await asyncio.gather(*silent)
    await rig.send("dr-limit-import", LIMIT)


async def test_what_is_unusual_is_done_when_confirmed(rig: Rig) -> None:
    await rig.send("dr-limit-import", LIMIT | {"limit_kw": 0, "confirmed": True})
    assert rig.events.open(NOON)[0].intervals[0].value == 0.0


async def test_a_hold_is_kept_shown_and_released(rig: Rig) -> None:
    assert await rig.send("hold-show", {}) == {"holds": []}
    asked = {"battery_kw": -1.0, "duration_s": 7200, "service": True}
    held = Hold(-1.0, NOON + 2 * HOUR, USER, service=True)
    [shown] = (await rig.send("hold", asked))["holds"]
    assert (shown["owner"], shown["until"]) == (USER, held.until.isoformat())
    assert rig.holds.in_force() == (held,)
    assert recorded_holds(rig.kept[-1], NOON) == (held,)
    assert await rig.send("hold-release", {}) == {"holds": []}
    assert recorded_holds(rig.kept[-1], NOON) == ()


async def test_an_event_is_opted_out_of_and_in_again(rig: Rig) -> None:
    id_ = (await rig.send("dr-limit-import", LIMIT))["id"]
    declined = await rig.send("dr-opt-out", {"id": id_, "reason": "work at the rectifiers"})
    expected = OptOut(id_, "work at the rectifiers", USER, NOON)
    assert declined == opt_out_dict(expected)
    assert rig.opt_outs.all() == recorded_opt_outs(rig.kept[-1]) == (expected,)
    await rig.send("dr-opt-in", {"id": id_})
    assert rig.opt_outs.all() == recorded_opt_outs(rig.kept[-1]) == ()
    assert [alarm.code for alarm in rig.alarms] == ["dr-event-opted-out", "dr-event-opted-in"]


async def test_a_log_that_cannot_be_written_does_not_stop_a_command(rig: Rig) -> None:
    (rig.folder / "audit.log").mkdir()
    await rig.send("dr-limit-import", LIMIT)
    assert len(rig.events.open(NOON)) == 1


def test_only_the_user_of_the_daemon_may_by_default(tmp_path: Path) -> None:
    with bind(tmp_path):
        mode = (tmp_path / SOCKET_NAME).stat().st_mode
        assert stat.S_ISSOCK(mode)
        assert stat.S_IMODE(mode) == 0o600


async def test_a_group_may_where_the_site_file_says_so(tmp_path: Path) -> None:
    import grp

    group = grp.getgrgid(os.getgid()).gr_name
    server = CommandServer(tmp_path, {}, ManualClock(NOON), group)
    await server.start()
    assert stat.S_IMODE((tmp_path / SOCKET_NAME).stat().st_mode) == 0o660
    await server.close()
    assert not (tmp_path / SOCKET_NAME).exists()


def test_without_a_daemon_it_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DaemonUnavailable, match="no running daemon"):
        send(tmp_path, "dr-cancel", {"id": "x"})
    bind(tmp_path).close()  # as a killed daemon leaves it
    with pytest.raises(DaemonUnavailable, match="no running daemon"):
        send(tmp_path, "dr-cancel", {"id": "x"})
    with pytest.raises(DaemonUnavailable, match="no running daemon"):
        send(tmp_path / "none", "dr-cancel", {"id": "x"})
    assert DaemonUnavailable().exit_code == 3
    with bind(tmp_path) as again:
        assert isinstance(again, socket.socket)


def test_a_read_only_daemon_refuses_what_it_would_not_hold(tmp_path: Path) -> None:
    history = History(tmp_path / "history.sqlite3")
    clock, caller = ManualClock(NOON), Caller(os.getuid(), os.getpid())
    battery = load_site(seed_path("hangzhou-macro")).battery
    handlers = without_driving(
        event_commands(EventLog(history), clock, DemandResponse())
        | hold_commands(Holds(clock), clock, battery, lambda text: None)
    )
    for name, arguments in (
        ("dr-limit-import", LIMIT),
        ("hold", {"battery_kw": 0.0, "duration_s": 3600}),
    ):
        with pytest.raises(UserError, match="the daemon is read-only"):
            handlers[name](arguments, caller)
    assert EventLog(history).open(NOON) == ()
    assert handlers["hold-show"]({}, caller) == {"holds": []}
