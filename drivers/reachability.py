"""Why a connection could not be opened, in words for the person who wrote its address."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

from drivers.address import Address


async def why_unreachable(address: Address, timeout_s: float) -> str:
    """The cause as a clause: unknown host, refused, no such port, in use, no answer.

    Tries the connection once more, for no longer than `timeout_s`, because the clients of a link
    hide the cause.
    """
    if address.is_serial:
        return _why_not_opened(address.device)
    try:
        async with asyncio.timeout(timeout_s):
            _, writer = await asyncio.open_connection(address.host, address.port)
    except TimeoutError:
        return "no answer"
    except socket.gaierror:
        return f"the host {address.host} is unknown"
    except ConnectionRefusedError:
        return f"refused; nothing listens at port {address.port}"
    except OSError as error:
        return error.strerror or "no route"
    writer.close()
    return "the connection was opened and closed again"


def _why_not_opened(port: str) -> str:
    if not Path(port).exists():
        return f"there is no port {port}"
    return f"{port} cannot be opened; it may be in use, or not permitted"
