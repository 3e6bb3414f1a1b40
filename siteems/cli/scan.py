"""`scan`: who is on a link."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from siteems.cli.options import JsonOption

app = typer.Typer()


@app.command(short_help="Find the devices on a link; only reads.")
def scan(
    url: Annotated[
        str, typer.Argument(metavar="URL", help="The link, such as tcp://192.168.1.20:502.")
    ],
    units: Annotated[
        str, typer.Option("--units", metavar="LIST", help="Modbus unit ids to ask.")
    ] = "1-32",
    timeout_s: Annotated[
        float,
        typer.Option(
            "--timeout",
            metavar="SECONDS",
            min=0.05,
            max=10,
            help="How long to wait for each reply.",
        ),
    ] = 0.5,
    save: Annotated[
        Path | None,
        typer.Option(
            "--save",
            metavar="DIR",
            help="Write the maps of SunSpec devices into this folder, as files.",
        ),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Ask every unit of a link who it is, and print the links and devices of a site file for those
    that answer.

    Device models are recognised by their identity, by SunSpec, or, where a model has neither, by
    whether all of its points read well. Nothing is written to any device. A SunSpec device
    describes itself: --save keeps that as a map file for the folder of the site file. Exits with 1
    when nobody answers.
    """
    import json as json_module
    import sys

    from rich.console import Console
    from rich.progress import Progress

    from siteems.commissioning.scan import as_data, parse_units, save_maps, site_part
    from siteems.commissioning.scan import scan as scan_devices

    console = Console(stderr=True)
    asked = parse_units(units)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bars:
        bar = bars.add_task("units asked", total=len(asked))
        found = scan_devices(url, asked, timeout_s, lambda _: bars.advance(bar))
    if save is not None:
        for path in save_maps(found, save):
            console.print(f"written: {path}")
    print(json_module.dumps(as_data(url, found), indent=1) if json else site_part(url, found))
    if not found:
        print(f"nobody answers at {url}; of Modbus units {units} were asked", file=sys.stderr)
        raise typer.Exit(1)
