"""Notifies systemd that the daemon is ready and alive, where systemd started it."""

from __future__ import annotations

import os
import socket


def notify(state: str) -> None:
    """Send a state such as `READY=1` or `WATCHDOG=1`, see sd_notify(3); without systemd do
    nothing.
    """
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    if address.startswith("@"):
        address = "\0" + address[1:]  # an abstract socket
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        sender.setblocking(False)  # the control loop must not wait for a full socket
        try:
            sender.sendto(state.encode(), address)
        except OSError:
            return  # systemd is gone or its socket is full: no reason to stop controlling the site
