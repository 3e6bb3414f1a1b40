"""`check`, `demo`, `plan`: look at a site without any device."""

from __future__ import annotations

from datetime import datetime

import typer

from siteems.cli.options import SiteArgument, load

app = typer.Typer()


@app.command(short_help="Explain a site file, or name its mistakes.")
def check(site_file: SiteArgument) -> None:
    """Look at a site file: what is wrong with it, or what the site has, pays and can spare.

    Prints one line per mistake and exits with 2, or a short summary: assets, tariff of today,
    backup reserve, and how much of the battery is free for arbitrage.
    """
    from siteems.commissioning.site_summary import summarise

    site = load(site_file)
    print(summarise(site, datetime.now(site.site.zone).date()))
