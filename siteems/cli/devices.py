"""`devices`: the device models that siteems knows, one of them in full, and a real one read once."""

from __future__ import annotations

from typing import Annotated

import typer

from siteems.cli.options import JsonOption

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="""List the device models that siteems knows, show one, or read a real device once.

A device model is a data file; docs/add-a-device.md says how to add one.""",
)

NameArgument = Annotated[
    str, typer.Argument(metavar="NAME", help="A model, as `devices list` names it.")
]


@app.command("list")
def list_devices(json: JsonOption = False) -> None:
    """List the device models: what each can be for a site, how sure its facts are, and what can be
    driven.
    """
    import json as json_module

    from siteems.commissioning.device_models import all_devices, device_row

    if json:
        print(json_module.dumps(all_devices(), indent=1))
    else:
        for found in all_devices():
            print(device_row(found))


@app.command("show")
def show(name: NameArgument, json: JsonOption = False) -> None:
    """Show a device model: where each point stands, what it may be, what is written and how often."""
    import json as json_module

    from siteems.commissioning.device_models import device_facts, device_page

    found = device_facts(name)
    print(json_module.dumps(found, indent=1) if json else device_page(found))


@app.command("try")
def try_device(
    name: NameArgument,
    url: Annotated[
        str, typer.Argument(metavar="URL", help="Where it is, such as tcp://192.168.1.20:502.")
    ],
    unit: Annotated[
        int, typer.Option("--unit", metavar="N", min=1, max=247, help="Its Modbus unit id.")
    ] = 1,
    address: Annotated[
        str | None,
        typer.Option("--address", metavar="DIGITS", help="The 12 digits of a DL/T 645 meter."),
    ] = None,
    timeout_s: Annotated[
        float,
        typer.Option(
            "--timeout", metavar="SECONDS", min=0.05, max=30, help="For connecting and each reply."
        ),
    ] = 2.0,
    json: JsonOption = False,
) -> None:
    """Read a real device once and print what it says. Nothing is written to it.

    Exits with 1 when not a single point could be read.
    """
    import json as json_module

    from siteems.commissioning.probe import tried_page, try_once

    found = try_once(name, url, unit, address, timeout_s)
    print(json_module.dumps(found, indent=1) if json else tried_page(found))
    if not any(point["quality"] == "good" for point in found["points"].values()):
        raise typer.Exit(1)
