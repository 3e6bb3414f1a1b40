"""`siteems fault`."""

from __future__ import annotations

from typing import Annotated

import typer

app = typer.Typer()


@app.command(short_help="Make a simulated device misbehave.")
def fault(
    kind: Annotated[
        str, typer.Argument(metavar="KIND", help="What goes wrong; `list` and `clear` too.")
    ],
    control: Annotated[
        int, typer.Option(metavar="PORT", min=1, max=65535, help="The simulator's --control port.")
    ],
    link: Annotated[str, typer.Option(metavar="NAME", help="Which link of the site file.")] = "",
    unit: Annotated[
        int, typer.Option(metavar="N", min=0, max=247, help="Which Modbus unit on it.")
    ] = 0,
    address: Annotated[
        str | None, typer.Option(metavar="12 DIGITS", help="Or which DL/T 645 meter.")
    ] = None,
    point: Annotated[str | None, typer.Option(metavar="POINT", help="Which point of it.")] = None,
    value: Annotated[
        float | None, typer.Option(metavar="X", help="Seconds, code or value, by kind.")
    ] = None,
) -> None:
    """Make a device of `siteems simulate --control PORT` misbehave, to see what the daemon does
    about it.

    Kinds: silent, slow, exception, short-reply, wrong-checksum, garbled, hang-up, restart,
    reversion, stuck, not-available, jump, sign-flip, word-swap, refused-write, clamped-write,
    ignored-write, no-effect; docs/faults.md says what each is and what follows. `list` shows what
    is in force, `clear` ends all faults of a link.
    """
    import asyncio
    import json as json_module

    from siteems.errors import UserError
    from siteems.simulation.control_port import ask

    words: dict[str, object] = {"do": kind, "link": link}
    if kind not in ("list", "clear"):
        words |= {
            "do": "fault",
            "kind": kind,
            "unit": unit,
            "address": address,
            "point": point,
            "value": value,
        }
    try:
        answer = asyncio.run(ask(control, words))
    except OSError as error:
        raise UserError(
            f"no simulator at port {control} of loopback; start it with `siteems simulate --control`"
        ) from error
    if not answer["ok"]:
        raise UserError(answer["error"])
    print(json_module.dumps(answer["faults"], indent=1))
