"""`siteems plan`."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from siteems.cli.options import JsonOption, SiteArgument, load

app = typer.Typer()


@app.command(short_help="Make one plan and explain it.")
def plan(
    site_file: SiteArgument,
    at: Annotated[
        str,
        typer.Option(
            "--at",
            metavar="TIME",
            help="now, HH:MM (today, local to the site), or YYYY-MM-DDTHH:MM.",
        ),
    ] = "now",
    soc: Annotated[
        float | None,
        typer.Option(
            metavar="SHARE",
            min=0,
            max=1,
            help="State of charge to plan from. [default: the [demo] day's]",
            show_default=False,
        ),
    ] = None,
    profile: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="What was measured until then (CSV or CSV.gz). [default: the typical day]",
        ),
    ] = None,
    month_peak: Annotated[
        float,
        typer.Option(
            metavar="KW",
            min=0,
            help="Import that this month's demand charge is due on already, if any.",
        ),
    ] = 0.0,
    explain: Annotated[
        bool,
        typer.Option("--explain", help="Say in words why, and what binds, instead of the table."),
    ] = False,
    json: JsonOption = False,
) -> None:
    """Plan the next day and a half at a moment, as the daemon would have, and show it.

    Of a recorded profile only what lies before that moment is used; a moment after the recorded
    years uses the same days of the last one. Prints a table of the horizon; with --explain, why the
    battery does what it does now, and which limits bind when.
    """
    import json as json_module

    from siteems.cli.quantities import parse_when
    from siteems.planning.explanation_text import as_data, as_table, as_text
    from siteems.planning.offline import plan_offline

    site = load(site_file)
    when = parse_when(at, datetime.now(UTC), site.site.zone)
    start_soc = soc if soc is not None else site.demo.start_soc if site.demo else 0.6
    explained = plan_offline(site, when, start_soc, profile, month_peak)
    if json:
        print(json_module.dumps(as_data(explained), indent=1))
    else:
        print(as_text(explained) if explain else as_table(explained))
