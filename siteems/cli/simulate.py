"""`siteems simulate` and `siteems fault`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from siteems.cli.options import (
    ClockOption,
    DayOption,
    LinkOption,
    ProfileOption,
    SiteArgument,
    clock_of,
    folder_of,
    load,
    parse_day,
    with_links,
)

app = typer.Typer()


@app.command(short_help="Serve a site's devices on loopback and serial lines.")
def simulate(
    site_file: SiteArgument,
    link: LinkOption = None,
    clock: ClockOption = None,
    speed: Annotated[
        float | None,
        typer.Option(
            metavar="X",
            min=0.1,
            max=2000,
            help="Begin a new clock file that runs this fast; needs --clock.",
            show_default=False,
        ),
    ] = None,
    profile: ProfileOption = None,
    day: DayOption = None,
    control: Annotated[
        int | None,
        typer.Option(
            metavar="PORT",
            min=1,
            max=65535,
            help="Take faults at this port of loopback.",
            show_default=False,
        ),
    ] = None,
    certificate: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="tls links: what the devices show (PEM).", show_default=False
        ),
    ] = None,
    key: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Its key (PEM).", show_default=False)
    ] = None,
) -> None:
    """Serve every device of a site on loopback, with the physics of the site behind them.

    The device maps are the ones that the drivers use. A serial link becomes a pseudo-terminal at
    the path of its URL, such as --link=cabinet=rtu:///tmp/cabinet; what is there already is not
    replaced. By default the wall clock runs and the devices live through the demo day's profile at
    the present time of day.
    """
    from siteems.errors import UserError
    from siteems.simulation.run import run_simulator

    if (certificate is None) != (key is None):
        raise UserError("--certificate and --key go together")
    own = None if certificate is None or key is None else (certificate, key)
    site = with_links(load(site_file), link)
    run_simulator(
        site,
        folder_of(site_file),
        clock_of(site, clock, speed),
        profile,
        parse_day(day),
        control,
        own,
    )
