"""Arguments and options that several commands share."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from siteems.cli.quantities import parse_day

SiteArgument = Annotated[
    Path,
    typer.Argument(
        metavar="SITE.toml", help="The site file, or the folder that holds it.", show_default=False
    ),
]
DataArgument = Annotated[
    Path, typer.Argument(metavar="DATA", help="Recorded data: CSV, CSV.gz or Parquet.")
]
StateOption = Annotated[
    Path | None,
    typer.Option(
        "--state",
        metavar="DIR",
        help="Folder of the site's record. [default: $SITEEMS_STATE/ID, else "
        "~/.local/state/siteems/ID, with the site's id]",
    ),
]
LinkOption = Annotated[
    list[str] | None,
    typer.Option(
        "--link",
        metavar="NAME=URL",
        help="Address to use for a link of the site file, such as cabinet=tcp://127.0.0.1:15020. "
        "May be repeated.",
    ),
]
ClockOption = Annotated[
    Path | None,
    typer.Option(
        "--clock",
        metavar="FILE",
        help="Take the time from this clock file instead of the wall clock.",
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]
ProfileOption = Annotated[
    Path | None,
    typer.Option(
        "--profile",
        metavar="FILE",
        help="Recorded profile (CSV or CSV.gz) to use instead of the site's own.",
    ),
]
DayOption = Annotated[
    date | None,
    typer.Option(
        "--day", metavar="YYYY-MM-DD", parser=parse_day, help="Day of the recorded profile."
    ),
]
FromOption = Annotated[
    date | None,
    typer.Option(
        "--from",
        metavar="YYYY-MM-DD",
        parser=parse_day,
        help="First day. [default: first day of the data]",
    ),
]
ToOption = Annotated[
    date | None,
    typer.Option(
        "--to",
        metavar="YYYY-MM-DD",
        parser=parse_day,
        help="Day after the last one. [default: end of the data]",
    ),
]
ColumnMapOption = Annotated[
    Path | None,
    typer.Option(
        "--map",
        metavar="FILE",
        help="Map file that assigns the columns, as proposed by `siteems inspect`.",
    ),
]
PoliciesOption = Annotated[
    str, typer.Option("--policy", metavar="NAMES", help="Policies to run, separated by commas.")
]
