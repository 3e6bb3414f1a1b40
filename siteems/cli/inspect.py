"""`inspect`: recorded data looked at before it is believed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from siteems.cli.options import DataArgument, JsonOption, load

app = typer.Typer()


@app.command(short_help="Look at recorded data: span, gaps, faults, mapping.")
def inspect(
    data: DataArgument,
    site_file: Annotated[
        Path | None,
        typer.Option(
            "--site", metavar="SITE.toml", help="The site, for its time zone and clock changes."
        ),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Look at a recording before it is used: span and step, gaps, doubled stamps, sentinels, stuck
    runs, copied days, clock changes, columns that are something else than their name says.
    docs/data.md states each rule.

    Ends with a map file that says which column is which; give it to `siteems replay --map`.
    """
    import json as json_module

    from siteems.recordings.inspection import as_data, as_page, inspect_file

    zone = None if site_file is None else load(site_file).site.zone
    found = inspect_file(data, zone)
    print(json_module.dumps(as_data(found), indent=1) if json else as_page(found))
