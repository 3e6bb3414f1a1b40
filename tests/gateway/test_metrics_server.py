"""The metrics of a daemon over HTTP: answered at once, and of no harm to the control loop."""

from __future__ import annotations

import asyncio
import json
import socket
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from gateway_rig import free_port, simulated_site, wait_for

from siteems.gateway.metrics_server import LONGEST_REQUEST, MOST_CONNECTIONS, MetricsServer


def get(port: int, path: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=20) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def test_a_daemon_shows_its_metrics_and_health(tmp_path: Path) -> None:
    port = free_port()
    with simulated_site(tmp_path, speed=60, extra=f"\n[metrics]\nport = {port}\n") as running:
        daemon = running.start_daemon()
        running.clock.start()
        wait_for(lambda: get(port, "/readyz")[0] == 200, "control by a plan")
        status, text = get(port, "/metrics")
        assert status == 200
        shown = dict(line.rsplit(" ", 1) for line in text.splitlines() if line[0] != "#")
        assert 0.1 < float(shown["siteems_soc"]) < 1.0
        assert float(shown['siteems_link_requests_total{link="cabinet"}']) > 0
        assert float(shown["siteems_cycle_seconds_count"]) > 0
        assert json.loads(get(port, "/healthz")[1])["ok"] is True
        assert get(port, "/")[0] == 404
        assert daemon.stop() == 0
        with pytest.raises(OSError, match="refused"):
            get(port, "/healthz")


async def _ask(port: int, request: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    answer = await reader.read()
    writer.close()
    return answer


def test_peers_that_misbehave_hold_nothing_up() -> None:
    """Silent ones, ones without end, and more than there are connections; a cycle goes on."""

    async def run() -> None:
        port = free_port()
        server = MetricsServer(port, lambda: 1 / 0)  # type: ignore[arg-type,return-value]
        await server.start()
        try:
            silent = [await asyncio.open_connection("127.0.0.1", port) for _ in range(200)]
            surplus = [reader.read() for reader, _ in silent[MOST_CONNECTIONS:]]
            assert set(await asyncio.gather(*surplus)) == {b""}, "closed without an answer"
            for _, writer in silent:
                writer.close()
            await asyncio.sleep(0.1)
            assert await _ask(port, b"GET / HTTP/1.1\r\n" + b"x" * 2 * LONGEST_REQUEST) == b""
            assert b" 405 " in await _ask(port, b"POST /metrics HTTP/1.1\r\n\r\n")
            assert b" 405 " in await _ask(port, b"\xff\xfe \x00\r\n\r\n")
            assert await _ask(port, b"GET /metrics HTTP/1.1\r\n\r\n") == b"", "a fault is logged"
            assert b" 404 " in await _ask(port, b"GET /x HTTP/1.1\r\n\r\n"), "and it goes on"
        finally:
            await server.close()

    asyncio.run(asyncio.wait_for(run(), 20))


def test_a_port_in_use_does_not_keep_a_site_from_being_controlled() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        server = MetricsServer(taken.getsockname()[1], lambda: 1 / 0)  # type: ignore[arg-type,return-value]
        asyncio.run(server.start())
