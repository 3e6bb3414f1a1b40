"""`siteems check`: validate a site file and summarise the site."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer

from siteems.cli.options import SiteArgument

app = typer.Typer()


@app.command(short_help="Validate a site file and summarise the site.")
def check(
    site_file: SiteArgument,
    read_only: Annotated[
        bool,
        typer.Option("--read-only", help="Accept a site that cannot be driven, as `run` does."),
    ] = False,
) -> None:
    """Validate a site file and summarise the site. No device is contacted.

    A valid file gives a one-page summary: assets, devices, today's tariff, the backup reserve, how
    much of the battery is free for arbitrage, and whether cycling it pays. Otherwise each error is
    one line, and the exit code is 2.
    """
    from siteems.commissioning.site_summary import summarise
    from siteems.site.read_file import load_site

    site = load_site(site_file, read_only=read_only)
    print(summarise(site, datetime.now(site.site.zone).date()))
