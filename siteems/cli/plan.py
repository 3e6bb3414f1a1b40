"""`siteems plan`: make one plan and explain it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from siteems.cli.options import JsonOption, SiteArgument
from siteems.messages.json_text import json_text

app = typer.Typer()


@app.command(short_help="Make one plan and explain it.")
def plan(
    site_file: SiteArgument,
    at: Annotated[
        str,
        typer.Option(
            "--at",
            metavar="TIME",
            help="Time of the plan: now, HH:MM (today, site local time) or YYYY-MM-DDTHH:MM.",
        ),
    ] = "now",
    soc: Annotated[
        float | None,
        typer.Option(
            metavar="SHARE",
            min=0,
            max=1,
            help="State of charge to plan from, 0 to 1. [default: that of the [demo] day]",
            show_default=False,
        ),
    ] = None,
    profile: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Measurements up to that time (CSV or CSV.gz). [default: the typical day]",
        ),
    ] = None,
    month_peak: Annotated[
        float,
        typer.Option(
            metavar="KW",
            min=0,
            help="Highest billed import of this month so far, for the demand charge.",
        ),
    ] = 0.0,
    explain: Annotated[
        bool,
        typer.Option(
            "--explain",
            help="Explain in text what the battery does and which limits bind, instead of a table.",
        ),
    ] = False,
    json_output: JsonOption = False,
) -> None:
    """Plan the next day and a half from a given time, as the daemon would, and show the plan.

    Of a recorded profile only the measurements before that time are used. For times after the end
    of the recording, the same dates in its last year are used. Prints the horizon as a table, or,
    with --explain, why the battery does what it does at first, and which limits bind when.
    """

    from siteems.cli.quantities import parse_when
    from siteems.planning.explanation_text import as_data, as_table, as_text
    from siteems.planning.offline_plan import plan_offline
    from siteems.site.read_file import load_site

    site = load_site(site_file)
    when = parse_when(at, datetime.now(UTC), site.site.zone)
    start_soc = site.start_soc if soc is None else soc
    explained = plan_offline(site, when, start_soc, profile, month_peak)
    if json_output:
        print(json_text(as_data(explained)))
    else:
        print(as_text(explained) if explain else as_table(explained))
