"""`siteems fault`: inject a fault into a simulated device."""

from __future__ import annotations

from typing import Annotated

import typer

from siteems.messages.json_text import json_text

app = typer.Typer()


@app.command(short_help="Inject a fault into a simulated device.")
def fault(
    kind: Annotated[
        str, typer.Argument(metavar="KIND", help="Kind of fault, or `list` or `clear`.")
    ],
    control: Annotated[
        int,
        typer.Option(
            metavar="PORT", min=1, max=65535, help="The port given to `simulate --control`."
        ),
    ],
    link: Annotated[str, typer.Option(metavar="NAME", help="Link of the site file.")] = "",
    unit: Annotated[
        int, typer.Option(metavar="N", min=0, max=255, help="Modbus unit on that link.")
    ] = 0,
    address: Annotated[
        str | None,
        typer.Option(metavar="DIGITS", help="12-digit address of a DL/T 645 meter on that link."),
    ] = None,
    point: Annotated[
        str | None, typer.Option(metavar="POINT", help="Point of the device, such as bus_v.")
    ] = None,
    value: Annotated[
        float | None,
        typer.Option(
            metavar="X", help="Value of the fault: seconds, exception code or measured value."
        ),
    ] = None,
) -> None:
    """Inject a fault into a device of `siteems simulate --control PORT`, to see how the daemon
    handles it.

    Kinds: silent, silent-block, refused-block, slow, exception, short-reply, wrong-checksum,
    garbled, echo, repeated-answer, another-master, hang-up, restart, reversion, new-firmware,
    stuck, not-available, jump, sign-flip, word-swap, refused-write, clamped-write, coarse-write,
    late-write, ignored-write, no-effect, reversed-write. docs/faults.md describes each of them and
    what the daemon does.

    `list` shows the active faults; `clear` ends all faults of a link.
    """
    import asyncio

    from siteems.errors import UserError
    from siteems.simulation.control_port import ask

    request: dict[str, object] = {"do": kind, "link": link}
    if kind not in ("list", "clear"):
        request |= {
            "do": "fault",
            "kind": kind,
            "unit": unit,
            "address": address,
            "point": point,
            "value": value,
        }
    try:
        answer = asyncio.run(ask(control, request))
    except OSError as error:
        raise UserError(
            f"no simulator listens on port {control} of loopback; "
            "start one with `siteems simulate --control PORT`"
        ) from error
    if not answer["ok"]:
        raise UserError(answer["error"])
    print(json_text(answer["faults"]))
