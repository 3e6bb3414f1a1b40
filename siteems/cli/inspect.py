"""`siteems inspect`: check recorded data before they are used."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from siteems.cli.options import DataArgument, JsonOption
from siteems.messages.json_text import json_text

app = typer.Typer()


@app.command(short_help="Check recorded data: span, gaps, defects, columns.")
def inspect(
    data: DataArgument,
    site_file: Annotated[
        Path | None,
        typer.Option(
            "--site",
            metavar="SITE.toml",
            help="Site of the recording, for its time zone and the size of its PV.",
        ),
    ] = None,
    column_map: Annotated[
        Path | None,
        typer.Option(
            "--map",
            metavar="FILE",
            help="Map file whose [time] says where the times are, and [only] which rows to use.",
        ),
    ] = None,
    json_output: JsonOption = False,
) -> None:
    """Check recorded data before they are used: time span and step, gaps, duplicate timestamps,
    sentinel values, stuck values, copied days, clock changes, and columns whose values do not fit
    their names. docs/data.md states the rule behind each check.

    The output ends with a map file that assigns the columns; give it to `siteems replay --map`.
    """

    from siteems.recordings.column_map import read_column_map
    from siteems.recordings.inspection import inspect_file
    from siteems.recordings.inspection_text import as_data, as_text
    from siteems.site.read_file import load_site

    site = None if site_file is None else load_site(site_file)
    zone = None if site is None else site.site.zone
    columns = None if column_map is None else read_column_map(column_map)
    rated_kwp = None if site is None or site.pv is None else site.pv.rated_kwp
    inspection = inspect_file(data, zone, rated_kwp, columns)
    print(json_text(as_data(inspection)) if json_output else as_text(inspection))
