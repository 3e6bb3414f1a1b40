"""The real daemon and openleadr's server of OpenADR 2.0b: events are recorded and answered.

The server drops what is over by its own clock, which no test can set. So the events are hours ahead
of it, and months ahead of the site's; that an event is acted on is tested with OpenADR 3.1, beyond
the neutral event both are the same.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from gateway_rig import RunningSite, free_port, simulated_site, wait_for

from siteems.demand_response.event_log import EventLog

openleadr = pytest.importorskip("openleadr", reason="needs openleadr")

SPEED = 100.0


class Server:
    """The VTN, in a thread with a loop of its own."""

    def __init__(self, port: int) -> None:
        self._port, self._loop = port, asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self.answers: list[tuple[str, str]] = []
        self.vtn: Any = None

    def start(self) -> None:
        self._thread.start()
        self._within(self._run())

    def stop(self) -> None:
        self._within(self.vtn.stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5.0)

    def do(self, act: Callable[[Any], Any]) -> Any:
        """Something with the server, in its loop."""

        async def acted() -> Any:
            return act(self.vtn)

        return self._within(acted())

    def answered(self, ven_id: str, event_id: str, opt_type: str) -> None:
        self.answers.append((event_id, opt_type))

    def _within(self, work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(10.0)

    async def _run(self) -> None:
        async def register(info: dict[str, Any]) -> tuple[str, str]:
            return "ven-7", "registration-7"

        with contextlib.redirect_stdout(io.StringIO()):
            self.vtn = openleadr.OpenADRServer(
                vtn_id="VTN", http_host="127.0.0.1", http_port=self._port
            )
            self.vtn.add_handler("on_create_party_registration", register)
            self.vtn.add_handler("on_register_report", lambda report: None)
            await self.vtn.run()


@contextmanager
def connected_site(folder: Path) -> Iterator[tuple[RunningSite, Server]]:
    server = Server(free_port())
    server.start()
    extra = (
        f'\n[openadr]\nversion = "2.0b"\nven_name = "site-1"\npoll_s = 20\n'
        f'url = "http://127.0.0.1:{server._port}/OpenADR2/Simple/2.0b"\n'
        "simple_caps_kw = [3.0, 1.5]\n[demand_response]\nlongest_h = 2\n"
    )
    try:
        with simulated_site(folder, speed=SPEED, begin_h=12.0, extra=extra) as running:
            yield running, server
    finally:
        server.stop()


def open_events(running: RunningSite) -> list[float]:
    history = running.history()
    try:
        return [e.intervals[0].value for e in EventLog(history).open(running.clock.now())]
    finally:
        history.close()


def test_an_event_is_recorded_answered_and_withdrawn(tmp_path: Path) -> None:
    with connected_site(tmp_path) as (running, server):
        daemon = running.start_daemon()
        running.clock.start()
        begin = datetime.now(UTC) + timedelta(hours=3)
        interval = {"dtstart": begin, "duration": timedelta(hours=1), "signal_payload": 2.0}

        def add(vtn: Any) -> Any:
            return vtn.add_event("ven-7", "SIMPLE", "level", [interval], callback=server.answered)

        event = server.do(add)
        wait_for(lambda: open_events(running) == [1.5], "the event")
        wait_for(lambda: server.answers == [(event, "optIn")], "the answer")
        server.do(lambda vtn: vtn.cancel_event("ven-7", event))
        wait_for(lambda: open_events(running) == [], "the withdrawal")
        long = interval | {"duration": timedelta(hours=5)}
        refused = server.do(
            lambda vtn: vtn.add_event("ven-7", "SIMPLE", "level", [long], callback=server.answered)
        )
        wait_for(lambda: (refused, "optOut") in server.answers, "the refusal")
        assert open_events(running) == []
        assert not daemon.events("cycle-failed")
        assert daemon.stop() == 0
