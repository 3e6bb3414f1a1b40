"""`siteems simulate`: serve the devices of a simulated site."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from siteems.cli.options import ClockOption, DayOption, LinkOption, ProfileOption, SiteArgument

app = typer.Typer()


@app.command(short_help="Serve a site's devices on loopback and on serial lines.")
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
            help="Create the --clock file, running X times as fast as real time.",
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
            help="Accept faults from `siteems fault` on this loopback port.",
            show_default=False,
        ),
    ] = None,
    certificate: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Certificate that devices on tls links present (PEM).",
            show_default=False,
        ),
    ] = None,
    key: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Private key of that certificate (PEM).", show_default=False
        ),
    ] = None,
) -> None:
    """Serve every device of a site on loopback, with a physical model of the site behind the
    registers.

    The simulated devices use the same device maps as the drivers. A serial link becomes a
    pseudo-terminal at the path in its URL, such as --link=cabinet=rtu:///tmp/cabinet; an existing
    file is not replaced. By default the simulator runs on the wall clock and repeats the demo day's
    profile at the current time of day.
    """
    from siteems.cli.arguments import clock_from, new_clock, site_folder, with_links
    from siteems.errors import UserError
    from siteems.simulation.run import run_simulator
    from siteems.site.read_file import load_site

    if (certificate is None) != (key is None):
        raise UserError("--certificate and --key must be given together")
    credentials = None if certificate is None or key is None else (certificate, key)
    site = with_links(load_site(site_file), link)
    run_simulator(
        site,
        site_folder(site_file),
        clock_from(clock) if speed is None else new_clock(clock, speed, site),
        profile,
        day,
        control,
        credentials,
    )
