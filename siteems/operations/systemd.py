"""Tell systemd that the daemon is ready and alive, where systemd asked to be told."""

from __future__ import annotations

import os
import socket


def notify(state: str) -> None:
    """Send a state such as `READY=1` or `WATCHDOG=1`; without systemd nothing happens."""
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        try:
            sender.sendto(
                state.encode(), "\0" + address[1:] if address.startswith("@") else address
            )
        except OSError:
            return  # systemd is gone or its socket is full: nothing that the site should stop for
