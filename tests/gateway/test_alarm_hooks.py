"""Hooks for alarms, with a real program and a real web server."""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from gateway_rig import free_port, wait_for

from siteems.gateway.alarm_hooks import WINDOW_S, HookThread, RateLimit
from siteems.history.records import AlarmRecord
from siteems.operations.alarm_catalogue import DEVICE_NOT_FOLLOWING
from siteems.site.monitoring import AlarmHook

NOON = datetime(2026, 7, 15, 4, 0, tzinfo=UTC)


def alarm(device: str = "smu") -> AlarmRecord:
    return DEVICE_NOT_FOLLOWING.at(NOON, device=device, detail="refused")


@contextmanager
def web_server(answers: list[int], port: int = 0) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Gives one answer after the other, the last again and again; and what was posted."""
    posted: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status = answers.pop(0) if len(answers) > 1 else answers[0]
            if status == 200:
                posted.append(json.loads(body))
            self.send_response(status)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", port), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/alarms", posted
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def running(hook: AlarmHook) -> Iterator[HookThread]:
    thread = HookThread(hook, "hangzhou-macro")
    try:
        yield thread
    finally:
        thread.close()


def test_an_alarm_is_posted_and_again_after_a_failure() -> None:
    with web_server([500, 200]) as (url, posted), running(AlarmHook(url=url)) as hook:
        hook.take(alarm())
        wait_for(lambda: posted, "the alarm")
        assert (posted[0]["site"], posted[0]["subject"]) == ("hangzhou-macro", "smu")
        assert posted[0]["held_back"] == 0


def test_a_storm_is_summed_up() -> None:
    hook = AlarmHook(url="http://127.0.0.1:1/", per_minute=3)
    with web_server([200]) as (url, posted):
        with running(AlarmHook(url=url, per_minute=3)) as thread:
            clock = [0.0]
            thread._limit = RateLimit(hook.per_minute, lambda: clock[0])
            for number in range(50):
                thread.take(alarm(f"device-{number}"))
            wait_for(lambda: thread._held_back == 47 and len(posted) == 3, "the storm to pass")
            clock[0] = WINDOW_S
            wait_for(lambda: len(posted) == 4, "the summary")
        assert posted[3] == {"site": "hangzhou-macro", "state": "summary", "held_back": 47}


def test_a_hook_that_hangs_holds_nothing_up() -> None:
    sleeper = (sys.executable, "-c", "import time; time.sleep(60)")
    hook = AlarmHook(command=sleeper, timeout_s=0.5)
    with running(hook) as thread:
        begin_s = time.monotonic()
        for _ in range(1000):
            thread.take(alarm())
        assert time.monotonic() - begin_s < 5.0, "the queue is bounded and nothing waits"


@pytest.mark.parametrize(
    "hook",
    [
        AlarmHook(command=("/no/such/program",)),
        AlarmHook(command=(sys.executable, "-c", "raise SystemExit(3)")),
        AlarmHook(url=f"http://127.0.0.1:{free_port()}/"),
        AlarmHook(url="http://[::bad/"),
    ],
)
def test_a_hook_that_fails_ends_nothing(hook: AlarmHook) -> None:
    with running(hook) as thread:
        thread.take(alarm())
        wait_for(lambda: not thread._works, "the failure")
        assert thread._thread.is_alive()


def test_the_rate_is_that_of_any_minute() -> None:
    clock = [0.0]
    limit = RateLimit(2, lambda: clock[0])
    allowed = []
    for clock[0] in (0.0, 30.0, 59.9, 60.0, 61.0, 90.0):
        allowed.append(limit.allows())
    assert allowed == [True, True, False, True, False, True]
