"""`siteems scan`: find the devices on a link."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from siteems.cli.options import JsonOption
from siteems.messages.json_text import json_text

app = typer.Typer()


@app.command(short_help="Find the devices on a link; nothing is written.")
def scan(
    url: Annotated[
        str, typer.Argument(metavar="URL", help="The link, such as tcp://192.168.1.20:502.")
    ],
    units: Annotated[
        str, typer.Option("--units", metavar="LIST", help="Modbus unit ids to poll.")
    ] = "1-32",
    timeout_s: Annotated[
        float,
        typer.Option(
            "--timeout", metavar="SECONDS", min=0.05, max=10, help="Timeout for each reply."
        ),
    ] = 0.5,
    save: Annotated[
        Path | None,
        typer.Option(
            "--save", metavar="DIR", help="Write a map file for each SunSpec device to this folder."
        ),
    ] = None,
    json_output: JsonOption = False,
) -> None:
    """Poll each Modbus unit of a link, identify the devices that answer, and print them as the
    links and devices of a site file. On a DL/T 645 link the meter's address is read.

    A device model is recognised by its identity registers or by SunSpec. A model that has neither
    is proposed if all of its points read plausible values and at least two are evidence, such as a
    voltage and a frequency in their usual ranges; otherwise the candidates are listed with what
    they would read. Nothing is written to any device.

    SunSpec devices describe themselves: --save keeps each description as a map file, to be put in
    the folder of the site file. Exits with 1 if no device answers.
    """

    from rich.console import Console
    from rich.progress import Progress

    from siteems.commissioning.scan import as_data, find_devices, parse_units, save_maps, site_part

    console = Console(stderr=True)
    polled = parse_units(units)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        bar = progress.add_task("units polled", total=len(polled))
        found = find_devices(url, polled, timeout_s, lambda _: progress.advance(bar))
    if save is not None:
        for path in save_maps(found, save):
            console.print(f"written: {path}")
    print(json_text(as_data(url, found)) if json_output else site_part(url, found))
    if not found:
        print(f"no device answers at {url}; Modbus units {units} were polled", file=sys.stderr)
        raise typer.Exit(1)
