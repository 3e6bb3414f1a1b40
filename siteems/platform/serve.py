"""Serving the page: a process of its own, on loopback."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from siteems.errors import UserError
from siteems.site.model import Site

LOOPBACK: Final = "127.0.0.1"


def require_library() -> None:
    """Raises `UserError` where the web framework is not installed."""
    if find_spec("fastapi") is None or find_spec("uvicorn") is None:
        raise UserError("the page needs FastAPI and uvicorn; install siteems[web]")


def serve(site: Site, folder: Path, port: int, ready: Callable[[str], None]) -> None:
    """Serve until SIGINT or SIGTERM. `ready` gets the address. Raises `UserError` for a port that
    cannot be used.
    """
    import uvicorn

    from siteems.platform.app import make_app
    from siteems.platform.site_record import SiteRecord

    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((LOOPBACK, port))
    except OSError as error:
        raise UserError(f"port {port}: cannot be used ({error.strerror})") from error
    config = uvicorn.Config(
        make_app(SiteRecord(site, folder)),
        log_level="warning",
        server_header=False,
        date_header=False,
        timeout_graceful_shutdown=2,
    )
    ready(f"http://{LOOPBACK}:{listening.getsockname()[1]}/")
    asyncio.run(uvicorn.Server(config).serve(sockets=[listening]))
